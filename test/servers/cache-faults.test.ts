import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Kv } from "../support/kv.ts";
import { ProcessCloud } from "../support/processes.ts";
import { needsRedis, RedisServer } from "../support/redis.ts";
import { adminKey } from "../support/service.ts";

/** What the documentation promises of a cached read, in milliseconds. */
const bound = 5000;
/** One command's timeout, and what a busy machine of two cores adds. */
const addedLatency = 50 + 250;
const cached = { "KV-Consistency": "cached" };
const keys = Array.from({ length: 20 }, (_, i) => `hot-${i}`);

/** Writes rising numbers to some keys through two processes, reads them through both, and keeps what came of it. */
class Load {
  readonly #clients: readonly Kv[];
  /** Per key, when each number was acknowledged. */
  readonly #acknowledged = new Map<string, number[]>(keys.map((key) => [key, [performance.now()]]));
  #running = true;
  #workers: Promise<void>[] = [];
  latencies: number[] = [];
  staleness = 0;
  reads = 0;
  readonly wrong: string[] = [];

  constructor(clients: readonly Kv[]) {
    this.#clients = clients;
  }

  async start(): Promise<void> {
    await Promise.all(keys.map((key) => this.#clients[0]!.put(key, "0")));
    for (const key of keys) this.#acknowledged.set(key, [performance.now()]);
    this.#workers = [...keys.map((key) => this.#write(key)), ...[0, 1, 2, 3].map((i) => this.#read(i))];
  }

  async #write(key: string): Promise<void> {
    const times = this.#acknowledged.get(key)!;
    while (this.#running) {
      await this.#clients[times.length % 2]!.put(key, String(times.length));
      times.push(performance.now());
      await sleep(20 + Math.random() * 60);
    }
  }

  async #read(reader: number): Promise<void> {
    while (this.#running) {
      const key = keys[Math.floor(Math.random() * keys.length)]!;
      const startedAt = performance.now();
      const found = await this.#clients[reader % 2]!.get(key, cached);
      this.latencies.push(performance.now() - startedAt);
      this.reads++;
      const times = this.#acknowledged.get(key)!;
      const number = Number(found?.value);
      // It may be one ahead: written, and the acknowledgement still on its way.
      if (!(number >= 0 && number <= times.length)) this.wrong.push(`${key} = ${found?.value}`);
      const overwrittenAt = times[number + 1];
      if (overwrittenAt !== undefined) this.staleness = Math.max(this.staleness, startedAt - overwrittenAt);
      await sleep(1);
    }
  }

  /** Lets it run, and returns what happened meanwhile. */
  async observe(milliseconds: number) {
    this.latencies = [];
    this.staleness = 0;
    await sleep(milliseconds);
    const sorted = this.latencies.toSorted((a, b) => a - b);
    return { staleness: this.staleness, p99: sorted[Math.floor(sorted.length * 0.99)]!, reads: sorted.length };
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
  }
}

async function l2State(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/cluster`, { headers: { Authorization: `Bearer ${adminKey}` } });
  return ((await response.json()) as { cache: { l2: string } }).cache.l2;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 50) {
    assert.ok(waited < 15_000, `expected ${what}`);
    await sleep(50);
  }
}

describe("the shared cache under faults, with two processes", function () {
  this.timeout(120_000);
  let redis: RedisServer;
  let cloud: ProcessCloud;
  let load: Load;
  const urls: string[] = [];

  before(async function () {
    needsRedis(this);
    // So little memory that records are evicted all the time, newer ones too.
    redis = await RedisServer.start({ maxmemory: "3mb", "maxmemory-policy": "allkeys-random" });
    cloud = await ProcessCloud.start();
    for (let i = 0; i < 2; i++) urls.push((await cloud.startService({ REDIS_URL: redis.url })).url);
    load = new Load(urls.map((url) => new Kv(url)));
    await load.start();
  });
  after(async () => {
    await load?.stop();
    await cloud?.close();
    await redis?.kill();
  });

  const allAre = (state: string) => async () => (await Promise.all(urls.map(l2State))).every((one) => one === state);

  it("answers with what other processes wrote a moment ago while all is well", async () => {
    await until("both processes to use the shared cache", allAre("up"));
    const { staleness, reads } = await load.observe(3000);
    assert.ok(reads > 100);
    assert.ok(staleness < 1500, `a read was ${staleness} ms old`);
  });

  for (const [name, fail, heal] of [
    ["hangs", async () => redis.pause(), async () => redis.resume()],
    ["is killed", () => redis.kill(), () => redis.start()],
  ] as const) {
    it(`goes on when it ${name}: never older than the bound, never slower than a timeout, and recovers by itself`, async () => {
      const quiet = await load.observe(2000);
      await fail();
      const during = await load.observe(8000);
      assert.ok(during.staleness <= bound, `a read was ${during.staleness} ms old`);
      assert.ok(during.p99 <= quiet.p99 + addedLatency, `p99 was ${during.p99} ms, ${quiet.p99} ms before`);
      assert.ok(during.reads > 100);
      await until("the breaker to be open", allAre("down"));
      await heal();
      await until("the shared cache to be used again", allAre("up"));
      const after = await load.observe(2000);
      assert.ok(after.staleness <= bound, `a read was ${after.staleness} ms old`);
    });
  }

  it("answered nothing wrong all the while", () => {
    assert.ok(load.reads > 1000);
    assert.deepEqual(load.wrong, []);
  });
});
