import assert from "node:assert/strict";
import { Announcer } from "../../../service/queue/announcer.ts";
import { until } from "../../support/kv.ts";

describe("an announcer of hints", () => {
  it("sends the first at once and what comes meanwhile behind it, never two at a time", async () => {
    const sent: (readonly number[])[] = [];
    const answers: (() => void)[] = [];
    const announcer = new Announcer(
      (shards) => {
        sent.push(shards);
        return new Promise((resolve) => answers.push(resolve));
      },
      (error) => assert.fail(String(error)),
    );
    announcer.announce([1]);
    assert.deepEqual(sent, [[1]]);
    for (let i = 0; i < 1000; i++) announcer.announce([i % 3]);
    assert.equal(sent.length, 1);
    answers[0]!();
    await until("the rest is sent", 2000, () => sent.length === 2);
    assert.deepEqual(sent[1]!.toSorted(), [0, 1, 2]);
    announcer.close();
  });

  it("leaves a queue alone for longer each time that it fails", async () => {
    const attempts: number[] = [];
    const announcer = new Announcer(
      async () => {
        attempts.push(performance.now());
        throw new Error("down");
      },
      () => {},
    );
    await until("it has failed a few times", 10_000, () => {
      announcer.announce([1]);
      return attempts.length === 4;
    });
    const pauses = attempts.slice(1).map((at, i) => at - attempts[i]!);
    assert.ok(pauses[0]! >= 70 && pauses[2]! >= 290, `paused for ${pauses}`);
    announcer.close();
  });
});
