import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Fault,
  type Health,
  judge,
  longestBlindness,
  type ProbeSettings,
  unknownHealth,
} from "../../../../tools/box/edge/health.ts";
import { probeUntilStopped } from "../../../../tools/box/edge/probe.ts";
import { isHealthy } from "./cloudflare.ts";

const settings: fc.Arbitrary<ProbeSettings> = fc.record({
  interval: fc.integer({ min: 5, max: 60 }),
  timeout: fc.integer({ min: 1, max: 10 }),
  retries: fc.integer({ min: 0, max: 3 }),
  consecutiveDown: fc.integer({ min: 1, max: 4 }),
  consecutiveUp: fc.integer({ min: 1, max: 4 }),
});

describe("the edge's health of a cloud", () => {
  it("is Cloudflare's after every sequence of probes", () => {
    fc.assert(
      fc.property(settings, fc.array(fc.boolean(), { maxLength: 40 }), (probe, passes) => {
        let health = unknownHealth(0);
        for (const [i, passed] of passes.entries()) {
          health = judge(health, passed ? null : "status 503", i + 1, probe);
          const expected = isHealthy(passes.slice(0, i + 1), probe.consecutiveUp, probe.consecutiveDown);
          assert.equal(health.status === "up", expected);
        }
      }),
    );
  });

  it("is unknown until a threshold is reached, and tells since when it is what it is", () => {
    const probe = { interval: 10, timeout: 5, retries: 0, consecutiveDown: 2, consecutiveUp: 2 };
    const statuses: [string, number][] = [];
    let health = unknownHealth(0);
    for (const [i, fault] of [null, "timeout", null, null, "timeout", null, "timeout", "ECONNREFUSED"].entries()) {
      health = judge(health, fault, i + 1, probe);
      statuses.push([health.status, health.since]);
    }
    const unknown = ["unknown", 0];
    const up = ["up", 4];
    assert.deepEqual(statuses, [unknown, unknown, unknown, up, up, up, up, ["down", 8]]);
  });
});

describe("the edge's probes", () => {
  /** Probes in simulated time; `answerAt` says how long an answer takes that is asked for then, and what it is. */
  async function simulate(
    probe: ProbeSettings,
    answerAt: (second: number) => { takes: number; fault: Fault },
    end: number,
  ) {
    let now = 0;
    let health: Health = unknownHealth(0);
    const asked: number[] = [];
    const changes: { at: number; status: Health["status"] }[] = [];
    const stop = new AbortController();
    await probeUntilStopped({
      settings: probe,
      monotonic: () => now * 1000,
      sleep: async (ms) => {
        now += ms / 1000;
      },
      ask: async () => {
        asked.push(now);
        const { takes, fault } = answerAt(now);
        now += Math.min(takes, probe.timeout);
        return takes < probe.timeout ? fault : "timeout";
      },
      onInterval: (fault) => {
        const before = health.status;
        health = judge(health, fault, now, probe);
        if (health.status !== before) changes.push({ at: now, status: health.status });
        if (now > end) stop.abort();
      },
      stopped: stop.signal,
    });
    return { asked, changes };
  }

  it("come once each interval, and again at once only after a timeout", async () => {
    const probe = { interval: 10, timeout: 2, retries: 2, consecutiveDown: 1, consecutiveUp: 1 };
    const healthy = await simulate(probe, () => ({ takes: 0.1, fault: null }), 25);
    assert.deepEqual(healthy.asked, [0, 10, 20, 30]);
    const refusing = await simulate(probe, () => ({ takes: 0, fault: "ECONNREFUSED" }), 15);
    assert.deepEqual(refusing.asked, [0, 10, 20]);
    const hanging = await simulate(probe, () => ({ takes: 60, fault: null }), 15);
    assert.deepEqual(hanging.asked, [0, 2, 4, 10, 12, 14]);
  });

  it("find a frozen cloud within the longest time that the settings allow, whenever it freezes", async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.double({ min: 1, max: 300, noNaN: true }), async (probe, offset) => {
        const frozenAt = probe.interval * probe.consecutiveUp + offset;
        const longest = longestBlindness(probe);
        const { changes } = await simulate(
          probe,
          (now) => ({ takes: now > frozenAt ? 600 : 0, fault: null }),
          frozenAt + 2 * longest,
        );
        const down = changes.find(({ status }) => status === "down")!;
        assert.ok(down.at >= frozenAt);
        assert.ok(down.at - frozenAt <= longest + 1e-6, `${down.at - frozenAt} s, not ${longest} s`);
      }),
    );
  });
});
