/** Real RabbitMQ servers for tests: on free ports of the loopback interface, with files, cookie and name of their own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./ports.ts";

/** Debian's own script would change to another user. */
const binary = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export const hasRabbitMq = existsSync(binary);

/** Call it first in a `before` hook: skips the suite where there is no server to run, and fails it where CI=true. */
export function needsRabbitMq(context: Mocha.Context): void {
  if (hasRabbitMq) return;
  const how = `needs ${binary}: apt-get install rabbitmq-server`;
  if (process.env.CI === "true") throw new Error(how);
  console.log(`      ${how}`);
  context.skip();
}

/** Ended with the tests, should these not get to it. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const { pid } of running) process.kill(-pid!, "SIGKILL");
});

export class RabbitServer {
  readonly #folder: string;
  readonly #ports: { readonly amqp: number; readonly erlang: number; readonly names: number };
  readonly #name = `skykv-${randomUUID()}@localhost`;
  #process: ChildProcess | null = null;

  private constructor(folder: string, ports: { amqp: number; erlang: number; names: number }) {
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start(): Promise<RabbitServer> {
    const ports = { amqp: await freePort(), erlang: await freePort(), names: await freePort() };
    const server = new RabbitServer(await mkdtemp(join(tmpdir(), "skykv-rabbitmq-")), ports);
    await server.start();
    return server;
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.#ports.amqp}`;
  }

  get #environment(): Record<string, string> {
    const { amqp, erlang, names } = this.#ports;
    return {
      PATH: process.env.PATH!,
      HOME: this.#folder,
      RABBITMQ_NODENAME: this.#name,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: `${amqp}`,
      RABBITMQ_DIST_PORT: `${erlang}`,
      RABBITMQ_MNESIA_BASE: join(this.#folder, "data"),
      RABBITMQ_LOG_BASE: join(this.#folder, "log"),
      RABBITMQ_LOGS: "-",
      RABBITMQ_CONFIG_FILE: join(this.#folder, "none"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(this.#folder, "plugins"),
      RABBITMQ_FEATURE_FLAGS_FILE: join(this.#folder, "flags"),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      // Erlang's service of names, which every node starts or finds.
      ERL_EPMD_PORT: `${names}`,
      ERL_EPMD_ADDRESS: "127.0.0.1",
    };
  }

  /** Starts it again after `kill`, on the same port and with what is durable. */
  async start(): Promise<void> {
    // A group of its own: the script has the server as a child.
    const server = spawn(binary, { env: this.#environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = server;
    running.add(server);
    server.once("exit", () => running.delete(server));
    let log = "";
    for (const stream of [server.stdout, server.stderr]) {
      stream.on("data", (data) => {
        log = (log + data).slice(-2000);
      });
    }
    while (!(await this.#isListening())) {
      if (server.exitCode !== null) throw new Error(`RabbitMQ ended with ${server.exitCode}: ${log}`);
      await sleep(50);
    }
  }

  async #isListening(): Promise<boolean> {
    const socket = connect(this.#ports.amqp, "127.0.0.1");
    try {
      await once(socket, "connect");
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  /** Stops it from doing anything; connections stay open. */
  pause(): void {
    process.kill(-this.#process!.pid!, "SIGSTOP");
  }

  resume(): void {
    process.kill(-this.#process!.pid!, "SIGCONT");
  }

  /** Ends it as a crash does, and loses all that it had stored. */
  async lose(): Promise<void> {
    await this.kill();
    await rm(join(this.#folder, "data"), { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    process.kill(-server.pid!, "SIGKILL");
    await exit;
    while (await this.#isListening()) await sleep(20);
  }

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    // It outlives its nodes, and does not end while it believes that there is one.
    for (let told = ""; !told.includes("Killed"); ) {
      const { stdout } = await promisify(execFile)("epmd", ["-kill"], { env: this.#environment }).catch((e) => e);
      told = `${stdout}`;
      if (!told.includes("Killed")) await sleep(50);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
