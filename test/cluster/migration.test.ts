import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { Watcher } from "../processes/watcher.ts";
import { Kv, until } from "../support/kv.ts";
import { ProcessCloud } from "../support/processes.ts";

const main = fileURLToPath(new URL("../../service/main.ts", import.meta.url));

describe("the role migration", function () {
  this.timeout(60_000);
  let cloud: ProcessCloud;
  let folder: string;
  before(async () => {
    cloud = await ProcessCloud.start();
    folder = await mkdtemp(join(tmpdir(), "skykv-migration-"));
    await writeFile(join(folder, "password"), "not asked for here\n");
  });
  after(async () => {
    await cloud?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The socket trusts whoever may open it. */
  const urlOf = (user: string) => cloud.postgres.url.replace("//skykv@", `//${encodeURIComponent(user)}@`);
  const users = { DATABASE_USERS: "skykv-api@acme.iam, skykv-replicator" };
  const admin = () => ({ DATABASE_ADMIN_USER: "postgres", DATABASE_ADMIN_PASSWORD_FILE: join(folder, "password") });
  const migrate = (environment: Record<string, string>) =>
    promisify(execFile)(process.execPath, [main], {
      env: { PATH: process.env.PATH, ROLE: "migration", DATABASE_URL: cloud.postgres.url, ...users, ...environment },
    });
  async function as<T extends pg.QueryResultRow>(user: string, text: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: urlOf(user) });
    await client.connect();
    try {
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  }

  it("is waited for by those who may not change the schema, in words", async () => {
    await as("postgres", `create role "skykv-replicator" login`);
    await assert.rejects(
      cloud.startService({ DATABASE_URL: urlOf("skykv-replicator") }),
      /the schema lacks 0001_store, .*, and this user may not change it; run the role migration first/,
    );
  });

  it("makes the schema and the users that are missing, and ends; once more changes nothing", async () => {
    await migrate(admin());
    const made = () => as<{ rolname: string }>("postgres", "select rolname from pg_roles where rolname ~ '^skykv-'");
    assert.deepEqual((await made()).map(({ rolname }) => rolname).sort(), ["skykv-api@acme.iam", "skykv-replicator"]);
    await migrate(admin());
    await migrate({});
    assert.equal((await made()).length, 2);
  });

  it("fails with words where a user is missing and nobody is named who could make it", async () => {
    await assert.rejects(migrate({ DATABASE_USERS: "nobody-there" }), {
      code: 1,
      stderr: /"nobody-there" does not exist/,
    });
  });

  it("lets its users read, write, watch and tidy up", async () => {
    const service = await cloud.startService({ DATABASE_URL: urlOf("skykv-api@acme.iam") });
    const kv = new Kv(service.url);
    const watcher = await Watcher.start("stream", () => service.url);
    await kv.put("a", "1");
    await kv.put("a", "2", { "Idempotency-Key": "x" });
    await kv.increment("n");
    await kv.delete("a");
    await until("the watch has seen it go", 10_000, () => watcher.of("a").at(-1)?.type === "delete");
    await watcher.stop();
    const parts = await as("skykv-api@acme.iam", "select from pg_inherits where inhparent = 'feed'::regclass");
    assert.ok(parts.length > 2);
    // As maintenance does at the end of a part's life.
    await as(
      "postgres",
      "create table feed_2001010100 partition of feed for values from ('2001-01-01') to ('2001-01-01 01:00')",
    );
    await as("postgres", "alter table feed_2001010100 owner to skykv");
    await as("skykv-api@acme.iam", "select skykv_drop_feed_part('feed_2001010100')");
    await service.stop();
  });

  it("lets them do nothing else", async () => {
    const refused = [
      "create table mine ()",
      "alter table entries add column mine text",
      "drop table entries",
      "truncate entries",
      "delete from migrations",
      "create role mine",
      "select skykv_drop_feed_part('entries')",
    ];
    for (const text of refused)
      await assert.rejects(
        as("skykv-api@acme.iam", text),
        /permission denied|must be owner|expected a part of the feed/,
        text,
      );
    await as("postgres", "create role stranger login");
    for (const text of ["select from entries", "select skykv_make_feed_part(now())"])
      await assert.rejects(as("stranger", text), /permission denied/, text);
  });

  it("is not tricked by tables of the caller's own", async () => {
    const hijack = `create temporary table feed (at timestamptz) partition by range (at);
      select skykv_make_feed_part(now() + interval '9 hours')`;
    await as("skykv-api@acme.iam", hijack);
    const [found] = await as<{ there: boolean }>(
      "postgres",
      `select to_regclass('feed_' || to_char((now() + interval '9 hours') at time zone 'UTC', 'YYYYMMDDHH24')) is not null as there`,
    );
    assert.ok(found!.there);
  });
});
