/** One cloud made of real processes, to be killed, stopped and started again: a PostgreSQL and services on it. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Postgres, startPostgres } from "../../tools/box/postgres.ts";
import { isGone, signalProcess } from "../../tools/box/process.ts";
import { type Service, startService } from "../../tools/box/service.ts";
import { adminKey } from "./service.ts";

const main = fileURLToPath(new URL("../../service/main.ts", import.meta.url));

export class ProcessCloud {
  readonly folder: string;
  readonly #services = new Set<Service>();
  #started = 0;
  postgres: Postgres;

  private constructor(folder: string, postgres: Postgres) {
    this.folder = folder;
    this.postgres = postgres;
  }

  /** Starts the database alone. */
  static async start(): Promise<ProcessCloud> {
    const folder = await mkdtemp(join(tmpdir(), "skykv-processes-"));
    // Run by root, PostgreSQL has another user, who must pass.
    await chmod(folder, 0o711);
    return new ProcessCloud(folder, await startPostgres({ directory: join(folder, "postgres") }));
  }

  /** Runs one more service process, on free ports unless `environment` says otherwise; returns when it listens. */
  async startService(environment: Record<string, string> = {}, program = main): Promise<Service> {
    const service = await startService({
      main: program,
      logPath: join(this.folder, `service-${++this.#started}.log`),
      environment: {
        PATH: process.env.PATH,
        DATABASE_URL: this.postgres.url,
        BLOBS_DIR: join(this.folder, "blobs"),
        PORT: "0",
        METRICS_PORT: "0",
        SKYKV_ADMIN_KEY: adminKey,
        ...environment,
      },
    });
    this.#services.add(service);
    void service.exited.then(() => this.#services.delete(service));
    return service;
  }

  /** As if the power of the database's machine failed, except that what the kernel holds is not lost. */
  async killPostgres(): Promise<void> {
    const pids = await this.signalPostgres("SIGKILL");
    for (const pid of pids) await isGone(pid, 10_000);
    await this.postgres.exited;
  }

  async restartPostgres(): Promise<void> {
    this.postgres = await startPostgres({ directory: this.postgres.directory });
  }

  /** Sends a signal to all processes of PostgreSQL, the postmaster first. SIGSTOP leaves all connections open. */
  async signalPostgres(signal: NodeJS.Signals): Promise<number[]> {
    const pids = [this.postgres.pid, ...(await this.postgresChildren())];
    for (const pid of pids) signalProcess(pid, signal);
    return pids;
  }

  /** One for each connection, and the background ones. */
  async postgresChildren(): Promise<number[]> {
    const { pid } = this.postgres;
    if (process.platform === "linux") {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
      return children.trim().split(" ").filter(Boolean).map(Number);
    }
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    return lines.filter(([, parent]) => parent === pid).map(([child]) => child!);
  }

  /** Ends everything; the files stay. */
  async stop(): Promise<void> {
    await Promise.all([...this.#services].map((service) => service.stop()));
    await this.postgres.stop();
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
