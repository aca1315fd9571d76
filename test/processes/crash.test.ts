import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { signalProcess } from "../../tools/box/process.ts";
import type { Service } from "../../tools/box/service.ts";
import { certainlyNotApplied, Recorder } from "../support/history.ts";
import { ApiError, type Headers, isReady, Kv, until } from "../support/kv.ts";
import { checkLinearizable } from "../support/linearizability.ts";
import { ProcessCloud } from "../support/processes.ts";
import { pick, type Random, randomFrom } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { nameOf, valueFor } from "./values.ts";
import { Watcher } from "./watcher.ts";

const rounds = 20;
const clients = 8;
const hotKeys = ["hot/a", "hot/b", "hot/c"];
const counter = "counter";

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
    load = new Load(
      urls.map((url) => new Kv(url, 10_000)),
      random,
    );
    for (let round = 0; round < rounds; round++) {
      await sleep(50 + random() * 300);
      const crash = crashes[round % crashes.length]!;
      await crash();
      await load.goesOn();
    }
    await load.stop();
  });

  after(async () => {
    for (const watcher of watchers ?? []) await watcher.stop();
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
    assert.deepEqual(load.faults, []);
    const kv = load.kv();
    for (const [key, value] of load.ledger) assert.equal((await kv.get(key))?.value, value, key);
  });

  it("every counted increment is there, once", async () => {
    assert.equal(Number((await load.kv().get(counter))?.value), load.increments);
  });

  it("every retry with an Idempotency-Key gets the first answer", async () => {
    for (const { repeat, answer } of load.answers) assert.equal(await repeat(), answer);
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

/** Clients that write and read without pause, retry what they got no answer to, and remember what they were told. */
class Load {
  readonly recorder = new Recorder();
  /** Keys that are written once, and their values; only what was acknowledged. */
  readonly ledger = new Map<string, string>();
  /** First answers, and how to ask again. */
  readonly answers: { readonly repeat: () => Promise<string>; readonly answer: string }[] = [];
  /** What no crash excuses. */
  readonly faults: string[] = [];
  increments = 0;
  readonly #kvs: readonly Kv[];
  readonly #random: Random;
  readonly #answered: number[] = new Array(clients).fill(0);
  readonly #running: Promise<unknown>;
  #stopped = false;

  constructor(kvs: readonly Kv[], random: Random) {
    this.#kvs = kvs;
    this.#random = random;
    this.#running = Promise.all(this.#answered.map((_, client) => this.#runClient(client)));
  }

  /** Any of the processes. */
  kv(): Kv {
    return pick(this.#random, this.#kvs);
  }

  /** Resolves when every client has had an answer from now on. */
  async goesOn(): Promise<void> {
    const before = [...this.#answered];
    await until("all clients get answers again", 20_000, () => this.#answered.every((count, i) => count > before[i]!));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #runClient(client: number): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      try {
        await pick(this.#random, this.#actions)(client, `${client}.${i}`);
        this.#answered[client]!++;
      } catch (error) {
        if (certainlyNotApplied(error) && error instanceof ApiError) this.faults.push(error.message);
        else if (error instanceof Error && error.message.startsWith("a torn value")) this.faults.push(error.message);
        await sleep(10);
      }
    }
  }

  readonly #actions: ((client: number, name: string) => Promise<unknown>)[] = [
    async (_, name) => {
      const key = `ledger/${name}`;
      const value = valueFor(name, this.#size());
      await this.#once(
        (kv, headers) => kv.put(key, value, headers),
        ({ status, version }) => `${status} ${version}`,
      );
      this.ledger.set(key, value);
    },
    async () => {
      await this.#once((kv, headers) => kv.increment(counter, headers), String);
      this.increments++;
    },
    (client) => {
      const key = pick(this.#random, hotKeys);
      return this.recorder.read(client, key, async () => {
        const found = await this.kv().get(key);
        return found === null ? null : nameOf(found.value);
      });
    },
    (client, name) => {
      const put = (kv: Kv, headers: Headers) => kv.put(key, valueFor(name, this.#size()), headers);
      const key = pick(this.#random, hotKeys);
      return this.recorder.write(client, key, name, () => put(this.kv(), {}));
    },
    (client) => {
      const key = pick(this.#random, hotKeys);
      return this.recorder.write(client, key, null, () => this.kv().delete(key));
    },
    (client, name) => {
      const key = pick(this.#random, hotKeys);
      const value = valueFor(name, this.#size());
      const put = (kv: Kv, headers: Headers) =>
        kv.put(key, value, { ...headers, "If-None-Match": "*" }).catch((error) => {
          if (error instanceof ApiError && error.status === 412) return null;
          throw error;
        });
      const create = async () => (await this.#once(put, (written) => `${written?.version}`)) !== null;
      return this.recorder.swap(client, key, null, name, create);
    },
  ];

  /** A write that happens once, whatever becomes of the processes that are asked: retried until there is an answer. */
  async #once<Answer>(
    act: (kv: Kv, headers: Headers) => Promise<Answer>,
    show: (answer: Answer) => string,
  ): Promise<Answer> {
    const headers = { "Idempotency-Key": randomUUID() };
    const repeat = () => act(this.kv(), headers);
    for (;;) {
      try {
        const answer = await repeat();
        this.answers.push({ repeat: async () => show(await repeat()), answer: show(answer) });
        return answer;
      } catch (error) {
        if (error instanceof ApiError && error.status < 500) throw error;
        await sleep(20);
      }
    }
  }

  /** Mostly small; some as large as what is compressed or kept apart by the database, a few as large as what goes to files. */
  #size(): number {
    const kind = this.#random();
    return Math.floor(this.#random() * (kind < 0.8 ? 200 : kind < 0.98 ? 50_000 : 1_500_000));
  }
}
