import assert from "node:assert/strict";
import fc from "fast-check";
import { decide, holds, type Operation, stamp, unconditional } from "../../../service/kv/decide.ts";
import { ancestorsAfter, type Entry, isLive, tagOf } from "../../../service/kv/entry.ts";
import { merge } from "../../../service/kv/merge.ts";
import { entry, stored, value } from "../../support/entries.ts";

const now = 2;
const bytes = { body: Buffer.from("x"), blob: null, size: 1, contentType: null, contentEncoding: null, meta: null };
const put = (conditions = unconditional): Operation => ({
  kind: "put",
  value: bytes,
  expiry: { at: null },
  conditions,
});

describe("decide", () => {
  it("creates only where nothing lives: deleted and expired entries count as absent", () => {
    fc.assert(
      fc.property(entry, (current) => {
        const decision = decide(put({ ifMatch: null, ifNoneMatch: "*" }), stored(current), now, "aws");
        assert.equal(decision.do, isLive(current, now) ? "refuse" : "write");
      }),
    );
  });

  it("lets one tag through: the current one", () => {
    fc.assert(
      fc.property(entry, entry, (current, other) => {
        const decision = decide(put({ ifMatch: [tagOf(other)], ifNoneMatch: null }), stored(current), now, "aws");
        const expected = isLive(current, now) && tagOf(current) === tagOf(other) ? "write" : "refuse";
        assert.equal(decision.do, expected);
      }),
    );
  });

  it("asks If-Match before If-None-Match, as RFC 9110 does", () => {
    assert.equal(holds({ ifMatch: "*", ifNoneMatch: "*" }, null), false);
    fc.assert(fc.property(value, (current) => assert.equal(holds({ ifMatch: "*", ifNoneMatch: "*" }, current), false)));
    fc.assert(
      fc.property(value, (current) =>
        assert.equal(holds({ ifMatch: [tagOf(current)], ifNoneMatch: ["other"] }, current), true),
      ),
    );
  });

  it("keeps the expiry of a live entry when asked to, and takes the default where there is none", () => {
    const keep: Operation = {
      kind: "put",
      value: bytes,
      expiry: { keep: true, otherwise: 99 },
      conditions: unconditional,
    };
    fc.assert(
      fc.property(value, (current) => {
        const decision = decide(keep, stored(current), now, "aws");
        assert.ok(decision.do === "write" && decision.draft.kind === "value");
        assert.equal(decision.draft.expiresAt, isLive(current, now) ? current.expiresAt : 99);
      }),
    );
  });

  it("counts on its own cell only, and never over a value", () => {
    const increment: Operation = { kind: "increment", by: 5, conditions: unconditional };
    fc.assert(
      fc.property(entry, (current) => {
        const decision = decide(increment, stored(current), now, "aws");
        if (current.kind === "value" && isLive(current, now)) {
          assert.deepEqual(decision, { do: "refuse", reason: "not-a-counter", current });
          return;
        }
        assert.ok(decision.do === "write" && decision.draft.kind === "counter");
        const before = current.kind === "counter" ? current.cells : {};
        assert.equal(decision.draft.cells.aws?.sum, (before.aws?.sum ?? 0) + 5);
        for (const other of ["gcp", "azure"]) assert.deepEqual(decision.draft.cells[other], before[other]);
        // What it makes wins over what was there, in every cloud.
        const next = stamp(decision.draft, 100n, "aws", ancestorsAfter(current, "aws"));
        assert.deepEqual(merge(current, next), merge(next, current));
        assert.equal((merge(current, next) as Entry).version.time, 100n);
      }),
    );
  });

  it("refuses sums that are not exact", () => {
    const increment: Operation = { kind: "increment", by: Number.MAX_SAFE_INTEGER, conditions: unconditional };
    const first = decide(increment, null, now, "aws");
    assert.ok(first.do === "write");
    const current = stored(stamp(first.draft, 1n, "aws", {}));
    assert.deepEqual(decide({ ...increment, by: 1 }, current, now, "aws"), {
      do: "refuse",
      reason: "counter-overflow",
      current: current.entry,
    });
  });
});
