import assert from "node:assert/strict";
import { type Place, UnderWay } from "../../service/under-way.ts";

describe("things under way", () => {
  it("stand in the order they came in, wherever others left", () => {
    const some = new UnderWay<number>();
    const places = new Map<number, Place<number>>();
    const expected = new Set<number>();
    for (let i = 0; i < 500; i++) {
      places.set(i, some.add(i));
      expected.add(i);
      // Some leave at once, some later, from both ends and the middle.
      const leaving = (i * 7) % (i + 1);
      assert.equal(some.delete(places.get(leaving)!), expected.delete(leaving));
      assert.equal(some.size, expected.size);
    }
    assert.deepEqual([...some], [...expected]);
  });

  it("leave once, and know nobody afterwards", () => {
    const some = new UnderWay<string>();
    const [first, second, third] = ["first", "second", "third"].map((item) => some.add(item));
    assert.deepEqual([some.delete(second!), some.delete(second!)], [true, false]);
    assert.deepEqual([second!.older, second!.newer], [null, null]);
    assert.deepEqual([first!.newer, third!.older], [third, first]);
  });

  it("may leave while they are looked at", () => {
    const some = new UnderWay<number>();
    const places = [0, 1, 2].map((i) => some.add(i));
    let seen = 0;
    for (const item of some) {
      assert.equal(item, seen);
      assert.ok(some.delete(places[seen++]!));
    }
    assert.deepEqual([seen, some.size], [3, 0]);
  });
});
