import assert from "node:assert/strict";
import fc from "fast-check";
import type { Stored } from "../../../service/kv/entry.ts";
import { type Marks, raise } from "../../../service/kv/marks.ts";
import {
  extend,
  formatSession,
  type Here,
  lacks,
  maxSessionBytes,
  noSession,
  nothingSeen,
  parseSession,
  type Seen,
  type Session,
  seenOf,
  type View,
} from "../../../service/kv/session.ts";

const clouds = ["aws", "azure", "gcp"];
const mark = fc.record({ since: fc.nat(3), transaction: fc.nat(20) }, { noNullPrototype: true });
const marks: fc.Arbitrary<Marks> = fc.dictionary(fc.constantFrom(...clouds), mark, { noNullPrototype: true });
const longest = fc.record(
  { since: fc.nat(Number.MAX_SAFE_INTEGER % 1e13), transaction: fc.nat(Number.MAX_SAFE_INTEGER) },
  { noNullPrototype: true },
);
const names = ["amazon-web-services-eu", "google-cloud-europe", "azure-westeurope"];
const session: fc.Arbitrary<Session> = fc.record(
  {
    marks: fc.dictionary(fc.constantFrom(...names), longest, { minKeys: 1, noNullPrototype: true }),
    witness: fc.option(fc.tuple(fc.constantFrom(...names), longest).map(([cloud, at]) => ({ ...at, cloud }))),
    newest: fc.bigInt(0n, 2n ** 63n - 1n),
  },
  { noNullPrototype: true },
);

const nobody = new Set<string>();
const here: Here = { cloud: "aws", since: 1, members: new Set(["azure", "gcp"]), binding: nobody };
const seen = (more: Partial<Seen>): Seen => ({ ...nothingSeen, ...more });
const nowhere = { complete: {}, asOf: 0 };
const view = (more: Partial<View>): View => ({ horizon: 0, complete: {}, stored: null, ...more });
const at = (transaction: number, since = 1) => ({ since, transaction });
const row = (changed: number): Stored => ({
  changed,
  entry: { kind: "tombstone", version: { time: 1n, origin: "aws" }, seen: {} },
});
const of = (more: Partial<Session>): Session => ({ ...noSession, ...more });

describe("session tokens", () => {
  it("come back as they were sent, in at most 256 bytes", () => {
    fc.assert(
      fc.property(session, (token) => {
        const text = formatSession(token);
        assert.ok(text.length <= maxSessionBytes, text);
        assert.deepEqual(parseSession(text), token);
      }),
    );
  });

  it("are refused when they are not ours", () => {
    const bad = [
      "",
      "x",
      "aws.1",
      "aws.1.2.3",
      "AWS.1.2",
      "aws.1.-2",
      "!",
      "!xyz",
      "@aws",
      "~",
      "aws.zzzzzzzzz.zzzzzzzzzzz",
    ];
    for (const text of [...bad, "a".repeat(300)]) assert.equal(parseSession(text), null, text);
  });
});

describe("marks", () => {
  it("join: in any order, any grouping, any number of times", () => {
    fc.assert(
      fc.property(marks, marks, marks, (a, b, c) => {
        assert.deepEqual(raise(a, b), raise(b, a));
        assert.deepEqual(raise(raise(a, b), c), raise(a, raise(b, c)));
        assert.equal(raise(a, a), a);
      }),
    );
  });

  it("of a later incarnation win, whatever it counted up to before", () => {
    assert.deepEqual(raise({ gcp: at(9, 1) }, { gcp: at(2, 2) }), { gcp: at(2, 2) });
  });
});

describe("a session may be served", () => {
  it("what was read when this cloud was complete in all that it saw, and nothing older", () => {
    const token = of({ marks: { gcp: at(7), azure: at(3) } });
    const complete = { gcp: at(8), azure: at(4) };
    assert.deepEqual(lacks(token, view({ complete }), here), []);
    assert.deepEqual(lacks(token, view({ complete: { ...complete, gcp: at(7) } }), here), ["gcp"]);
    assert.deepEqual(lacks(token, view({}), here).sort(), ["azure", "gcp"]);
  });

  it("of this cloud's own writes what was read after they had ended, or the very row", () => {
    const token = of({ marks: { aws: at(7) } });
    assert.deepEqual(lacks(token, view({ horizon: 7 }), here), ["aws"]);
    assert.deepEqual(lacks(token, view({ horizon: 8 }), here), []);
    assert.deepEqual(lacks(token, view({ stored: row(7) }), here), []);
    assert.deepEqual(lacks(token, view({ stored: row(6) }), here), ["aws"]);
  });

  it("no older version of the key, though a transaction of a higher number wrote it", () => {
    const newer = of({ marks: { aws: at(7) }, newest: 2n });
    assert.deepEqual(lacks(newer, view({ stored: row(8), horizon: 7 }), here), ["aws"]);
    const come = { ...row(3), marks: { gcp: at(8) } };
    assert.deepEqual(lacks(of({ marks: { gcp: at(7) }, newest: 2n }), view({ stored: come }), here), ["gcp"]);
  });

  it("a row that came by the transaction it saw, though the rest of it has not come yet", () => {
    const come = { ...row(3), marks: { gcp: at(7) } };
    assert.deepEqual(lacks(of({ marks: { gcp: at(7) } }), view({ stored: come }), here), []);
    assert.deepEqual(lacks(of({ marks: { gcp: at(8) } }), view({ stored: come }), here), ["gcp"]);
  });

  it("by the cloud that has it all, whatever the others are said to lack", () => {
    const token = of({ marks: { gcp: at(99) }, witness: { cloud: "aws", ...at(5) } });
    assert.deepEqual(lacks(token, view({ horizon: 6 }), here), []);
    assert.deepEqual(lacks(token, view({ horizon: 5 }), here), ["aws"]);
    assert.deepEqual(lacks(token, view({ horizon: 6 }), { ...here, cloud: "azure" }), ["gcp"]);
    assert.deepEqual(
      lacks(token, view({ horizon: 6 }), { ...here, since: 2 }),
      ["gcp"],
      "but not once it was restored",
    );
  });

  it("without what only a removed cloud, or a restored one of before, could know", () => {
    assert.deepEqual(lacks(of({ marks: { elsewhere: at(7) } }), view({}), here), []);
    // Another member may have it, with which this one has not been compared yet.
    const binding = { ...here, binding: new Set(["elsewhere"]) };
    assert.deepEqual(lacks(of({ marks: { elsewhere: at(7) } }), view({}), binding), ["elsewhere"]);
    assert.deepEqual(extend(of({ marks: { elsewhere: at(7) } }), nothingSeen, nowhere, binding).marks, {
      elsewhere: at(7),
    });
    assert.deepEqual(lacks(of({ marks: { gcp: at(7, 1) } }), view({ complete: { gcp: at(0, 2) } }), here), []);
    assert.deepEqual(lacks(of({ marks: { gcp: at(7, 3) } }), view({ complete: { gcp: at(9, 2) } }), here), ["gcp"]);
  });
});

describe("a session after an answer", () => {
  it("has seen by which transactions the entry entered other clouds, deletions too", () => {
    const come = { ...row(3), marks: { gcp: at(7) } };
    const after = extend(null, seenOf(come, here), nowhere, here);
    assert.deepEqual(after.marks, { gcp: at(7) });
    assert.deepEqual(after.witness, { cloud: "aws", ...at(3) });
    assert.deepEqual(extend(null, seenOf(row(3), here), nowhere, here).marks, { aws: at(3) });
  });

  it("names the answering cloud as one that has it all only when it has", () => {
    const elsewhere = of({ marks: { gcp: at(7) }, witness: { cloud: "gcp", ...at(7) } });
    const added = seen({ marks: { aws: at(4) }, transaction: 4 });
    assert.equal(extend(elsewhere, added, nowhere, here).witness, null);
    assert.deepEqual(extend(elsewhere, nothingSeen, nowhere, here).witness, elsewhere.witness);
    const complete = { complete: { gcp: at(8) }, asOf: 20 };
    assert.deepEqual(extend(elsewhere, added, complete, here).witness, { cloud: "aws", ...at(20) });
  });

  it("forgets clouds that are gone, so that it stays small", () => {
    const token = of({ marks: { gone: at(7), gcp: at(7, 0), aws: at(1, 0) } });
    const after = extend(token, nothingSeen, { complete: { gcp: at(1, 1) }, asOf: 5 }, here);
    assert.deepEqual(after.marks, {});
    assert.ok(parseSession(formatSession(after)) !== null);
  });

  it("is told in a cloud by itself by that cloud's transaction alone", () => {
    const alone: Here = { cloud: "local", since: 0, members: nobody, binding: nobody };
    assert.match(formatSession(extend(null, seenOf(row(3), alone), nowhere, alone)), /^local\.0\.3~!1$/);
    assert.match(formatSession(extend(null, nothingSeen, nowhere, alone)), /^local\.0\.0$/);
  });
});
