import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readConfig } from "../../service/config.ts";
import { type Io, type Running, startService } from "../../service/main.ts";
import { type Postgres, startPostgres } from "../../tools/box/postgres.ts";
import { scratchFolder } from "./scratch.ts";

/** The admin key of every test service. */
export const adminKey = `skykv_testtesttest_${"k".repeat(43)}`;

export type TestService = {
  readonly url: string;
  readonly adminKey: string;
  readonly running: Running;
  readonly postgres: Postgres;
  /** Ends the service and its database, and removes their files. */
  close(): Promise<void>;
};

/** A service in this process on a PostgreSQL of its own, on free ports. `environment` is added to its configuration. */
export async function startTestService(
  environment: Record<string, string> = {},
  io: Partial<Io> = {},
): Promise<TestService> {
  const folder = await scratchFolder();
  const postgres = await startPostgres({ directory: join(folder, "postgres") });
  const config = readConfig({
    DATABASE_URL: postgres.url,
    BLOBS_DIR: join(folder, "blobs"),
    PORT: "0",
    METRICS_PORT: "0",
    SKYKV_ADMIN_KEY: adminKey,
    LOG_LEVEL: "error",
    ...environment,
  });
  try {
    const running = await startService(config, io);
    const close = async () => {
      await running.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    };
    return { url: running.url, adminKey, running, postgres, close };
  } catch (error) {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
