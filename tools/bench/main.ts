/** `npm run bench`: the service beside a bare `node:http` server, or behind the box's edge beside itself, in one run. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure, type Plan, type Result } from "./bench.ts";
import { examine } from "./machine.ts";
import { headText, isMet, json, resultText } from "./report.ts";
import { startServers } from "./servers.ts";
import { workloads } from "./workloads.ts";

const help = `npm run bench -- [options]

Measures the service, with its database, API keys, rate limits and metrics, beside a bare node:http server that answers
the same bytes, in turns. All of it, client included, shares this machine. Exits with 1 when the service is slower than it has to be.

  --quick           short rounds: all within a minute
  --filter TEXT     only workloads whose names hold TEXT: ${workloads.map(({ name }) => name).join(", ")}
  --edge            the service behind the box's edge beside the service itself
  --no-check        exits with 0 however slow the service is
  --json            prints one line of JSON, with every round
  --data FOLDER     the disk to measure: a folder is made there and removed (default: node_modules/.cache)
  --profile FOLDER  the service writes CPU profiles there when it ends
  --help            prints this
`;

const plans = {
  quick: { rounds: 3, seconds: 1, warmUp: 3 },
  full: { rounds: 7, seconds: 4, warmUp: 5 },
} satisfies Record<string, Plan>;

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    allowNegative: true,
    options: {
      quick: { type: "boolean", default: false },
      filter: { type: "string", default: "" },
      edge: { type: "boolean", default: false },
      check: { type: "boolean", default: true },
      json: { type: "boolean", default: false },
      data: { type: "string", default: join(import.meta.dirname, "../../node_modules/.cache") },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = workloads
    .filter(({ name }) => name.toLowerCase().includes(options.filter.toLowerCase()))
    // What is demanded is demanded of the service.
    .map((workload) => (options.edge ? { ...workload, target: null } : workload));
  if (chosen.length === 0) throw new Error(`expected --filter to be in a workload's name, found ${options.filter}`);
  const plan = options.quick ? plans.quick : plans.full;
  const print = (text: string) => options.json || process.stdout.write(`${text}\n\n`);

  const servers = await startServers({
    folder: options.data,
    cacheBytes: chosen.map(({ cacheBytes }) => cacheBytes),
    edge: options.edge,
    profiles: options.profile,
    say: (line) => process.stderr.write(`${line} …\n`),
  });
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => {});
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupted.reject(new Error(signal)));
  const results: Result[] = [];
  try {
    const machine = await examine(servers.folder, servers.databaseUrl);
    print(headText(machine, plan));
    for (const workload of chosen) {
      const result = await Promise.race([measure(servers, workload, plan), interrupted.promise]);
      results.push(result);
      print(resultText(result));
    }
    if (options.json) process.stdout.write(`${json(machine, plan, results)}\n`);
  } finally {
    await servers.stop();
  }
  return options.check && !results.every(isMet) ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  },
);
