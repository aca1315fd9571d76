import assert from "node:assert/strict";
import { shards } from "../../../service/kv/path.ts";
import { Completeness } from "../../../service/sessions/completeness.ts";
import type { Watermarks } from "../../../service/store/member.ts";

/** Time stands still until somebody sleeps, and passes by as long as the shortest sleep takes. */
function world() {
  const state = { now: 0, looks: 0, complete: 5, grows: Number.POSITIVE_INFINITY, shards, fails: false };
  const asleep: { readonly until: number; readonly wake: () => void }[] = [];
  const completeness = new Completeness({
    read: async (): Promise<Watermarks> => {
      state.looks++;
      if (state.fails) throw new Error("no database");
      if (state.now >= state.grows) state.complete = 9;
      const mark = { since: 1, transaction: state.complete };
      return {
        asOf: 40 + state.looks,
        binding: [],
        complete: Array.from({ length: state.shards }, (_, shard) => ({ origin: "gcp", shard, mark })),
      };
    },
    monotonic: () => state.now,
    sleep: (milliseconds) =>
      new Promise((resolve) => {
        asleep.push({ until: state.now + milliseconds, wake: resolve });
        setImmediate(() => {
          const next = asleep.sort((a, b) => a.until - b.until).shift();
          if (next === undefined) return;
          state.now = Math.max(state.now, next.until);
          next.wake();
        });
      }),
    onTrouble: () => {},
  });
  const isAt = (transaction: number) => () => (completeness.ofShard(3).gcp?.transaction ?? 0) >= transaction;
  return { state, completeness, isAt };
}

describe("how far a cloud is complete", () => {
  it("is nothing until the database was asked", () => {
    const { completeness } = world();
    assert.deepEqual([completeness.ofShard(0), completeness.coverage], [{}, { complete: {}, asOf: 0 }]);
  });

  it("is known of a whole cloud only when every shard is known", async () => {
    const { state, completeness } = world();
    await completeness.until(() => true, 0);
    assert.deepEqual(completeness.coverage, { complete: { gcp: { since: 1, transaction: 5 } }, asOf: 41 });
    state.shards--;
    await completeness.until(() => true, 0);
    assert.deepEqual(completeness.coverage, { complete: {}, asOf: 42 });
    assert.deepEqual(completeness.ofShard(0), { gcp: { since: 1, transaction: 5 } });
  });

  it("is waited for until it has grown, by many with one look at a time", async () => {
    const { state, completeness, isAt } = world();
    state.grows = 500;
    const waiting = Array.from({ length: 100 }, () => completeness.until(isAt(9), 2000));
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([true]));
    assert.ok(state.looks <= 2 + state.now / 50, `${state.looks} looks in ${state.now} ms`);
  });

  it("is looked at as soon as a peer was heard", async () => {
    const { state, completeness, isAt } = world();
    const waiting = completeness.until(isAt(9), 2000);
    state.complete = 9;
    completeness.heard();
    assert.equal(await waiting, true);
    assert.ok(state.now <= 50, `${state.now} ms`);
  });

  it("is waited for no longer than was said, also while the database cannot be asked", async () => {
    const { state, completeness, isAt } = world();
    state.fails = true;
    assert.equal(await completeness.until(isAt(9), 2000), false);
    assert.ok(state.now >= 2000 && state.now <= 2100, `${state.now} ms`);
  });
});
