import assert from "node:assert/strict";
import { Backoff } from "../../../service/replication/backoff.ts";

describe("the pauses before a peer that failed", () => {
  let now: number;
  let backoff: Backoff;
  beforeEach(() => {
    now = 0;
    backoff = new Backoff({ monotonic: () => now, random: () => 0.5 });
  });
  /** Fails, and tells how long it then waits. */
  const pause = () => {
    backoff.failed();
    const start = now;
    while (backoff.isWaiting()) now += 50;
    return now - start;
  };

  it("double up to a bound, until something succeeds", () => {
    assert.deepEqual(Array.from({ length: 9 }, pause), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000]);
    backoff.succeeded();
    assert.equal(pause(), 100);
  });

  it("end when the peer speaks, but are as long as before when it still cannot be reached", () => {
    for (let i = 0; i < 8; i++) pause();
    backoff.failed();
    backoff.wake();
    assert.equal(backoff.isWaiting(), false);
    assert.equal(pause(), 15_000);
  });
});
