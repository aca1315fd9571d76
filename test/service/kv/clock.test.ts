import assert from "node:assert/strict";
import fc from "fast-check";
import { HybridClock, hybridTime, milliseconds } from "../../../service/kv/clock.ts";

describe("the hybrid clock", () => {
  it("only ever grows, whatever the wall clock does and whatever it hears", () => {
    const steps = fc.array(
      fc.oneof(fc.record({ wall: fc.nat(2 ** 41) }), fc.record({ heard: fc.bigInt({ min: 0n, max: 2n ** 57n }) })),
      { minLength: 2 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let wall = 0;
        const clock = new HybridClock(() => wall);
        let last = 0n;
        let heard = 0n;
        for (const step of list) {
          if ("wall" in step) wall = step.wall;
          else {
            clock.observe(step.heard);
            if (step.heard > heard) heard = step.heard;
          }
          const next = clock.next();
          assert.ok(next > last && next > heard - 1n);
          assert.ok(next >= hybridTime(wall));
          last = next;
        }
      }),
    );
  });

  it("keeps the milliseconds in the upper bits", () => {
    assert.equal(milliseconds(hybridTime(1_795_299_330_513)), 1_795_299_330_513);
    assert.equal(milliseconds(hybridTime(1_795_299_330_513) + 65_535n), 1_795_299_330_513);
  });
});
