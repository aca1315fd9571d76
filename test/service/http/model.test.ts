import assert from "node:assert/strict";
import fc from "fast-check";
import type { Running } from "../../../service/main.ts";
import type { Store } from "../../../service/store/port.ts";
import { isLong } from "../../support/length.ts";
import { seed } from "../../support/seed.ts";
import { startTestService, type TestService } from "../../support/service.ts";
import { command } from "./commands.ts";
import { Run } from "./run.ts";
import { Api, clockIo, startBeside, TestClock } from "./support.ts";

/** Sequences of commands to try, and the commands that must have been done in all. */
const [sequences, least] = isLong ? [500, 10_000] : [100, 2000];
const sequence = fc.array(command, { maxLength: 60, size: "max" });
const settings = fc.record({
  requireCondition: fc.constantFrom(false, false, false, true),
  defaultTtl: fc.constantFrom(null, null, 1500, 3_600_000),
});

/** Two processes of one cloud under a clock that only commands move, compared with the model. */
class Cloud {
  readonly #clock: TestClock;
  readonly #service: TestService;
  readonly #second: Running;
  readonly #apis: readonly Api[];
  readonly #patience: number;
  commands = 0;

  private constructor(clock: TestClock, service: TestService, second: Running, patience: number) {
    this.#patience = patience;
    this.#clock = clock;
    this.#service = service;
    this.#second = second;
    this.#apis = [new Api(service.url), new Api(second.url)];
  }

  /** `change` may make the store worse. */
  static async start(change?: (store: Store) => Store): Promise<Cloud> {
    const clock = new TestClock();
    clock.stop();
    const io = clockIo(clock, change);
    const service = await startTestService({}, io);
    return new Cloud(clock, service, await startBeside({}, io, service.postgres), change ? 500 : 10_000);
  }

  check(parameters: fc.Parameters<unknown>): Promise<fc.RunDetails<unknown>> {
    const reap = () => this.#service.running.maintenance.step();
    const property = fc.asyncProperty(settings, sequence, async (how, commands) => {
      const run = await Run.start({ apis: this.#apis, clock: this.#clock, reap, patience: this.#patience }, how);
      for (const command of commands) {
        this.commands++;
        await run.do(command);
      }
      await run.finish();
    });
    return fc.check(property as fc.IAsyncProperty<unknown>, parameters);
  }

  async close(): Promise<void> {
    for (const api of this.#apis) api.close();
    await this.#second.close();
    await this.#service.close();
  }
}

describe("the API and its model", function () {
  this.timeout(400_000);
  let cloud: Cloud | undefined;
  afterEach(async () => {
    await cloud?.close();
    cloud = undefined;
  });

  it(`answer alike to any sequence of commands, through two processes (seed ${seed})`, async () => {
    cloud = await Cloud.start();
    const path = process.env.SKYKV_PATH;
    const limits = { interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true };
    const details = await cloud.check({
      seed,
      numRuns: sequences,
      ...limits,
      ...(path && { path, endOnFailure: true }),
    });
    const again = `SKYKV_SEED=${details.seed} SKYKV_PATH=${details.counterexamplePath} npx mocha test/service/http/model.test.ts`;
    if (details.failed) {
      const message = `${fc.defaultReportMessage(details)}\n\nTo repeat the last of these alone: ${again}\n`;
      throw new Error(message, { cause: details.errorInstance });
    }
    if (path === undefined) assert.ok(cloud.commands >= least, `${cloud.commands} commands were done`);
  });

  describe("do not answer alike when", () => {
    for (const [what, change] of [
      [
        "the database lets entries live a millisecond too long",
        (store) => ({
          ...store,
          commit: (commit) => store.commit({ ...commit, now: commit.now - 1 }),
          list: (request) => store.list({ ...request, now: request.now - 1 }),
        }),
      ],
      [
        "a read claims to have seen what it has not",
        (store) => ({
          ...store,
          read: async (paths) => ({ ...(await store.read(paths)), horizon: Number.MAX_SAFE_INTEGER }),
        }),
      ],
      ["a watcher is not told of every third change", withoutSomeChanges],
      [
        "an answer is forgotten",
        (store) => ({
          ...store,
          knownReceipts: async () => new Set<string>(),
          commit: (commit) => store.commit({ ...commit, receipts: [] }),
        }),
      ],
    ] as [string, (store: Store) => Store][]) {
      it(what, async () => {
        cloud = await Cloud.start(change);
        const details = await cloud.check({ seed: 1, numRuns: 60, endOnFailure: true });
        assert.ok(details.failed, "this fault must be found");
      });
    }
  });
});

function withoutSomeChanges(store: Store): Store {
  return {
    ...store,
    feed: async (after, limit) => {
      const window = await store.feed(after, limit);
      return window && { ...window, changes: window.changes.filter(({ position }) => position.id % 3 !== 0) };
    },
  };
}
