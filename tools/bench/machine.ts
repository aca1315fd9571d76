import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** What the figures depend on besides the code. */
export type Machine = {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly platform: string;
  readonly node: string;
  readonly postgres: string;
  /** PostgreSQL's settings that decide what "durable" means. */
  readonly durability: Readonly<Record<string, string>>;
  readonly filesystem: string;
  /** Milliseconds to write 8 KiB and have them on disk, as a small commit does. */
  readonly fsync: { readonly p50: number; readonly p99: number };
};

/** `folder` is where the database keeps its files. */
export async function examine(folder: string, databaseUrl: string): Promise<Machine> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const show = async (name: string) => String(Object.values((await client.query(`show ${name}`)).rows[0])[0]);
  try {
    return {
      date: new Date().toISOString().slice(0, 10),
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      platform: `${process.platform}-${process.arch}`,
      node: process.versions.node,
      postgres: await show("server_version"),
      durability: {
        fsync: await show("fsync"),
        synchronous_commit: await show("synchronous_commit"),
        wal_sync_method: await show("wal_sync_method"),
        full_page_writes: await show("full_page_writes"),
      },
      filesystem: await filesystemOf(folder),
      fsync: measureFsync(folder),
    };
  } finally {
    await client.end();
  }
}

/** Numbers that filesystems are known by: `man 2 statfs` on Linux, the order of registration on macOS. */
const filesystems: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  801189825: "zfs",
  2035054128: "overlayfs",
  16914836: "tmpfs (in memory: nothing here is durable)",
  26: "apfs",
};

async function filesystemOf(folder: string): Promise<string> {
  const { type } = await statfs(folder);
  return filesystems[type] ?? `type 0x${type.toString(16)}`;
}

/** Times in a row, enough for a p99 that is no outlier. */
const syncs = 200;

function measureFsync(folder: string): Machine["fsync"] {
  const path = join(folder, "fsync");
  const file = openSync(path, "w");
  const page = Buffer.alloc(8192, 1);
  try {
    const times = Array.from({ length: syncs }, () => {
      const startedAt = performance.now();
      // At the same place: PostgreSQL's log too is written into files that have their size already.
      writeSync(file, page, 0, page.length, 0);
      fdatasyncSync(file);
      return performance.now() - startedAt;
    }).sort((a, b) => a - b);
    return { p50: times[Math.floor(syncs * 0.5)]!, p99: times[Math.floor(syncs * 0.99)]! };
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
