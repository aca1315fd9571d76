import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { scratchFolder } from "./scratch.ts";

const installed = "/usr/lib/postgresql";

/** Folder of the newest PostgreSQL that the system has, or null. */
export function systemPostgres(): string | null {
  const versions = existsSync(installed)
    ? readdirSync(installed)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  const bin = versions
    .map((version) => join(installed, String(version), "bin"))
    .find((folder) => existsSync(join(folder, "postgres")));
  return bin ?? null;
}

/** The system's PostgreSQL on a scratch folder, with its defaults. PostgreSQL refuses root, so there it runs as nobody. */
export async function startSystemPostgres(
  bin: string,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const folder = await scratchFolder();
  const [data, socket] = [join(folder, "data"), join(folder, "socket")];
  await Promise.all([data, socket].map((path) => mkdir(path)));
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  for (const path of [data, socket]) if (user.uid !== undefined) chownSync(path, user.uid, user.gid);
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "skykv", "-E", "UTF8", "--locale=C", "-A", "trust"], {
    ...user,
    stdio: "ignore",
  });
  const server = spawn(join(bin, "postgres"), ["-D", data, "-k", socket, "-c", "listen_addresses="], {
    ...user,
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const url = `postgres://skykv@${encodeURIComponent(socket)}/postgres`;
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (attempt > 100) throw error;
      await sleep(100);
    }
  }
  const stop = async () => {
    server.kill("SIGINT");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { url, stop };
}
