import assert from "node:assert/strict";
import { mock } from "node:test";
import { Breaker } from "../../../service/cache/breaker.ts";

describe("the breaker of the shared cache", () => {
  let answers: boolean;
  let probes: number;
  let changes: boolean[];
  let breaker: Breaker;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    answers = false;
    probes = 0;
    changes = [];
    const probe = async () => {
      probes++;
      return answers;
    };
    breaker = new Breaker(probe, () => changes.push(breaker.open));
  });
  afterEach(() => {
    breaker.stop();
    mock.timers.reset();
  });

  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.failed();
  };
  const pass = async (milliseconds: number) => {
    mock.timers.tick(milliseconds);
    await new Promise(setImmediate);
  };

  it("opens at three failures in a row, and says so once", () => {
    fail(2);
    breaker.succeeded();
    fail(2);
    assert.equal(breaker.open, false);
    fail(5);
    assert.deepEqual([breaker.open, changes], [true, [true]]);
  });

  it("probes after 100 ms, then at doubling distances up to 2 s", async () => {
    fail(3);
    for (const pause of [100, 200, 400, 800, 1600, 2000, 2000]) {
      const before = probes;
      await pass(pause - 1);
      assert.equal(probes, before);
      await pass(1);
      assert.equal(probes, before + 1);
    }
    assert.equal(breaker.open, true);
  });

  it("closes when a probe is answered", async () => {
    fail(3);
    answers = true;
    await pass(100);
    assert.deepEqual([breaker.open, changes], [false, [true, false]]);
    fail(2);
    assert.equal(breaker.open, false);
  });

  it("goes on with longer pauses where nothing but probes succeeds", async () => {
    answers = true;
    fail(3);
    await pass(100);
    fail(3);
    await pass(199);
    assert.equal(breaker.open, true);
    await pass(1);
    assert.equal(breaker.open, false);
    breaker.succeeded();
    fail(3);
    await pass(100);
    assert.equal(breaker.open, false);
  });

  it("stops probing when it is told to, also in the middle of a probe", async () => {
    fail(3);
    breaker.stop();
    await pass(5000);
    assert.equal(probes, 0);
  });
});
