import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./data.ts";
import { type Kept, keepRunning } from "./keep.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { type Service, startService } from "./service.ts";
import type { User } from "./user.ts";

/** `down`: killed, until it is healed. `starting`: something of it ended and is being started again. */
export type Condition = "running" | "frozen" | "starting" | "down";

/** One cloud of the box: a service process on a PostgreSQL of its own. */
export type Cloud = {
  name: string;
  /** Holds `postgres/`, `blobs/` and `service.log`. */
  directory: string;
  postgres: Kept<Postgres>;
  service: Kept<Service>;
  condition(): Condition;
  /** Ends both at once, until they are healed; what was acknowledged is kept. */
  kill(): Promise<void>;
  /** The service stands still, with its connections open. */
  freeze(): void;
  /** Resolves when it runs again. */
  heal(): Promise<void>;
  /** The service drains first, then PostgreSQL stops. */
  stop(): Promise<void>;
};

export type CloudOptions = {
  name: string;
  directory: string;
  host: string;
  /** The service's port; 0 takes any, and keeps it. */
  port: number;
  adminKeyFile: string;
  /** What the service is told of its peers. */
  peering: Record<string, string>;
  /** The service's program. */
  main: string;
  postgresUser: User | undefined;
  say: (line: string) => void;
};

/** Several of them share a small machine, and the kernel's cache holds their files as well. */
const POSTGRES_SETTINGS = { shared_buffers: "64MB" };

/** Starts one cloud; when that fails, nothing of it is left running. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { name, directory } = options;
  const say = (line: string) => options.say(`${name}: ${line}`);
  await makeFolder(directory);
  await mkdir(join(directory, "blobs"), { recursive: true, mode: 0o700 });

  say("starting PostgreSQL");
  const postgres = await keepRunning({
    name: "PostgreSQL",
    start: () =>
      startPostgres({
        directory: join(directory, "postgres"),
        settings: POSTGRES_SETTINGS,
        user: options.postgresUser,
      }),
    say,
  });
  const environment = {
    ...process.env,
    SKYKV_CLOUD: name,
    DATABASE_URL: postgres.now().url,
    BLOBS_DIR: join(directory, "blobs"),
    HOST: options.host,
    METRICS_PORT: "0",
    SKYKV_ADMIN_KEY: undefined,
    SKYKV_ADMIN_KEY_FILE: options.adminKeyFile,
    // The box waits for the line "listening", which is of level info.
    LOG_LEVEL: /^(debug|trace)$/.test(process.env.LOG_LEVEL ?? "") ? process.env.LOG_LEVEL : "info",
    ...options.peering,
  };
  let port = String(options.port);
  const start = async () => {
    const logPath = join(directory, "service.log");
    const service = await startService({ main: options.main, environment: { ...environment, PORT: port }, logPath });
    port = new URL(service.url).port;
    return service;
  };

  say("starting the service");
  try {
    return cloudOf(name, directory, postgres, await keepRunning({ name: "the service", start, say }));
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

function cloudOf(name: string, directory: string, postgres: Kept<Postgres>, service: Kept<Service>): Cloud {
  let isDown = false;
  let frozen: Service | undefined;
  const thaw = () => {
    frozen?.kill("SIGCONT");
    frozen = undefined;
  };
  return {
    name,
    directory,
    postgres,
    service,
    condition: () => {
      if (isDown) return "down";
      if (!postgres.isRunning() || !service.isRunning()) return "starting";
      return frozen === service.now() ? "frozen" : "running";
    },
    kill: async () => {
      isDown = true;
      postgres.hold();
      service.hold();
      service.now().kill("SIGKILL");
      postgres.now().kill("SIGQUIT");
      await Promise.all([service.now().exited, postgres.now().exited]);
    },
    freeze: () => {
      frozen = service.now();
      frozen.kill("SIGSTOP");
    },
    heal: async () => {
      thaw();
      isDown = false;
      await postgres.resume();
      await service.resume();
    },
    stop: async () => {
      thaw();
      await service.stop();
      await postgres.stop();
    },
  };
}
