import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cloud, startCloud } from "./cloud.ts";
import { openData, publishUrl } from "./data.ts";
import { BoxError } from "./error.ts";
import { userOf } from "./user.ts";

/** All that runs on this machine for `npm start`. */
export type Box = {
  /** Where the API is served, without a slash at the end. */
  url: string;
  data: string;
  /** Holds the admin key. */
  keyFile: string;
  clouds: Cloud[];
  /** Stops everything in order, after open requests have been answered. */
  stop(): Promise<void>;
  /** Ends everything at once; what was acknowledged is kept. */
  kill(): void;
};

export type BoxOptions = {
  /** The data folder, kept between runs. */
  data: string;
  /** Empty the data folder first. */
  fresh: boolean;
  host: string;
  /** The port of the API; 0 takes any. */
  port: number;
  /** Whom PostgreSQL runs as, where we are root. */
  postgresUid: number | undefined;
  /** Hears one line for each step. */
  say: (line: string) => void;
  /** The service's program. */
  serviceMain?: string | undefined;
};

const SERVICE_MAIN = join(import.meta.dirname, "../../service/main.ts");
const PORT_PATIENCE_MS = 1_000;
const CLOUDS = ["local"];

/** Starts the box; when that fails, nothing of it is left running. */
export async function startBox(options: BoxOptions): Promise<Box> {
  const { host, port, postgresUid, say, serviceMain = SERVICE_MAIN } = options;
  await assertFree(host, port);
  const data = resolve(options.data);
  const { keyFile } = await openData(data, options.fresh);
  const postgresUser = postgresUid === undefined ? undefined : await userOf(postgresUid);
  const clouds = await allOrNone(
    CLOUDS.map((name) =>
      startCloud({
        name,
        directory: join(data, name),
        host,
        port,
        adminKeyFile: keyFile,
        main: serviceMain,
        postgresUser,
        say,
      }),
    ),
  );
  const { url } = clouds[0]!.service.now();
  await publishUrl(data, url);
  return {
    url,
    data,
    keyFile,
    clouds,
    stop: async () => void (await Promise.all(clouds.map((cloud) => cloud.stop()))),
    kill: () => {
      for (const cloud of clouds) cloud.kill();
    },
  };
}

/** All clouds, or, when one cannot start, its error, after the others have stopped. */
async function allOrNone(starts: Promise<Cloud>[]): Promise<Cloud[]> {
  const settled = await Promise.allSettled(starts);
  const failure = settled.find((one) => one.status === "rejected");
  const clouds = settled.filter((one) => one.status === "fulfilled").map((one) => one.value);
  if (failure === undefined) return clouds;
  await Promise.all(clouds.map((cloud) => cloud.stop()));
  throw failure.reason;
}

/**
 * Makes sure that nobody listens there. The service would find out too, but only after PostgreSQL has started. Waits
 * a little for the service of a box that was killed just now, which is about to end.
 */
async function assertFree(host: string, port: number): Promise<void> {
  const end = Date.now() + PORT_PATIENCE_MS;
  let error = await tryToListen(host, port);
  while (error?.code === "EADDRINUSE" && Date.now() < end) {
    await sleep(50);
    error = await tryToListen(host, port);
  }
  if (error?.code === "EADDRINUSE") {
    throw new BoxError(`Port ${port} is in use, perhaps by another box. Stop that, or choose another with --port.`);
  }
  if (error !== undefined) throw new BoxError(`Cannot listen on ${host}, port ${port}: ${error.message}.`);
}

async function tryToListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  const { promise, resolve: settle } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  server.once("error", settle).once("close", settle);
  server.listen({ host, port, exclusive: true }, () => server.close());
  return promise;
}
