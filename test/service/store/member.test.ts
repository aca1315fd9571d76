import assert from "node:assert/strict";
import pg from "pg";
import type { Carried } from "../../../service/kv/carried.ts";
import { hybridTime } from "../../../service/kv/clock.ts";
import { unreferenced } from "../../../service/store/postgres/maintenance.ts";
import { openPostgres, type PostgresStore } from "../../../service/store/postgres/store.ts";
import { type CatalogSubject, catalogContract } from "../../support/catalog-contract.ts";
import { homeContract } from "../../support/home-contract.ts";
import { memberContract } from "../../support/member-contract.ts";
import { memorySettings } from "../../support/memory/catalog.ts";
import { MemoryDatabase } from "../../support/memory/database.ts";
import { memoryMember } from "../../support/memory/member.ts";
import { memoryStore } from "../../support/memory/store.ts";
import { startScratchPostgres } from "../../support/scratch.ts";

describe("the database of a member, in memory", () => {
  const db = new MemoryDatabase();
  const subject = {
    member: memoryMember(db, "aws"),
    store: memoryStore(db, "aws"),
    pretendRestored: async () => {
      db.system = "restored";
    },
    trimFeed: async () => db.trim(0),
  };
  memberContract(() => subject);
  const catalogSubject = { ...subject, settings: memorySettings(db, "aws") };
  catalogContract(() => catalogSubject);
  homeContract(() => catalogSubject);
});

describe("the database of a member, in PostgreSQL", () => {
  const scratch = startScratchPostgres();
  // Within, so that all connections are closed before the server ends.
  describe("of the box", () => {
    let store: PostgresStore;
    let client: pg.Client;
    before(async () => {
      const options = { url: scratch.url(), origin: "aws", timeout: 5000, onTrouble: () => {}, now: Date.now };
      store = await openPostgres(options);
      client = new pg.Client({ connectionString: scratch.url() });
      await client.connect();
    });
    after(async () => {
      await client.end();
      await store.close();
    });
    const catalogSubject = (): CatalogSubject => ({
      member: store.member,
      store,
      settings: {
        namespace: (name) => store.namespace(name),
        putNamespace: (name, settings, clock) => store.putNamespace(name, settings, clock, null),
        deleteNamespace: (name, clock) => store.deleteNamespace(name, true, clock, null),
        apiKey: (id) => store.apiKey(id),
        putApiKey: (record, clock) => store.putApiKey(record, clock),
        revokeApiKey: (id, at, clock) => store.revokeApiKey(id, at, clock),
      },
    });
    catalogContract(catalogSubject);
    homeContract(catalogSubject);
    memberContract(() => ({
      member: store.member,
      store,
      pretendRestored: async () => {
        await client.query("update cluster set incarnation = 'of another database'");
      },
      trimFeed: async () => {
        await client.query("update cluster set trimmed = (select max(xid) from feed); delete from feed");
      },
    }));

    it("tells with a list by which transactions of other clouds it may have been changed, deletions too", async () => {
      const { floor } = await store.member.identity();
      const version = { time: 7n << 16n, origin: "gcp" };
      const write = {
        path: "default/reached",
        entry: { kind: "tombstone" as const, version, seen: {} },
        marks: { gcp: { since: 4, transaction: 4711 } },
        extra: null,
      };
      const arrivals = [{ path: write.path, expects: 0, write, loser: null }];
      const sender = { peer: "gcp", incarnation: "aaaaaaaaaaaa", incarnatedAt: 3 };
      await store.member.apply({ sender, floor, arrivals, quarantine: [], claims: [] });
      const asked = {
        namespace: "default",
        epoch: 0n,
        prefix: "reached",
        after: null,
        limit: 10,
        values: false,
        now: 0,
      };
      for (const delimiter of [null, "/"]) {
        const { items, reached } = await store.list({ ...asked, delimiter });
        assert.deepEqual([items, reached.gcp], [[], write.marks.gcp]);
      }
    });

    it("calls a blob unreferenced when no entry, kept conflict or quarantined entry has it", async () => {
      const digests = ["a", "b", "c", "d"].map((digit) => digit.repeat(64));
      const carried = (path: string, blob: string): Carried => {
        const version = { time: hybridTime(Date.now()), origin: "gcp" };
        const facts = { body: null, blob, size: 5, contentType: null, contentEncoding: null, meta: null };
        const entry = { kind: "value" as const, ...facts, expiresAt: null, version, seen: {} };
        return { path, entry, marks: {}, extra: null };
      };
      const [current, loser, early] = ["current", "loser", "early"].map((key, i) =>
        carried(`default/blob-${key}`, digests[i]!),
      ) as [Carried, Carried, Carried];
      await store.member.apply({
        sender: { peer: "gcp", incarnation: "aaaaaaaaaaaa", incarnatedAt: 1 },
        floor: (await store.member.identity()).floor,
        arrivals: [
          { path: current.path, expects: 0, write: current, loser: null },
          { path: loser.path, expects: 0, write: null, loser },
        ],
        quarantine: [{ carried: early, shard: 0 }],
        claims: [],
      });
      assert.deepEqual(await unreferenced(store.others, digests), [digests[3]]);
      await store.member.releaseQuarantine([early]);
      assert.deepEqual(await unreferenced(store.others, digests), [digests[2], digests[3]]);
    });
  });
});
