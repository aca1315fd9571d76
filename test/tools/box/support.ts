import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Box, type BoxOptions, startBox } from "../../../tools/box/box.ts";
import { inspectProcess } from "../../../tools/box/process.ts";

/** A temporary folder that other users may pass through: as root, PostgreSQL runs as another user. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "box-"));
  await chmod(folder, 0o711);
  return folder;
}

/** A box of three clouds on free ports, unless `options` say otherwise. */
export function startTestBox(data: string, options: Partial<BoxOptions> = {}): Promise<Box> {
  return startBox({
    clouds: ["aws", "gcp", "azure"],
    data,
    fresh: false,
    host: "127.0.0.1",
    port: 0,
    postgresUid: undefined,
    say: () => {},
    ...options,
  });
}

export async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Waits until `holds` answers yes (an error is a no), for at most ten seconds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}.`);
    await sleep(5);
  }
}

/** The process ids of a process's children (Linux alone). */
export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(pids.map(inspectProcess));
  return pids.filter((_, index) => found[index]?.parent === parent);
}
