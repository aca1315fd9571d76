import assert from "node:assert/strict";
import fc from "fast-check";
import { advance, formatSession, maxSessionBytes, parseSession } from "../../../service/kv/session.ts";

const mark = fc.record({
  incarnation: fc.stringMatching(/^[0-9a-f]{12}$/),
  transaction: fc.nat(Number.MAX_SAFE_INTEGER),
});
const session = fc
  .dictionary(fc.constantFrom("aws", "gcp", "azure", "local"), mark, { minKeys: 1 })
  .map((marks) => new Map(Object.entries(marks)));

describe("session tokens", () => {
  it("come back as they were sent, in at most 256 bytes", () => {
    fc.assert(
      fc.property(session, (marks) => {
        const text = formatSession(marks);
        assert.ok(text.length <= maxSessionBytes);
        assert.deepEqual(parseSession(text), new Map([...marks].map(([origin, m]) => [origin, { ...m }])));
      }),
    );
  });

  it("only move forward within an incarnation, and start anew in another", () => {
    const a = advance(new Map(), "aws", "000000000001", 7);
    assert.equal(advance(a, "aws", "000000000001", 6), a);
    assert.equal(advance(a, "aws", "000000000001", 8).get("aws")?.transaction, 8);
    assert.equal(advance(a, "aws", "000000000002", 1).get("aws")?.transaction, 1);
  });

  it("are refused when they are not ours", () => {
    for (const text of [
      "",
      "x",
      "aws.1.2",
      "aws.000000000001.x",
      `aws.000000000001.${"9".repeat(17)}`,
      "a".repeat(300),
    ]) {
      assert.equal(parseSession(text), null);
    }
  });
});
