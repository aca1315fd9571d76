import assert from "node:assert/strict";
import pg from "pg";
import type { Draft } from "../../../service/kv/decide.ts";
import { shards } from "../../../service/kv/path.ts";
import { zeroVersion } from "../../../service/kv/version.ts";
import { reseed, type Unsent } from "../../../service/store/postgres/reseed.ts";
import { openPostgres, type PostgresStore } from "../../../service/store/postgres/store.ts";
import { until } from "../../support/kv.ts";
import { startScratchPostgres } from "../../support/scratch.ts";

describe("the database of an expelled cloud", function () {
  this.timeout(30_000);
  const scratch = startScratchPostgres();

  async function ask(text: string): Promise<Record<string, string>[]> {
    const client = new pg.Client({ connectionString: scratch.url() });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }
  async function put(store: PostgresStore, path: string, draft: Draft): Promise<void> {
    const homeEpoch = path.startsWith("orders/") ? { homeEpoch: 1n } : {};
    const { stamps } = await store.commit({
      writes: [
        { path, epoch: (await store.namespace(path.split("/")[0]!))!.epoch, ...homeEpoch, expects: null, draft },
      ],
      ...{ receipts: [], atomic: false, holds: [], keepVersions: false, clock: 1n, now: Date.now() },
    });
    assert.ok(stamps[0], path);
  }
  const value = (text: string): Draft => {
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
    return { kind: "value", body: Buffer.from(text), size: text.length, ...rest };
  };

  /** Lets the cloud write some that gcp has and some that nobody has, and seeds it anew. */
  async function seedAnew(unsent: Unsent) {
    const options = { url: scratch.url(), origin: "aws", timeout: 5000, onTrouble: () => {}, now: Date.now };
    const store = await openPostgres(options);
    const { member } = store;
    await member.join(["gcp", "azure"], Date.now());
    // The cursors of azure stand at the end, though it has nothing.
    await member.startRepair("azure");
    const gcp = (await member.peers()).find(({ peer }) => peer === "gcp")!;
    await member.finishRepair(gcp, 0n, Date.now());
    await store.putNamespace("orders", {}, 1n, null, "aws");
    await member.changeHome("orders", 0n, { home: "aws", movingTo: null, homeEpoch: 1n });
    await put(store, "default/sent", value("old"));
    await put(store, "default/both", value("old"));
    const cursors = await member.lease("gcp", [...Array(shards).keys()], "test", 60_000);
    const { to } = (await member.window(cursors, 100))!;
    await member.advance(cursors, { to, delivered: [], setAside: [], hold: 0 });
    await put(store, "default/both", value("new"));
    await put(store, "default/gone", { kind: "tombstone" });
    await put(store, "default/count", { kind: "counter", epoch: zeroVersion, cells: { aws: { time: 0n, sum: 3 } } });
    await put(store, "orders/1", value("decided"));
    const before = await store.read(["default/both"]);
    const { incarnatedAt } = await member.identity();
    await member.expel("aws", incarnatedAt);
    await assert.rejects(reseed(scratch.url(), "aws", unsent), /stop all its processes first/);
    await store.close();
    const running = "select from pg_stat_activity where application_name like 'skykv %'";
    await until("its connections are closed", 10_000, async () => (await ask(running)).length === 0);
    const told = await reseed(scratch.url(), "aws", unsent);
    await assert.rejects(reseed(scratch.url(), "aws", unsent), /knows of no expulsion/);
    const conflicts = await ask("select path from conflicts order by path");
    const entries = await ask("select path, kind, hlc, encode(value, 'escape') as value from entries order by path");
    await ask("truncate conflicts");
    await ask("delete from namespaces where name = 'orders'");
    return { told, conflicts: conflicts.map(({ path }) => path), entries, before: before.rows[0]!.entry.version.time };
  }

  it("keeps what no other cloud has as conflicts, and is empty then", async () => {
    const { told, conflicts, entries } = await seedAnew("keep");
    assert.deepEqual(told, { kept: 4, rewritten: 0, dropped: 0 });
    assert.deepEqual(conflicts, ["default/both", "default/count", "default/gone", "orders/1"]);
    assert.deepEqual(entries, []);
    assert.equal((await ask("select floor from cluster"))[0]!.floor, "0");
  });

  it("writes it again by choice, but for counters and what a home decided", async () => {
    const { told, conflicts, entries, before } = await seedAnew("rewrite");
    assert.deepEqual(told, { kept: 2, rewritten: 2, dropped: 0 });
    assert.deepEqual(conflicts, ["default/count", "orders/1"]);
    assert.deepEqual(
      entries.map(({ path, kind, value }) => [path, kind, value]),
      [
        ["default/both", "v", "new"],
        ["default/gone", "t", null],
      ],
    );
    const now = BigInt(Date.now()) << 16n;
    for (const { hlc } of entries) {
      assert.ok(BigInt(hlc!) > before && BigInt(hlc!) > now - (60_000n << 16n) && BigInt(hlc!) < now + (1000n << 16n));
    }
  });

  it("drops it by choice", async () => {
    const { told, conflicts, entries } = await seedAnew("drop");
    assert.deepEqual(told, { kept: 0, rewritten: 0, dropped: 4 });
    assert.deepEqual([conflicts, entries], [[], []]);
  });
});
