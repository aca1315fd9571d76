import assert from "node:assert/strict";
import fc from "fast-check";
import { type Entry, normal } from "../../../service/kv/entry.ts";
import { merge } from "../../../service/kv/merge.ts";
import { counter, entry, maybeEntry, value } from "../../support/entries.ts";

/** As replication calls it: both sides in normal form under one floor. */
function mergeAt(floor: bigint, now: number) {
  return (a: Entry | null, b: Entry | null) => normal(merge(normal(a, floor, now), normal(b, floor, now)), floor, now);
}
const floors = fc.bigInt({ min: 0n, max: 5n });
const nows = fc.integer({ min: 0, max: 4 });

describe("merge", () => {
  it("does not care who is asked first", () => {
    fc.assert(
      fc.property(maybeEntry, maybeEntry, floors, nows, (a, b, floor, now) => {
        assert.deepEqual(mergeAt(floor, now)(a, b), mergeAt(floor, now)(b, a));
      }),
      { numRuns: 2000 },
    );
  });

  it("does not care in which order three clouds meet", () => {
    fc.assert(
      fc.property(maybeEntry, maybeEntry, maybeEntry, floors, nows, (a, b, c, floor, now) => {
        const m = mergeAt(floor, now);
        assert.deepEqual(m(m(a, b), c), m(a, m(b, c)));
      }),
      { numRuns: 5000 },
    );
  });

  it("changes nothing when the same entry arrives again", () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        assert.deepEqual(merge(merge(a, b), b), merge(a, b));
        assert.deepEqual(merge(a, a), a);
      }),
    );
  });

  it("keeps the newer of two values", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        fc.pre(a.version.time > b.version.time);
        assert.equal(merge(a, b), a);
      }),
    );
  });

  it("adds up what the clouds counted on their own", () => {
    const aws = {
      kind: "counter",
      version: { time: 7n, origin: "aws" },
      seen: {},
      epoch: { time: 0n, origin: "" },
      cells: { aws: { time: 7n, sum: 3 } },
    } as const;
    const gcp = { ...aws, version: { time: 6n, origin: "gcp" }, cells: { gcp: { time: 6n, sum: 4 } } } as const;
    const both = merge(aws, gcp);
    assert.ok(both?.kind === "counter");
    assert.deepEqual(both.cells, { aws: { time: 7n, sum: 3 }, gcp: { time: 6n, sum: 4 } });
    assert.deepEqual(both.version, { time: 7n, origin: "aws" });
  });

  it("lets a deletion win over increments that it did not see, and increments never resurrect what is older", () => {
    fc.assert(
      fc.property(counter, (old) => {
        const deletion: Entry = { kind: "tombstone", version: { time: old.epoch.time + 1n, origin: "aws" }, seen: {} };
        assert.equal(merge(old, deletion), deletion);
        const reborn = { ...old, epoch: deletion.version };
        assert.equal(merge(reborn, deletion), reborn);
      }),
    );
  });
});
