import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cidr, contains, formatCidr, overlap, parseCidr, part, size } from "../../infra/cidr.ts";

const ranges: fc.Arbitrary<Cidr> = fc
  .tuple(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
  .map(([prefix, address]) => ({ prefix, base: address - (address % size(prefix)) }));

/** A range with two prefixes and places of parts in it, few enough that they often meet. */
const parts = fc
  .tuple(ranges, fc.nat(6), fc.nat(6))
  .filter(([range, a, b]) => range.prefix + Math.max(a, b) <= 32)
  .chain(([range, a, b]) =>
    fc.tuple(fc.constant(range), fc.constant(a), fc.nat(2 ** a - 1), fc.constant(b), fc.nat(2 ** b - 1)),
  );

describe("ranges of addresses", () => {
  it("read what they write", () => {
    fc.assert(fc.property(ranges, (range) => assert.deepEqual(parseCidr(formatCidr(range)), range)));
  });

  it("hold all of their parts, and parts of one size do not overlap", () => {
    fc.assert(
      fc.property(parts, ([range, bits, i, , j]) => {
        const one = part(range, range.prefix + bits, i);
        assert.ok(contains(range, one));
        if (i !== j && j < 2 ** bits) assert.ok(!overlap(one, part(range, range.prefix + bits, j)));
      }),
    );
  });

  it("overlap just when they have an address in common", () => {
    fc.assert(
      fc.property(parts, ([range, a, i, b, j]) => {
        const [one, other] = [part(range, range.prefix + a, i), part(range, range.prefix + b, j)];
        const common = Math.min(end(one), end(other)) > Math.max(one.base, other.base);
        assert.equal(overlap(one, other), common);
        assert.equal(overlap(other, one), common);
      }),
    );
  });

  it("have no part that does not fit", () => {
    const range = parseCidr("10.0.0.0/16");
    assert.throws(() => part(range, 18, 4), /10\.0\.0\.0\/16 has no part 4 with prefix \/18/);
    assert.throws(() => part(range, 15, 0), RangeError);
  });

  for (const [text, message] of [
    ["10.0.0.1/16", /such as 10\.0\.0\.0\/16, found 10\.0\.0\.1\/16/],
    ["10.0.0.0", /expected an IPv4 range/],
    ["256.0.0.0/8", /expected an IPv4 range/],
    ["10.0.0.0/33", /expected an IPv4 range/],
    ["::/0", /expected an IPv4 range/],
  ] as const) {
    it(`are not ${text}`, () => assert.throws(() => parseCidr(text), message));
  }
});

function end({ base, prefix }: Cidr): number {
  return base + size(prefix);
}
