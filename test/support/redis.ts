/** Real Valkey or Redis servers for tests: one, or a cluster, on free ports of the loopback interface. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "./ports.ts";

const binary = ["valkey-server", "redis-server"].find((name) => spawnSync(name, ["--version"]).status === 0);

export const hasRedis = binary !== undefined;

/** Call it first in a `before` hook: skips the suite where there is no server to run, and fails it where CI=true. */
export function needsRedis(context: Mocha.Context): void {
  if (hasRedis) return;
  const how = "needs valkey-server or redis-server on the PATH: apt-get install redis-server";
  if (process.env.CI === "true") throw new Error(how);
  console.log(`      ${how}`);
  context.skip();
}

/** Ended with the tests, should these not get to it. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const server of running) server.kill("SIGKILL");
});

/** Settings of a server, as on its command line but without the dashes. */
type Settings = Readonly<Record<string, string>>;

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Settings;
  #process: ChildProcess | null = null;

  private constructor(port: number, folder: string, settings: Settings) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
  }

  static async start(settings: Settings = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), "skykv-redis-")), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again after `kill`, on the same port and empty. */
  async start(): Promise<void> {
    const settings = { port: this.port, bind: "127.0.0.1", dir: this.#folder, save: "", ...this.#settings };
    const server = spawn(
      binary!,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]),
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    this.#process = server;
    running.add(server);
    server.once("exit", () => running.delete(server));
    let log = "";
    server.stdout.on("data", (data) => {
      log = (log + data).slice(-2000);
    });
    for (;;) {
      if (server.exitCode !== null) throw new Error(`${binary} ended with ${server.exitCode}: ${log}`);
      if (await this.command("PING").catch(() => null)) return;
      await sleep(20);
    }
  }

  /** Stops it from doing anything; connections stay open. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    server.kill("SIGKILL");
    await exit;
  }

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Sends one command over a connection of its own. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const redis = new Redis({ host: "127.0.0.1", port: this.port, retryStrategy: null, lazyConnect: true });
    redis.on("error", () => {});
    try {
      await redis.connect();
      return await redis.call(name, ...args);
    } finally {
      redis.disconnect();
    }
  }
}

export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  /** Three masters with a third of the slots each, and a replica of the first ones as many as asked for. */
  static async start(replicas = 0): Promise<RedisCluster> {
    const servers = await Promise.all(
      Array.from({ length: 3 + replicas }, async () =>
        RedisServer.start({
          "cluster-enabled": "yes",
          "cluster-port": `${await freePort()}`,
          "cluster-node-timeout": "1500",
          // The others go on when one is lost, as in the clouds.
          "cluster-require-full-coverage": "no",
        }),
      ),
    );
    const [first, ...others] = servers as [RedisServer, ...RedisServer[]];
    const masters = servers.slice(0, 3);
    await Promise.all(
      masters.map((server, i) =>
        server.command("CLUSTER", "ADDSLOTSRANGE", Math.ceil((i * 16384) / 3), Math.ceil(((i + 1) * 16384) / 3) - 1),
      ),
    );
    for (const [i, server] of servers.entries()) await server.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    for (const other of others) {
      const [, port, bus] = /:(\d+)@(\d+)/.exec(`${await other.command("CLUSTER", "NODES")}`)!;
      await first.command("CLUSTER", "MEET", "127.0.0.1", port!, bus!);
    }
    const ready = async (server: RedisServer) => {
      const info = `${await server.command("CLUSTER", "INFO")}`;
      return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${servers.length}`);
    };
    while (!(await Promise.all(servers.map(ready))).every(Boolean)) await sleep(50);
    for (const [i, replica] of servers.slice(3).entries()) {
      await replica.command("CLUSTER", "REPLICATE", `${await masters[i]!.command("CLUSTER", "MYID")}`);
      while (!`${await replica.command("INFO", "replication")}`.includes("master_link_status:up")) await sleep(50);
    }
    return new RedisCluster(masters, servers.slice(3));
  }

  get url(): string {
    return `redis+cluster://${this.masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  get servers(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
