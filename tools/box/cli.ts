import { parseArgs } from "node:util";
import { CLOUDS, LOCAL, startBox } from "./box.ts";
import { BoxError } from "./error.ts";
import { machineLine, shown, welcome } from "./welcome.ts";

const HELP = `Runs SkyKV on this machine: three clouds that replicate, each a service on a PostgreSQL of its
own, the edge in front of them, and the console.

  npm start -- [options]

  --clouds NAMES       some of aws,gcp,azure, the most preferred first (default all), or
                       local: one cloud by itself, without an edge
  --port PORT          the port of the API and the console (default 8080); the clouds
                       themselves take those behind it
  --data DIR           where the data is kept between runs (default .skykv)
  --fresh              empty that folder first
  --postgres-user UID  as root: the user to run PostgreSQL as (default: the owner of
                       the folder, else nobody)
  --json               print one line of JSON when ready, nothing else
  --help               print this

  REDIS_URL in the environment adds a shared cache, QUEUE_URL a queue. HOST is the address to
  listen on (default 127.0.0.1: this machine only). Ctrl-C stops everything, a second one at once.
`;

/** npm passes Ctrl-C on to us, although the terminal has sent it already: such a pair is one wish. */
const SAME_SIGNAL_MS = 500;
const PARENT_POLL_MS = 500;

/**
 * Runs the box until it is told to stop; returns the exit code.
 * @param serviceMain a program in place of the service
 */
export async function run(args: string[], serviceMain?: string): Promise<number> {
  try {
    return await runBox(args, serviceMain);
  } catch (error) {
    console.error(error instanceof BoxError ? error.message : error);
    return 1;
  }
}

async function runBox(args: string[], serviceMain: string | undefined): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }

  // The terminal may be gone when we stop: then nobody reads our last words.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const say = options.json ? console.error : console.log;
  const started = performance.now();
  const stopping = stopSignal();
  const starting = startBox({
    clouds: options.clouds,
    data: options.data,
    fresh: options.fresh,
    host: process.env.HOST ?? "127.0.0.1",
    port: options.port,
    postgresUid: options.postgresUid,
    say: (line) => say(`  ${line}`),
    serviceMain,
  });
  const box = await starting.catch((error) => {
    // Ctrl-C reaches the programs that we run to start up, too.
    if (stopping.asked) return undefined;
    throw error;
  });
  if (box === undefined) return 0;
  stopping.onSecond = () => box.kill();
  if (!stopping.asked) console.log(options.json ? machineLine(box) : welcome(box, performance.now() - started));

  await stopping.first;
  say("Stopping: open requests finish first (Ctrl-C again ends it at once)");
  await box.stop();
  say(`Stopped. The data is in ${shown(box.data)}.`);
  return 0;
}

type Options = {
  clouds: string[];
  port: number;
  data: string;
  fresh: boolean;
  postgresUid: number | undefined;
  json: boolean;
  help: boolean;
};

function readOptions(args: string[]): Options {
  const { values } = parse(args);
  const number = (name: string, text: string, highest: number) => {
    if (/^\d{1,10}$/.test(text) && Number(text) <= highest) return Number(text);
    throw new BoxError(`--${name} takes a number up to ${highest}, not "${text}".`);
  };
  return {
    clouds: cloudsOf(values.clouds),
    port: number("port", values.port, 65_535),
    data: values.data,
    fresh: values.fresh,
    postgresUid:
      values["postgres-user"] === undefined ? undefined : number("postgres-user", values["postgres-user"], 2 ** 31 - 1),
    json: values.json,
    help: values.help,
  };
}

function cloudsOf(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const isKnown = names.every((name) => Object.hasOwn(CLOUDS, name)) && new Set(names).size === names.length;
  if (isKnown || text.trim() === LOCAL) return names;
  throw new BoxError(`--clouds takes ${LOCAL}, or each at most once of ${Object.keys(CLOUDS)}, not "${text}".`);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        clouds: { type: "string", default: Object.keys(CLOUDS).join() },
        port: { type: "string", default: "8080" },
        data: { type: "string", default: ".skykv" },
        fresh: { type: "boolean", default: false },
        "postgres-user": { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new BoxError(`${(error as Error).message.split(". ")[0]}. See npm start -- --help.`);
  }
}

/** The wish to stop: the first signal asks for it, a second one means at once. */
function stopSignal() {
  const { promise: first, resolve: ask } = Promise.withResolvers<void>();
  const stopping = { asked: false, first, onSecond: () => {} };
  let at = 0;
  const stop = () => {
    if (!stopping.asked) {
      stopping.asked = true;
      at = performance.now();
      ask();
    } else if (performance.now() - at > SAME_SIGNAL_MS) {
      stopping.onSecond();
      process.exit(130);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  if (process.env.npm_lifecycle_event !== undefined) onOrphaned(stop);
  return stopping;
}

/** npm runs us by a shell, which may die of a signal without passing it on. */
function onOrphaned(act: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    act();
  }, PARENT_POLL_MS).unref();
}
