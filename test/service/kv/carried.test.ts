import assert from "node:assert/strict";
import fc from "fast-check";
import { type Carried, digestOf, meet, stateText } from "../../../service/kv/carried.ts";
import { decide, type Operation, stamp, unconditional } from "../../../service/kv/decide.ts";
import { ancestorsAfter, counterValue, type Entry, normal } from "../../../service/kv/entry.ts";
import { entry, origins, stored } from "../../support/entries.ts";

const path = "default/k";
const now = 2;
const carry = (some: Entry): Carried => ({ path, entry: some, marks: {}, extra: null });
const carried = entry.map(carry);
const maybe = fc.option(carried);

const bytes = { body: Buffer.from("x"), blob: null, size: 1, contentType: null, contentEncoding: null, meta: null };
const put: Operation = { kind: "put", value: bytes, expiry: { at: null }, conditions: unconditional };
const increment: Operation = { kind: "increment", by: 1, conditions: unconditional };

/** What a cloud's write makes of what it holds. */
function write(current: Entry | null, operation: Operation, time: bigint, origin: string): Entry {
  const decision = decide(operation, current && stored(current), now, origin);
  assert.ok(decision.do === "write");
  return stamp(decision.draft, time, origin, ancestorsAfter(current, origin));
}

describe("an entry that meets another one", () => {
  it("leaves the same state whichever of the two was there first", () => {
    fc.assert(
      fc.property(carried, carried, fc.bigInt({ min: 0n, max: 5n }), (a, b, floor) => {
        const outcome = (here: Carried, arrives: Carried) => {
          const left = normal((meet(here, arrives, floor, now).write ?? here).entry, floor, now);
          return left && stateText(path, left);
        };
        assert.equal(outcome(a, b), outcome(b, a));
      }),
      { numRuns: 2000 },
    );
  });

  it("writes nothing when it comes a second time", () => {
    fc.assert(
      fc.property(maybe, carried, fc.bigInt({ min: 0n, max: 5n }), (here, arrives, floor) => {
        const left = meet(here, arrives, floor, now).write ?? here;
        assert.equal(meet(left, arrives, floor, now).write, null);
      }),
    );
  });

  it("is no conflict with what it was written over, nor with what was written over it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(put, increment), fc.constantFrom(...origins)), {
          minLength: 2,
          maxLength: 6,
        }),
        fc.nat(),
        (steps, at) => {
          const history: Entry[] = [];
          for (const [operation, origin] of steps) {
            const current = history.at(-1) ?? null;
            if (operation === increment && current?.kind === "value") continue;
            history.push(write(current, operation, BigInt(10 + history.length), origin));
          }
          const older = carry(history[at % history.length]!);
          const newer = carry(history.at(-1)!);
          assert.equal(meet(older, newer, 0n, now).loser, null);
          assert.equal(meet(newer, older, 0n, now).loser, null);
        },
      ),
    );
  });

  it("is kept when it loses to a write that had not seen it, and so is what loses to it", () => {
    const older = carry(write(null, put, 10n, "aws"));
    const newer = carry(write(null, put, 11n, "gcp"));
    assert.deepEqual(meet(older, newer, 0n, now), { write: newer, loser: older });
    assert.deepEqual(meet(newer, older, 0n, now), { write: null, loser: older });
  });

  it("is a conflict when a value replaces increments that it had not seen, of any cell", () => {
    const aws = write(null, increment, 10n, "aws");
    const gcp = write(null, increment, 11n, "gcp");
    const both = meet(carry(aws), carry(gcp), 0n, now).write!;
    const unaware = carry(write(gcp, put, 12n, "azure"));
    const aware = carry(write(both.entry, put, 12n, "azure"));
    assert.equal(meet(both, unaware, 0n, now).loser?.entry.kind, "counter");
    assert.equal(meet(both, aware, 0n, now).loser, null);
  });

  it("does not bring back what the floor let the clouds forget", () => {
    const expired: Entry = { ...(write(null, put, 5n, "aws") as Extract<Entry, { kind: "value" }>), expiresAt: 1 };
    assert.deepEqual(meet(null, carry(expired), 5n, now), { write: null, loser: null });
    assert.notEqual(meet(null, carry(expired), 4n, now).write, null);
  });

  it("adds to a counter of its life, though one of the two has forgotten what they were born over", () => {
    const deleted = write(null, { kind: "delete", conditions: unconditional }, 5n, "aws");
    const aware = write(deleted, increment, 10n, "aws");
    const unaware = write(null, increment, 11n, "gcp");
    for (const [here, arrives] of [
      [aware, unaware],
      [unaware, aware],
    ] as const) {
      const { entry } = meet(carry(here), carry(arrives), 5n, now).write!;
      assert.equal(entry.kind === "counter" && counterValue(entry), 2);
    }
  });

  it("keeps the unknown fields of the one that wins, and of both where both do", () => {
    const aws = { ...carry(write(null, increment, 10n, "aws")), extra: { a: 1 } };
    const gcp = { ...carry(write(null, increment, 11n, "gcp")), extra: { b: 2 } };
    assert.deepEqual(meet(aws, gcp, 0n, now).write!.extra, { a: 1, b: 2 });
    const value = { ...carry(write(null, put, 12n, "gcp")), extra: { c: 3 } };
    assert.deepEqual(meet(aws, value, 0n, now).write!.extra, { c: 3 });
  });

  it("says by which transactions it entered: of the one that wins, and of both where both do", () => {
    const by = (cloud: string, transaction: number) => ({ [cloud]: { since: 1, transaction } });
    const aws = { ...carry(write(null, increment, 10n, "aws")), marks: by("aws", 7) };
    const gcp = { ...carry(write(null, increment, 11n, "gcp")), marks: by("gcp", 8) };
    const both = meet(aws, gcp, 0n, now).write!;
    assert.deepEqual(both.marks, { ...by("aws", 7), ...by("gcp", 8) });
    const value = { ...carry(write(null, put, 12n, "azure")), marks: by("azure", 9) };
    assert.deepEqual(meet(both, value, 0n, now).write!.marks, by("azure", 9));
  });

  it("has a digest that tells all states apart", () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        assert.equal(digestOf(path, a) === digestOf(path, b), stateText(path, a) === stateText(path, b));
      }),
    );
    assert.notEqual(
      digestOf("default/a", carry(write(null, put, 1n, "aws")).entry),
      digestOf("default/b", write(null, put, 1n, "aws")),
    );
  });
});
