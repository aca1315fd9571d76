/** What every PostgreSQL that the service may meet must do. Run on the embedded one and on another major version. */
import assert from "node:assert/strict";
import fc from "fast-check";
import pg from "pg";
import { HybridClock, hybridTime } from "../../service/kv/clock.ts";
import { type Draft, stamp } from "../../service/kv/decide.ts";
import { ancestorsAfter, type Entry, type Stored } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Commit, FeedPosition, Write } from "../../service/store/port.ts";
import * as maintenance from "../../service/store/postgres/maintenance.ts";
import { openPostgres, type PostgresStore } from "../../service/store/postgres/store.ts";
import { entry } from "./entries.ts";
import { until } from "./kv.ts";

let keys = 0;
/** A path that no other test uses. */
function freshPath(namespace = "default"): string {
  return `${namespace}/key-${++keys}`;
}

function draft(text: string, expiresAt: number | null = null): Draft {
  const body = Buffer.from(text);
  return {
    kind: "value",
    body,
    blob: null,
    size: body.length,
    contentType: null,
    contentEncoding: null,
    meta: null,
    expiresAt,
  };
}

export function storeContract(databaseUrl: () => string): void {
  let store: PostgresStore;
  let client: pg.Client;
  const clock = new HybridClock(Date.now);

  before(async () => {
    store = await openPostgres({
      url: databaseUrl(),
      origin: "local",
      timeout: 5000,
      onTrouble: () => {},
      now: Date.now,
    });
    client = new pg.Client({ connectionString: databaseUrl() });
    await client.connect();
  });
  after(async () => {
    await client.end();
    await store.close();
  });

  function request(writes: readonly Write[], more: Partial<Commit> = {}): Commit {
    return {
      writes,
      receipts: [],
      atomic: false,
      holds: [],
      keepVersions: false,
      clock: clock.next(),
      now: Date.now(),
      ...more,
    };
  }
  const write = (path: string, d: Draft, expects: number | null = null): Write => ({
    path,
    epoch: 0n,
    expects,
    draft: d,
  });
  async function commitOne(path: string, d: Draft, expects: number | null = null, more: Partial<Commit> = {}) {
    return (await store.commit(request([write(path, d, expects)], more))).stamps[0]!;
  }
  async function read(path: string): Promise<Stored | null> {
    return (await store.read([path])).rows[0]!;
  }

  it("gives back what was written, byte for byte", async () => {
    const text = fc.string({ unit: "binary", maxLength: 30 }).filter((s) => s.isWellFormed() && !s.includes("\0"));
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.option(text),
        fc.option(fc.nat()),
        text,
        async (bytes, type, expiresAt, name) => {
          const path = `${freshPath()}/${name}`;
          const value: Draft = {
            kind: "value",
            body: Buffer.from(bytes),
            blob: null,
            size: bytes.length,
            contentType: type,
            contentEncoding: null,
            meta: '{"a":"\\"}"}',
            expiresAt,
          };
          const stamped = await commitOne(path, value);
          const { entry: found, changed } = (await read(path))!;
          assert.deepEqual(found, stamp(value, stamped!.time, "local", {}));
          assert.equal(changed, stamped!.changed);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("makes every later commit of a key newer, though the clock of its process is behind", async () => {
    const path = freshPath();
    const ahead = await commitOne(path, draft("ahead"), null, { clock: hybridTime(Date.now() + 2000) });
    const behind = await commitOne(path, draft("behind"), null, { clock: hybridTime(Date.now() - 2000) });
    assert.equal(behind!.time, ahead!.time + 1n);
    assert.equal(behind!.replaced, true);
  });

  it("writes a guarded row only over the state that it expects", async () => {
    const path = freshPath();
    const first = await commitOne(path, draft("1"), 0);
    assert.equal(await commitOne(path, draft("no"), 0), null);
    assert.equal(await commitOne(path, draft("no"), first!.changed + 1), null);
    const second = await commitOne(path, draft("2"), first!.changed);
    assert.ok(second!.time > first!.time);
    assert.equal(await commitOne(path, draft("no"), first!.changed), null);
  });

  it("lets one of many create a key, and one of many replace a state", async () => {
    const path = freshPath();
    const created = await Promise.all(Array.from({ length: 8 }, (_, i) => commitOne(path, draft(String(i)), 0)));
    const winner = created.filter((s) => s !== null);
    assert.equal(winner.length, 1);
    const replaced = await Promise.all(
      Array.from({ length: 8 }, (_, i) => commitOne(path, draft(String(i)), winner[0]!.changed)),
    );
    assert.equal(replaced.filter((s) => s !== null).length, 1);
  });

  it("says whether a live entry was replaced", async () => {
    const path = freshPath();
    assert.equal((await commitOne(path, draft("a", Date.now() - 1)))!.replaced, false);
    assert.equal((await commitOne(path, draft("b")))!.replaced, false, "an expired entry is none");
    assert.equal((await commitOne(path, { kind: "tombstone" }))!.replaced, true);
    assert.equal((await commitOne(path, draft("c")))!.replaced, false, "a tombstone is none");
  });

  it("writes all of an atomic commit or nothing of it", async () => {
    const [a, b] = [freshPath(), freshPath()];
    const first = await commitOne(a, draft("1"));
    const failing = request([write(a, draft("2"), first!.changed), write(b, draft("2"), 77)], { atomic: true });
    // b is guarded by a state that is not there, but has a row by then.
    await commitOne(b, draft("other"));
    assert.deepEqual((await store.commit(failing)).stamps, [null, null]);
    assert.equal((await read(a))!.changed, first!.changed);
    const succeeding = request([write(a, draft("2"), first!.changed), write(b, draft("2"), (await read(b))!.changed)], {
      atomic: true,
    });
    assert.ok((await store.commit(succeeding)).stamps.every((s) => s !== null));
  });

  it("keeps what a transaction only reads from changing under it, also keys that are not there", async () => {
    const [held, absent, target] = [freshPath(), freshPath(), freshPath()];
    const state = await commitOne(held, draft("1"));
    const holds = [
      { path: held, expects: state!.changed },
      { path: absent, expects: 0 },
    ];
    assert.ok((await store.commit(request([write(target, draft("x"), 0)], { atomic: true, holds }))).stamps[0]);
    await commitOne(held, draft("2"));
    const again = request([write(target, draft("y"))], { atomic: true, holds: [holds[0]!] });
    assert.deepEqual((await store.commit(again)).stamps, [null]);
    const placeholder = await read(absent);
    assert.deepEqual([placeholder?.entry.kind, placeholder?.entry.version.time], ["tombstone", 0n]);
  });

  it("remembers ancestors as the domain does", async () => {
    const path = freshPath();
    const foreign: Entry = stamp(draft("f"), hybridTime(Date.now() - 9000), "gcp", { azure: 5n });
    const kept = { version: foreign.version, seen: foreign.seen };
    await store.commit(request([{ ...write(path, foreign, 0), kept }], { keepVersions: true }));
    const before = (await read(path))!.entry;
    const stamped = await commitOne(path, draft("local"));
    assert.deepEqual(stamped!.seen, ancestorsAfter(before, "local"));
    assert.deepEqual(stamped!.seen, { azure: 5n, gcp: foreign.version.time });
    const next = await commitOne(path, draft("again"));
    assert.deepEqual(next!.seen, stamped!.seen);
  });

  it("stores what merge decides: the rows and the function answer the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 2, maxLength: 4 }), async (entries) => {
        const path = freshPath();
        for (const incoming of entries) {
          const current = await read(path);
          const merged = merge(current?.entry ?? null, incoming)!;
          if (merged === current?.entry) continue;
          const kept = { version: merged.version, seen: merged.seen };
          const { stamps } = await store.commit(
            request([{ ...write(path, merged, current?.changed ?? 0), kept }], { keepVersions: true }),
          );
          assert.equal(stamps[0]!.time, merged.version.time);
        }
        assert.deepEqual((await read(path))!.entry, entries.reduce<Entry | null>(merge, null));
      }),
      { numRuns: 100 },
    );
  });

  it("lists like a sorted map, folded or not, page by page", async () => {
    const key = fc
      .array(fc.constantFrom("a", "b", "/", "é", "😀", "%"), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 25 }),
        fc.constantFrom("", "a", "b/", "é"),
        fc.constantFrom(null, "/", "b"),
        fc.integer({ min: 1, max: 7 }),
        async (all, prefix, delimiter, limit) => {
          const namespace = `list-${++keys}`;
          await store.putNamespace(namespace, {}, clock.next(), null);
          if (all.length > 0) await store.commit(request(all.map((k) => write(`${namespace}/${k}`, draft(k)))));
          const found: string[] = [];
          for (let after: string | null = null; ; ) {
            const { items: page } = await store.list({
              namespace,
              epoch: 0n,
              prefix,
              delimiter,
              after,
              limit,
              values: false,
              now: Date.now(),
            });
            for (const item of page) found.push("key" in item ? item.key : `${item.prefix}*`);
            if (page.length < limit) break;
            const last = page.at(-1)!;
            after = "key" in last ? last.key : last.prefix;
          }
          assert.deepEqual(found, folded(all, prefix, delimiter));
        },
      ),
      { numRuns: 120 },
    );
  });

  it("does not list the dead", async () => {
    const namespace = `dead-${++keys}`;
    await store.putNamespace(namespace, {}, clock.next(), null);
    const at = Date.now();
    await store.commit(
      request([
        write(`${namespace}/a`, draft("a", at + 1000)),
        write(`${namespace}/b`, { kind: "tombstone" }),
        write(`${namespace}/c`, draft("c")),
      ]),
    );
    const names = async (now: number) =>
      (
        await store.list({
          namespace,
          epoch: 0n,
          prefix: "",
          delimiter: null,
          after: null,
          limit: 9,
          values: false,
          now,
        })
      ).items.map((i) => "key" in i && i.key);
    assert.deepEqual(await names(at + 999), ["a", "c"]);
    assert.deepEqual(await names(at + 1000), ["c"]);
  });

  it("shows every change in the feed once the transactions before it have ended, and none before", async () => {
    const from = await store.feedEnd();
    await client.query("create table if not exists held_open (n int)");
    await client.query("begin; insert into held_open values (1)");
    const path = freshPath();
    await commitOne(path, draft("1"));
    const during = await store.feed(from, 100);
    assert.deepEqual(during!.changes, [], "an older transaction is still open");
    assert.equal((await store.probe()).horizon <= during!.to.xid + 1, true);
    await client.query("rollback");
    const after = await store.feed(during!.to, 100);
    assert.deepEqual(
      after!.changes.map((c) => c.path),
      [path],
    );
  });

  it("skips nothing in the feed while many write at once", async () => {
    let position: FeedPosition = await store.feedEnd();
    const seen = new Set<string>();
    const drain = async () => {
      const window = (await store.feed(position, 7))!;
      for (const change of window.changes) seen.add(change.path);
      position = window.to;
      return window.changes.length;
    };
    const paths = Array.from({ length: 300 }, () => freshPath());
    let done = false;
    const writing = Promise.all(
      [0, 1, 2].map(async (lane) => {
        for (let i = lane; i < paths.length; i += 3) await commitOne(paths[i]!, draft("x"));
      }),
    ).finally(() => {
      done = true;
    });
    while (!done) await drain();
    await writing;
    while ((await drain()) > 0);
    assert.deepEqual(
      paths.filter((path) => !seen.has(path)),
      [],
    );
  });

  it("says so when retention has dropped what a reader would go on with", async () => {
    const from = await store.feedEnd();
    await commitOne(freshPath(), draft("x"));
    await client.query(
      "create table feed_2001010100 partition of feed for values from ('2001-01-01 00:00Z') to ('2001-01-01 01:00Z')",
    );
    await client.query(
      "insert into feed (at, shard, path, entered_here) values ('2001-01-01 00:30Z', 0, 'default/old', true)",
    );
    assert.equal(await maintenance.trimFeed(store.others, { hours: 24, bytes: 1e9 }), 1);
    assert.equal(await store.feed(from, 100), null);
    assert.ok(await store.feed(await store.feedEnd(), 100));
  });

  it("keeps an hour of the feed whatever its size", async () => {
    assert.equal(await maintenance.trimFeed(store.others, { hours: 24, bytes: 1 }), 0);
  });

  it("collects the dead below the floor, and a write in between survives", async () => {
    const namespace = `reap-${++keys}`;
    await store.putNamespace(namespace, {}, clock.next(), null);
    const old = { clock: hybridTime(Date.now() - 7_200_000) };
    const path = (name: string) => `${namespace}/${name}`;
    const batch = [
      write(path("live"), draft("x")),
      write(path("deleted"), { kind: "tombstone" as const }),
      write(path("expired"), draft("x", Date.now() - 1)),
    ];
    const { stamps } = await store.commit(request(batch, old));
    await commitOne(path("deleted later"), { kind: "tombstone" });
    const floor = await maintenance.raiseFloor(store.others, Date.now());
    assert.equal(await maintenance.raiseFloor(store.others, Date.now() - 100_000), floor, "the floor never falls");
    for (let after: string | null = ""; after !== null; )
      after = (await maintenance.reap(store.others, after, floor, Date.now())).next;
    const { rows } = await store.read(["live", "deleted", "expired", "deleted later"].map(path));
    assert.deepEqual(
      rows.map((row) => row?.entry.kind ?? null),
      ["value", null, null, "tombstone"],
    );
    // What was decided on the dead row may still be written, and replaces nothing.
    assert.equal((await commitOne(path("expired"), draft("again"), stamps[2]!.changed))!.replaced, false);
    // A clock that lags cannot write below the floor, where a deletion may have been forgotten.
    assert.ok((await commitOne(path("deleted"), draft("new"), null, old))!.time > floor);
  });

  it("answers a retry from the receipt, and undoes a commit whose receipt was there first", async () => {
    const path = freshPath();
    const receipt = { scope: Buffer.from(path), fingerprint: Buffer.from("f"), answer: [{ a: 1 }], path };
    const first = await store.commit(request([write(path, draft("1"))], { receipts: [receipt] }));
    const kept = await store.receipt(receipt.scope);
    assert.deepEqual(kept!.written.get(path), {
      time: first.stamps[0]!.time,
      origin: "local",
      replaced: false,
    });
    assert.deepEqual(kept!.answer, receipt.answer);
    assert.deepEqual(
      await store.knownReceipts([receipt.scope, Buffer.from("none")]),
      new Set([receipt.scope.toString("hex")]),
    );
    await assert.rejects(store.commit(request([write(path, draft("2"))], { receipts: [receipt] })), {
      name: "ReceiptExistsError",
    });
    assert.equal((await read(path))!.changed, first.stamps[0]!.changed);
  });

  it("writes nothing into a namespace that is gone, and hides what an earlier life of one left", async () => {
    const name = `life-${++keys}`;
    const first = await store.putNamespace(name, { a: 1 }, clock.next(), null);
    assert.equal(first.created, true);
    assert.equal((await store.putNamespace(name, { a: 2 }, clock.next(), null)).created, false);
    await commitOne(`${name}/k`, draft("old"));
    assert.equal(await store.deleteNamespace(name, false, clock.next(), null), "not-empty");
    assert.equal(await store.deleteNamespace(name, true, clock.next(), null), "deleted");
    assert.equal(await store.deleteNamespace(name, true, clock.next(), null), "not-found");
    assert.equal(await store.namespace(name), null);
    assert.equal(await commitOne(`${name}/k`, draft("late")), null);
    const { record } = await store.putNamespace(name, {}, clock.next(), null);
    assert.deepEqual(
      (
        await store.list({
          namespace: name,
          epoch: record.epoch,
          prefix: "",
          delimiter: null,
          after: null,
          limit: 9,
          values: false,
          now: Date.now(),
        })
      ).items,
      [],
    );
    assert.equal(await commitOne(`${name}/k`, draft("stale writer")), null, "an epoch of before");
    const { stamps } = await store.commit(request([{ ...write(`${name}/k`, draft("new")), epoch: record.epoch }]));
    assert.ok(stamps[0]!.time > record.epoch);
  });

  it("removes what slipped into a deleted namespace only once the deletion covers it", async () => {
    const name = `buried-${++keys}`;
    await store.putNamespace(name, {}, clock.next(), null);
    const { time } = await commitOne(`${name}/k`, draft("by one who did not know"));
    const row = (await store.member.catalogRows(null, 1000)).find(({ id }) => id === name)!;
    assert.ok(row.kind === "namespace");
    await store.member.mergeCatalog([{ ...row, time: time + 1n, origin: "other", isDeleted: true, epoch: time - 1n }]);
    const reaped = async () => {
      await maintenance.reap(store.others, `${name}/`, 0n, Date.now());
      return (await read(`${name}/k`)) === null;
    };
    assert.equal(await reaped(), false);
    await maintenance.bury(store.others);
    assert.equal(await reaped(), true);
    const { record } = await store.putNamespace(name, {}, clock.next(), null);
    assert.equal(record.epoch, time);
  });

  describe("in a namespace with a home", () => {
    let name: string;
    beforeEach(async () => {
      name = `home-${++keys}`;
      await store.putNamespace(name, {}, clock.next(), null);
      await store.member.changeHome(name, 0n, { home: "local", movingTo: null, homeEpoch: 1n });
    });
    afterEach(() => client.query("rollback"));
    const moved = { home: "local", movingTo: "gcp", homeEpoch: 2n };
    const homed = () => ({ ...write(`${name}/k`, draft("x")), homeEpoch: 1n });
    /** Resolves when somebody waits for a lock of the other connection. */
    const isBlocked = () =>
      until("a statement waits", 5000, async () => {
        const { rows } = await client.query("select from pg_locks where not granted");
        return rows.length > 0;
      });

    it("writes nothing that was decided before a move which is committed meanwhile", async () => {
      await client.query("begin");
      await client.query("update namespaces set home_epoch = 2 where name = $1", [name]);
      const committing = store.commit(request([homed(), write(freshPath(), draft("of another namespace"))]));
      await isBlocked();
      await client.query("commit");
      const { stamps } = await committing;
      assert.deepEqual([stamps[0], stamps[1] !== null], [null, true]);
      const together = request([homed(), write(freshPath(), draft("y"))], { atomic: true });
      assert.deepEqual((await store.commit(together)).stamps, [null, null]);
    });

    it("moves only when the writes that were decided before have ended", async () => {
      // As the statement of a write holds it.
      await client.query("begin");
      await client.query("select from namespaces where name = $1 for share", [name]);
      let isMoved = false;
      const moving = store.member.changeHome(name, 1n, moved).then((done) => {
        isMoved = done;
      });
      await isBlocked();
      assert.equal(isMoved, false);
      await client.query("commit");
      await moving;
      assert.equal(isMoved, true);
      assert.equal((await store.commit(request([homed()]))).stamps[0], null);
    });

    it("lets writes of one namespace go on side by side", async () => {
      await client.query("begin");
      await client.query("select from namespaces where name = $1 for share", [name]);
      assert.ok((await store.commit(request([homed()]))).stamps[0]);
    });
  });

  it("has no index on a column that updates change, so that they stay in their page", async () => {
    const { rows } = await client.query<{ indexdef: string }>(
      "select indexdef from pg_indexes where tablename = 'entries' order by 1",
    );
    assert.deepEqual(
      rows.map(({ indexdef }) => indexdef.replace(/^.* USING /, "")),
      ["btree (blob) WHERE (blob IS NOT NULL)", "btree (path)"],
    );
  });
}

/** What a list must show, from a sorted set of keys: UTF-8 byte order is code point order. */
function folded(keys: readonly string[], prefix: string, delimiter: string | null): string[] {
  const sorted = keys
    .filter((key) => key.startsWith(prefix))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const shown: string[] = [];
  for (const key of sorted) {
    const at = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
    const item = at === -1 ? key : `${key.slice(0, at + delimiter!.length)}*`;
    if (shown.at(-1) !== item) shown.push(item);
  }
  return shown;
}
