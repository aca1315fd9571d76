import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { signalProcess } from "../../tools/box/process.ts";
import type { Service } from "../../tools/box/service.ts";
import { isReady, Kv, until } from "../support/kv.ts";
import { isLong } from "../support/length.ts";
import { checkLinearizable } from "../support/linearizability.ts";
import { ProcessCloud } from "../support/processes.ts";
import { pick, randomFrom } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { counter, hotKeys, Load } from "./load.ts";
import { Watcher } from "./watcher.ts";

/** In CI as many as the claim needs; otherwise enough to meet every kind of crash. */
const rounds = isLong ? 20 : 8;
const clients = 8;

describe(`after ${rounds} crashes of the service and of PostgreSQL under load (seed ${seed})`, function () {
  this.timeout(180_000);
  const random = randomFrom(seed);
  let cloud: ProcessCloud;
  let services: Service[];
  let load: Load;
  let watchers: Watcher[];

  before(async () => {
    cloud = await ProcessCloud.start();
    services = await Promise.all([cloud.startService(), cloud.startService()]);
    const urls = services.map(({ url }) => url);
    watchers = [
      await Watcher.start("stream", () => pick(random, urls)),
      await Watcher.start("poll", () => pick(random, urls)),
    ];
    const kvs = urls.map((url) => new Kv(url));
    load = new Load(kvs, clients, random);
    for (let round = 0; round < rounds; round++) {
      await sleep(50 + random() * 300);
      const crash = crashes[round % crashes.length]!;
      await crash();
      await load.goesOn();
    }
    await load.stop();
  });

  after(async () => {
    await Promise.allSettled([load?.stop(), ...(watchers ?? []).map((watcher) => watcher.stop())]);
    await cloud?.close();
  });

  /** Each ends when what it killed serves again. */
  const crashes = [
    () => killServices([0]),
    () => killPostgres(),
    () => killServices([0, 1]),
    () => killBackend(),
    () => killServices([1]),
    () => Promise.all([killServices([0, 1], false), killPostgres()]).then(() => restartServices([0, 1])),
  ];

  async function killServices(which: number[], restart = true) {
    for (const i of which) services[i]!.kill("SIGKILL");
    await Promise.all(which.map((i) => services[i]!.exited));
    if (restart) await restartServices(which);
  }

  async function restartServices(which: number[]) {
    await Promise.all(
      which.map(async (i) => {
        services[i] = await cloud.startService({ PORT: new URL(services[i]!.url).port });
      }),
    );
  }

  async function killPostgres() {
    await cloud.killPostgres();
    await cloud.restartPostgres();
  }

  /** PostgreSQL then ends all other connections too and recovers, by itself. */
  async function killBackend() {
    signalProcess(pick(random, await cloud.postgresChildren()), "SIGKILL");
    await until("both services are ready again", 15_000, async () => {
      return (await Promise.all(services.map(({ metricsUrl }) => isReady(metricsUrl)))).every(Boolean);
    });
  }

  it("every acknowledged write is there, whole", async () => {
    assert.ok(load.ledger.size > rounds * clients, `only ${load.ledger.size} writes`);
    await inLanes(load.ledger, async ([key, value]) => assert.equal((await load.kv().get(key))?.value, value, key));
  });

  it("every counted increment is there, once", async () => {
    assert.equal(Number((await load.kv().get(counter))?.value), load.increments);
  });

  it("every retry with an Idempotency-Key gets the first answer", async () => {
    await inLanes(load.answers, async ({ again, answer }) => assert.equal(await again(), answer));
  });

  it("what concurrent clients saw is linearizable", async () => {
    const verdict = checkLinearizable(load.recorder.calls);
    assert.ok(verdict.linearizable, verdict.linearizable ? "" : verdict.explanation);
  });

  for (const [i, kind] of ["stream", "poll"].entries()) {
    it(`a watcher that resumed its ${kind} has missed nothing`, async () => {
      const watcher = watchers[i]!;
      const last = await load.kv().put("last", "of all");
      await until("the last write arrives", 10_000, () =>
        watcher.of("last").some(({ version }) => version === last.version),
      );
      assert.deepEqual(watcher.faults, []);
      for (const key of load.ledger.keys()) assert.equal(watcher.of(key).at(-1)?.type, "put", key);
      for (const key of [...hotKeys, counter]) {
        const found = await load.kv().get(key);
        const seen = watcher.of(key);
        if (found === null) assert.notEqual(seen.at(-1)?.type, "put", key);
        else assert.equal(seen.at(-1)?.version, found.version, key);
      }
    });
  }
});

/** Does something with each item, with as many at a time as there are clients. */
async function inLanes<Item>(items: Iterable<Item>, act: (item: Item) => Promise<unknown>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: clients }, lane));
}
