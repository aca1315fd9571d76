import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { findBinaries } from "../../../tools/box/binaries.ts";
import { type Postgres, startPostgres } from "../../../tools/box/postgres.ts";
import { inspectProcess, isGone } from "../../../tools/box/process.ts";
import { childrenOf, remove, temporaryFolder, until } from "./support.ts";

/** A refusal that is one line and says what `words` match. */
const refusal = (words: RegExp) => (error: Error) => {
  assert.equal(error.name, "BoxError", error.stack);
  assert.match(error.message, words);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

describe("the box's PostgreSQL", () => {
  let folder: string;
  let directory: string;
  let running: Postgres | undefined;
  const start = async (where = directory) => {
    running = await startPostgres({ directory: where });
    return running;
  };
  before(async () => {
    folder = await temporaryFolder();
    directory = join(folder, "postgres");
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  after(() => remove(folder));

  it("serves a database to its owner, by unix socket alone, with every commit on disk", async () => {
    const { url } = await start();
    assert.deepEqual(
      await query(
        url,
        "SELECT current_database() AS database, current_user AS user, usesuper FROM pg_user WHERE usename = current_user",
      ),
      [{ database: "skykv", user: "skykv", usesuper: false }],
    );
    const shown = await query(url, "SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [
      ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "server_encoding"],
    ]);
    assert.deepEqual(Object.fromEntries(shown.map(({ name, setting }) => [name, setting])), {
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      listen_addresses: "",
      server_encoding: "UTF8",
    });
    assert.deepEqual(await query(url, "SELECT datcollate FROM pg_database WHERE datname = 'skykv'"), [
      { datcollate: "C" },
    ]);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  });

  it("takes settings on top of its own", async () => {
    running = await startPostgres({ directory, settings: { max_connections: "7" } });
    assert.deepEqual(await query(running.url, "SHOW max_connections"), [{ max_connections: "7" }]);
  });

  it("keeps what was committed when it is killed, and starts again at once", async () => {
    const { url, kill, exited } = await start();
    await query(url, "CREATE TABLE kept AS SELECT 42 AS answer");
    kill("SIGKILL");
    assert.equal((await exited).signal, "SIGKILL");
    const again = await start();
    assert.deepEqual(await query(again.url, "SELECT answer FROM kept"), [{ answer: 42 }]);
  });

  it("stops with nothing left behind", async () => {
    const { pid, stop } = await start();
    await stop();
    assert.equal(await inspectProcess(pid), undefined);
    await stop();
    assert.deepEqual((await readdir(directory)).sort(), ["data", "postgres.log"]);
  });

  it("is never started twice on one folder", async () => {
    const { url } = await start();
    await assert.rejects(
      startPostgres({ directory }),
      refusal(new RegExp(`in use by process ${process.pid}\\. Stop that`)),
    );
    assert.deepEqual(await query(url, "SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("ends when its starter is killed", async () => {
    const { starter, pid } = await hold(directory);
    await kill(starter);
    assert.ok(await isGone(pid, 10_000));
  });

  it("is stopped and started afresh when it has outlived its starter", async function () {
    if (process.platform !== "linux") this.skip();
    const { starter, pid } = await hold(directory);
    // The guards go first: nothing is left that would stop PostgreSQL.
    for (const child of await childrenOf(starter.pid!)) if (child !== pid) process.kill(child, "SIGKILL");
    await kill(starter);
    assert.ok(await inspectProcess(pid), "PostgreSQL was to go on");
    const next = await start();
    assert.equal(await inspectProcess(pid), undefined);
    assert.deepEqual(await query(next.url, "SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("is not kept from its folder by a lock whose process number now belongs to another program", async () => {
    await (await start()).stop();
    const data = join(directory, "data");
    await writeFile(join(data, "postmaster.pid"), [process.pid, data, 0, 5432, directory, "", "", ""].join("\n"));
    await start();
  });

  it("initialises anew after a kill in the middle of it", async () => {
    const place = join(folder, "broken-off");
    const starter = spawn(process.execPath, [join(import.meta.dirname, "hold.ts"), place], { stdio: "ignore" });
    await until("initialisation begins", async () =>
      (await readdir(place)).some((name) => name.startsWith("data.new-")),
    );
    await kill(starter);
    assert.ok(!(await readdir(place)).includes("data"), "the kill came too late");
    const { url } = await start(place);
    assert.deepEqual(await query(url, "SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("takes folders with any name, moved ones too", async () => {
    const odd = join(folder, `Odd "näme" of 'ours' 100% $HOME`);
    await rename(directory, odd);
    try {
      const { url, stop } = await start(odd);
      assert.deepEqual(await query(url, "SELECT answer FROM kept"), [{ answer: 42 }]);
      await stop();
    } finally {
      await rename(odd, directory);
    }
  });

  it("keeps its socket elsewhere, always in the same place, when its own path is too long for one", async () => {
    const long = join(folder, "l".repeat(100));
    await rename(directory, long);
    try {
      const { url, stop } = await start(long);
      const socketFolder = decodeURIComponent(/@(.*)\//.exec(url)![1]!);
      assert.ok(socketFolder.startsWith(tmpdir()));
      assert.equal((await stat(socketFolder)).mode & 0o777, 0o700);
      await stop();
      await assert.rejects(stat(socketFolder), { code: "ENOENT" });
      assert.equal((await start(long)).url, url);
      await running!.stop();
    } finally {
      await rename(long, directory);
    }
  });

  describe("refuses, in one line that says what to do,", () => {
    it("data of another PostgreSQL", async () => {
      const version = join(directory, "data", "PG_VERSION");
      const before = await readFile(version);
      await writeFile(version, "17\n");
      try {
        await assert.rejects(
          start(),
          refusal(/was written by PostgreSQL 17; this is PostgreSQL 18\. Use another folder/),
        );
      } finally {
        await writeFile(version, before);
      }
    });

    it("a disk that is almost full", async () => {
      const { statfs } = fs.promises;
      fs.promises.statfs = (async () => ({ bavail: 100, bsize: 2 ** 20 })) as unknown as typeof statfs;
      syncBuiltinESMExports();
      try {
        await assert.rejects(start(), refusal(/needs 512 MiB of free disk; .* has 100 MiB\. Free some space/));
      } finally {
        fs.promises.statfs = statfs;
        syncBuiltinESMExports();
      }
    });

    it("a folder that cannot be made", async () => {
      await assert.rejects(
        start("/dev/null/postgres"),
        refusal(/Cannot use \/dev\/null\/postgres .*Use a folder that you/),
      );
    });

    it("a folder with other files, and leaves it alone", async () => {
      const home = join(folder, "home");
      await mkdir(home, { mode: 0o750 });
      await writeFile(join(home, "letter.txt"), "dear");
      await assert.rejects(start(home), refusal(/holds other files \(letter\.txt …\)/));
      assert.equal((await stat(home)).mode & 0o777, 0o750);
    });

    it("platforms that it has no programs for", async () => {
      await assert.rejects(findBinaries("linux-riscv64"), refusal(/runs on linux-x64, .*; this is linux-riscv64/));
      await assert.rejects(findBinaries("win32-x64"), refusal(/On Windows use WSL/));
    });

    it("a path that the user of PostgreSQL cannot pass, naming the closed folder", async function () {
      if (process.getuid!() !== 0) this.skip();
      const closed = join(folder, "closed");
      await mkdir(closed);
      await chmod(closed, 0o700);
      await assert.rejects(
        start(join(closed, "postgres")),
        refusal(
          new RegExp(`runs as user \\d+, who cannot pass the folder ${closed} on the way .*chmod o\\+x ${closed}`),
        ),
      );
      await rm(closed, { recursive: true });
    });

    it("root as its user, and users that only root could give it", async () => {
      const self = process.getuid!();
      await assert.rejects(
        startPostgres({ directory, user: self === 0 ? { uid: 0, gid: 0 } : { uid: self + 1, gid: self + 1 } }),
        refusal(self === 0 ? /refuses to run as root/ : /Only root can run PostgreSQL as user/),
      );
    });
  });
});

async function query(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL, started by another process. */
async function hold(directory: string): Promise<{ starter: ChildProcess; pid: number }> {
  const starter = spawn(process.execPath, [join(import.meta.dirname, "hold.ts"), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(starter.stdout!, "data");
  return { starter, pid: Number(line) };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}
