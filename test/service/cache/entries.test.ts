import assert from "node:assert/strict";
import fc from "fast-check";
import { EntryCache } from "../../../service/cache/entries.ts";
import { type CacheRecord, maxAge, maxAgeDeaf, type SharedCache } from "../../../service/cache/port.ts";
import type { Stored } from "../../../service/kv/entry.ts";
import type { Reader } from "../../../service/store/reader.ts";

const path = "default/k";

function state(time: bigint): Stored {
  const value = {
    body: Buffer.from(String(time)),
    blob: null,
    size: 1,
    contentType: null,
    contentEncoding: null,
    meta: null,
  };
  return {
    changed: Number(time),
    entry: { kind: "value", version: { time, origin: "local" }, seen: {}, ...value, expiresAt: null },
  };
}

/** A cache with a clock, a database and an L2 that the test moves by hand. */
function setUp({ withShared = false, listening = true } = {}) {
  const world = {
    now: 1000,
    listening,
    database: [] as { resolve: (at: bigint) => void }[],
    published: [] as CacheRecord[],
    inShared: undefined as CacheRecord | undefined,
  };
  let invalidate: Parameters<SharedCache["onInvalidate"]>[0] = () => {};
  const reader = {
    read: () =>
      new Promise((resolve) => {
        world.database.push({ resolve: (time) => resolve({ stored: state(time), horizon: Number(time) }) });
      }),
  } as unknown as Reader;
  const shared: SharedCache = {
    get: async (paths) => paths.map(() => world.inShared),
    fill: () => {},
    publish: (records) => void world.published.push(...records),
    onInvalidate: (handler) => {
      invalidate = handler;
    },
    get listening() {
      return world.listening;
    },
    state: "up",
    spend: async () => 0,
    close: async () => {},
  };
  const cache = new EntryCache({
    reader,
    shared: withShared ? shared : null,
    monotonic: () => world.now,
    databaseOffset: () => 0,
    maxBytes: 1_000_000,
    complete: () => ({}),
    count: () => {},
  });
  const commit = (time: bigint) =>
    cache.committed({ rows: [{ path, stored: state(time) }], horizon: Number(time), startedAt: world.now });
  /** Answers the oldest read that is under way. */
  const answer = async (time: bigint) => {
    while (world.database.length === 0) await new Promise((resolve) => setImmediate(resolve));
    world.database.shift()!.resolve(time);
  };
  const seen = () => cache.peek(path)?.stored?.entry.version.time;
  return {
    world,
    cache,
    commit,
    answer,
    seen,
    invalidate: (changes: Parameters<typeof invalidate>[0]) => invalidate(changes),
  };
}

describe("the cache of entries", () => {
  it("never puts back an older state, in whatever order reads and commits end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([1n, 2n, 3n, 4n, 5n], { minLength: 2 }), async (times) => {
        const { cache, commit, seen } = setUp({ withShared: true });
        let newest = 0n;
        for (const time of times) {
          commit(time);
          if (time > newest) newest = time;
          assert.equal(seen(), newest);
        }
        assert.equal(cache.size.entries, 1);
      }),
    );
  });

  it("does not let a slow read undo a commit that came in between", async () => {
    for (const read of ["get", "fresh"] as const) {
      const { cache, commit, answer, seen } = setUp();
      const slow = cache[read](path);
      commit(2n);
      await answer(1n);
      await slow;
      assert.equal(seen(), 2n);
    }
  });

  it("does not let a slow read undo what another process said", async () => {
    const { cache, commit, answer, seen, invalidate } = setUp({ withShared: true });
    commit(1n);
    const slow = cache.fresh(path);
    invalidate([{ path, newest: 2n }]);
    assert.equal(seen(), undefined);
    await answer(1n);
    await slow;
    assert.equal(seen(), undefined);
    const next = cache.fresh(path);
    await answer(2n);
    await next;
    assert.equal(seen(), 2n);
  });

  it("does not let a slow read bring what another process has replaced meanwhile, also where nothing was kept", async () => {
    const { cache, answer, seen, invalidate } = setUp({ withShared: true });
    const slow = cache.fresh(path);
    invalidate([{ path, newest: 2n }]);
    await answer(1n);
    await slow;
    assert.equal(seen(), undefined);
  });

  it("keeps nothing that was being read when invalidations were lost", async () => {
    const { cache, answer, seen, invalidate } = setUp({ withShared: true });
    const slow = cache.fresh(path);
    invalidate(null);
    await answer(1n);
    await slow;
    assert.equal(seen(), undefined);
  });

  it("lets no record get older than its bound, counted from the start of the read", async () => {
    const { world, cache, answer, seen } = setUp({ withShared: true });
    const read = cache.fresh(path);
    world.now += 3000;
    await answer(1n);
    await read;
    world.now += maxAge - 3001;
    assert.equal(seen(), 1n);
    world.now += 1;
    assert.equal(seen(), undefined);
  });

  it("counts the age of what L2 had from the read that it came from", async () => {
    const { world, cache, seen } = setUp({ withShared: true });
    world.inShared = { path, stored: state(1n), readAt: world.now, horizon: 1 };
    world.now += maxAge - 1;
    await cache.get(path);
    assert.equal(seen(), 1n);
    world.now += 1;
    assert.equal(seen(), undefined);
  });

  it("without L2 keeps of what it commits only what somebody reads", async () => {
    const { cache, commit, answer, seen } = setUp();
    commit(1n);
    assert.equal(seen(), undefined);
    const read = cache.fresh(path);
    await answer(1n);
    await read;
    commit(2n);
    assert.equal(seen(), 2n);
  });

  it("keeps records for a second only while invalidations can be lost", async () => {
    for (const deaf of [setUp(), setUp({ withShared: true, listening: false })]) {
      const read = deaf.cache.fresh(path);
      await deaf.answer(1n);
      await read;
      deaf.world.now += maxAgeDeaf - 1;
      assert.equal(deaf.seen(), 1n);
      deaf.world.now += 1;
      assert.equal(deaf.seen(), undefined);
    }
  });

  it("forgets everything when invalidations were lost", () => {
    const { commit, seen, invalidate } = setUp({ withShared: true });
    commit(1n);
    invalidate(null);
    assert.equal(seen(), undefined);
  });

  it("tells the others what it committed, in one message a batch", () => {
    const { world, cache } = setUp({ withShared: true });
    const rows = ["default/a", "default/b"].map((name) => ({ path: name, stored: state(1n) }));
    cache.committed({ rows, horizon: 1, startedAt: world.now });
    assert.deepEqual(
      world.published.map((record) => record.path),
      ["default/a", "default/b"],
    );
  });

  it("asks the database once when many ask for a key at once", async () => {
    const { world, cache, answer } = setUp();
    const reads = Promise.all(Array.from({ length: 50 }, () => cache.get(path)));
    await answer(1n);
    assert.equal((await reads).length, 50);
    assert.equal(world.database.length, 0);
  });
});
