import assert from "node:assert/strict";
import type { Cached, EntryCache } from "../../../service/cache/entries.ts";
import { HybridClock, hybridTime } from "../../../service/kv/clock.ts";
import type { Marks } from "../../../service/kv/marks.ts";
import { shards } from "../../../service/kv/path.ts";
import { noSession, type Session } from "../../../service/kv/session.ts";
import { Completeness } from "../../../service/sessions/completeness.ts";
import { SessionBehindError, Sessions } from "../../../service/sessions/sessions.ts";

const path = "default/k";
const now = 1_700_000_000_000;
const at = (transaction: number) => ({ since: 1, transaction });
const of = (more: Partial<Session>): Session => ({ ...noSession, ...more });
const never = () => new Promise<void>(() => {});

/** aws, complete in gcp below 5; what it holds of the key comes to life as `text`. Sleeps are short. */
function world(bring: (peer: string) => Promise<void> = async () => {}) {
  let passed = 0;
  const sleep = async (milliseconds: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    passed += milliseconds;
  };
  const complete: Marks = { gcp: at(5) };
  const completeness = new Completeness({
    read: async () => ({
      asOf: 50,
      binding: [],
      complete: Array.from({ length: shards }, (_, shard) => ({ origin: "gcp", shard, mark: complete.gcp! })),
    }),
    monotonic: () => passed,
    sleep,
    onTrouble: () => {},
  });
  const calls: string[] = [];
  const record = (from: string): Cached => {
    calls.push(from);
    return { path, stored: null, readAt: 0, horizon: 10, complete: completeness.ofShard(0) };
  };
  const cache = { get: async () => record("cache"), fresh: async () => record("database") };
  const clock = new HybridClock(() => now);
  const sessions = new Sessions({
    here: { cloud: "aws", since: 1, members: new Set(["azure", "gcp"]) },
    cache: cache as unknown as EntryCache,
    completeness,
    clock,
    now: () => now,
    bring: async (peer) => {
      calls.push(`ask ${peer}`);
      await bring(peer);
    },
    sleep,
  });
  return { sessions, calls, clock, complete: complete as Record<string, ReturnType<typeof at>> };
}

describe("a read of a session", () => {
  it("takes what the cache has when that is new enough, else what the database has", async () => {
    const { sessions, calls } = world();
    await sessions.read(path, "cached", of({ marks: { aws: at(9) } }));
    assert.deepEqual(calls.splice(0), ["cache"]);
    await sessions.read(path, "cached", of({ marks: { aws: at(10) } }));
    assert.deepEqual(calls.splice(0), ["cache", "database"]);
    await sessions.read(path, "local", of({ marks: { aws: at(9) } }));
    assert.deepEqual(calls.splice(0), ["database"]);
  });

  it("waits for what another cloud has yet to send, and asks nobody when it comes", async () => {
    const { sessions, calls, complete } = world();
    const reading = sessions.read(path, "local", of({ marks: { gcp: at(7) } }));
    complete.gcp = at(8);
    await reading;
    assert.deepEqual(calls, ["database", "database"]);
  });

  it("asks the cloud whose writes are missing, once waiting was in vain", async () => {
    const { sessions, calls } = world();
    await sessions.read(path, "local", of({ marks: { gcp: at(7) } }));
    assert.deepEqual(calls, ["database", "database", "ask gcp", "database"]);
  });

  it("is content with the one cloud that has it all when others do not answer", async () => {
    const { sessions, calls } = world((peer) => (peer === "gcp" ? never() : Promise.resolve()));
    await sessions.read(path, "local", of({ marks: { gcp: at(7) }, witness: { cloud: "azure", ...at(3) } }));
    assert.deepEqual(calls.slice(2), ["ask gcp", "ask azure", "database"]);
  });

  it("ends with the names of the clouds that are missing when nobody can be asked, hung ones too", async () => {
    for (const bring of [never, () => Promise.reject(new Error("away"))]) {
      const { sessions } = world(bring);
      await assert.rejects(sessions.read(path, "local", of({ marks: { gcp: at(7) } })), (error) => {
        assert.ok(error instanceof SessionBehindError);
        assert.deepEqual(error.clouds, ["gcp"]);
        return true;
      });
    }
  });

  it("of many keys waits for all shards, and asks nobody", async () => {
    const { sessions, calls } = world();
    await sessions.prepareAll(null);
    await assert.rejects(sessions.prepareAll(of({ marks: { gcp: at(7) } })), SessionBehindError);
    await sessions.prepareAll(of({ marks: { gcp: at(4) } }));
    assert.deepEqual(calls, []);
  });
});

describe("a write of a session", () => {
  it("gets a version above all that was seen, but follows no token further into the future than other clouds", () => {
    const { sessions, clock } = world();
    const ahead = (milliseconds: number) => hybridTime(now + milliseconds);
    sessions.observe(of({ newest: ahead(3000) }));
    assert.ok(clock.next() > ahead(3000));
    sessions.observe(of({ newest: ahead(60_000) }));
    assert.ok(clock.next() < ahead(4000));
  });
});
