import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./data.ts";
import { type Kept, keepRunning } from "./keep.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { type Service, startService } from "./service.ts";
import type { User } from "./user.ts";

/** One cloud of the box: a service process on a PostgreSQL of its own. */
export type Cloud = {
  name: string;
  /** Holds `postgres/`, `blobs/` and `service.log`. */
  directory: string;
  postgres: Kept<Postgres>;
  service: Kept<Service>;
  /** The service drains first, then PostgreSQL stops. */
  stop(): Promise<void>;
  /** Ends both at once; what was acknowledged is kept. */
  kill(): void;
};

export type CloudOptions = {
  name: string;
  directory: string;
  host: string;
  /** The service's port; 0 takes any. */
  port: number;
  adminKeyFile: string;
  /** The service's program. */
  main: string;
  postgresUser: User | undefined;
  say: (line: string) => void;
};

/** Starts one cloud; when that fails, nothing of it is left running. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { name, directory } = options;
  const say = (line: string) => options.say(`${name}: ${line}`);
  await makeFolder(directory);
  await mkdir(join(directory, "blobs"), { recursive: true, mode: 0o700 });

  say("starting PostgreSQL");
  const postgres = await keepRunning({
    name: "PostgreSQL",
    start: () => startPostgres({ directory: join(directory, "postgres"), user: options.postgresUser }),
    say,
  });
  const environment = {
    ...process.env,
    SKYKV_CLOUD: name,
    DATABASE_URL: postgres.now().url,
    BLOBS_DIR: join(directory, "blobs"),
    HOST: options.host,
    PORT: String(options.port),
    METRICS_PORT: "0",
    SKYKV_ADMIN_KEY: undefined,
    SKYKV_ADMIN_KEY_FILE: options.adminKeyFile,
    // The box waits for the line "listening", which is of level info.
    LOG_LEVEL: /^(debug|trace)$/.test(process.env.LOG_LEVEL ?? "") ? process.env.LOG_LEVEL : "info",
  };

  say("starting the service");
  try {
    const service = await keepRunning({
      name: "the service",
      start: () => startService({ main: options.main, environment, logPath: join(directory, "service.log") }),
      say,
    });
    return {
      name,
      directory,
      postgres,
      service,
      stop: async () => {
        await service.stop();
        await postgres.stop();
      },
      kill: () => {
        service.now().kill("SIGKILL");
        postgres.now().kill("SIGQUIT");
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
