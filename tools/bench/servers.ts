import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres } from "../box/postgres.ts";
import { startService } from "../box/service.ts";
import { Api } from "./api.ts";
import type { Answers } from "./bare.ts";
import type { Failed, Measured, Order } from "./load.ts";
import { seededKeys } from "./workloads.ts";

export type ServersOptions = {
  /** Parent of the folder that everything is kept in, which is removed at the end. */
  readonly folder: string;
  /** Bounds of the services' memory for values in bytes, one service each; null: the default. */
  readonly cacheBytes: readonly (number | null)[];
  /** Measure the service behind the box's edge beside the service itself, not the service beside the bare server. */
  readonly edge: boolean;
  /** Where the services write profiles of their use of the processor when they end. */
  readonly profiles: string | undefined;
  readonly say: (line: string) => void;
};

/** A server that is measured. */
export type Measurable = { readonly name: string; readonly port: number; readonly pid: number };

/** All that runs during a bench, each a process of its own. */
export type Servers = {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly databasePid: number;
  /** What is measured, and beside what, where the service's memory is so bounded. */
  readonly pair: (cacheBytes: number | null) => { readonly subject: Measurable; readonly reference: Measurable };
  readonly clientPid: number;
  /** Lets the client do one round. Rejects when an answer was not right. */
  readonly measure: (order: Omit<Order, "authorization">) => Promise<Measured>;
  readonly stop: () => Promise<void>;
};

/** Starts them, and fills the store. When that fails, nothing is left. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  await mkdir(options.folder, { recursive: true });
  const folder = await mkdtemp(join(options.folder, "skykv-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // Run by root, PostgreSQL has another user, who must pass.
  await chmod(folder, 0o711);

  options.say("starting PostgreSQL and the service");
  const postgres = await startPostgres({ directory: join(folder, "postgres") });
  stack.defer(() => postgres.stop());
  const key = newKey();
  const profiling = options.profiles && `--cpu-prof --cpu-prof-dir=${options.profiles}`;
  const services = new Map<number | null, Measurable & { url: string }>();
  for (const cacheBytes of new Set(options.cacheBytes)) {
    const environment = {
      PATH: process.env.PATH,
      NODE_OPTIONS: profiling,
      DATABASE_URL: postgres.url,
      BLOBS_DIR: join(folder, "blobs"),
      PORT: "0",
      METRICS_PORT: "0",
      SKYKV_ADMIN_KEY: key,
      L1_BYTES: cacheBytes?.toString(),
    };
    const logPath = join(folder, `service-${services.size}.log`);
    const service = await startService({ main: serviceMain, environment, logPath });
    stack.defer(() => service.stop());
    services.set(cacheBytes, { name: "service", url: service.url, port: portOf(service.url), pid: service.pid });
  }

  options.say(`writing ${seededKeys.toLocaleString("en")} entries`);
  const api = new Api(services.values().next().value!.url, key);
  await api.createNamespace();
  await api.fill();

  const pairs = new Map<number | null, { subject: Measurable; reference: Measurable }>();
  if (options.edge) {
    for (const [bytes, service] of services) {
      pairs.set(bytes, { subject: await startEdge(stack, service.url), reference: service });
    }
  } else {
    const bare = await startBare(stack, await api.answers());
    for (const [bytes, service] of services) pairs.set(bytes, { subject: service, reference: bare });
  }
  const client = await startChild(stack, "load.ts");
  const measure = async (order: Omit<Order, "authorization">) => {
    client.send({ ...order, authorization: `Bearer ${key}` } satisfies Order);
    const answer = await reply<Measured | Failed>(client);
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  };
  const owned = stack.move();
  return {
    folder,
    databaseUrl: postgres.url,
    databasePid: postgres.pid,
    pair: (cacheBytes) => pairs.get(cacheBytes)!,
    clientPid: client.pid!,
    measure,
    stop: () => owned.disposeAsync(),
  };
}

const serviceMain = join(import.meta.dirname, "../../service/main.ts");

/** An admin key for this run. */
function newKey(): string {
  return `skykv_${randomBytes(6).toString("hex")}_${randomBytes(22).toString("hex").slice(0, 43)}`;
}

async function startBare(stack: AsyncDisposableStack, answers: Answers): Promise<Measurable> {
  const child = await startChild(stack, "bare.ts");
  child.send(answers);
  return { name: "node:http", port: await reply<number>(child), pid: child.pid! };
}

async function startEdge(stack: AsyncDisposableStack, serviceUrl: string): Promise<Measurable> {
  const child = await startChild(stack, "edge.ts");
  child.send(serviceUrl);
  return { name: "edge", port: await reply<number>(child), pid: child.pid! };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** The next message of a child. Rejects when the child ends instead. */
async function reply<T>(child: ChildProcess): Promise<T> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const message = once(child, "message", { signal }).then(([message]) => message as T);
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error("a program of the bench ended early");
  });
  // Whichever loses is aborted.
  ended.catch(() => {});
  message.catch(() => {});
  try {
    return await Promise.race([message, ended]);
  } finally {
    waiting.abort();
  }
}

/**
 * A program of this folder, that talks with us by messages and ends when we do. In a session of its own, as the service
 * and PostgreSQL are: Linux shares a busy processor evenly among sessions.
 */
async function startChild(stack: AsyncDisposableStack, program: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, program), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  await once(child, "spawn");
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.disconnect();
    await exited;
  });
  return child;
}
