import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Recorder } from "../support/history.ts";
import { ApiError, type Headers, type Kv, until } from "../support/kv.ts";
import { pick, type Random } from "../support/random.ts";
import { nameOf, valueFor } from "./values.ts";

/** Keys that all clients read, put, delete and create. */
export const hotKeys = ["hot/a", "hot/b", "hot/c"];
export const counter = "counter";

/** Milliseconds between two requests of a client at most, so that what was killed finds time to start again. */
const pause = 10;
/** Milliseconds that an outage may last. */
const patience = 30_000;

/** Clients that write and read all the time, retry what they got no answer to, and remember what they were told. */
export class Load {
  /** What happened to the hot keys. */
  readonly recorder = new Recorder();
  /** Keys that are written once each, and their values; only what was acknowledged. */
  readonly ledger = new Map<string, string>();
  /** First answers to requests with an Idempotency-Key, and how to ask again. */
  readonly answers: { readonly answer: string; readonly again: () => Promise<string> }[] = [];
  /** What no crash excuses. */
  readonly #faults: unknown[] = [];
  increments = 0;
  readonly #kvs: readonly Kv[];
  readonly #random: Random;
  readonly #answered: number[];
  readonly #running: Promise<unknown>;
  #stopped = false;

  constructor(kvs: readonly Kv[], clients: number, random: Random) {
    this.#kvs = kvs;
    this.#random = random;
    this.#answered = new Array(clients).fill(0);
    this.#running = Promise.all(this.#answered.map((_, client) => this.#runClient(client)));
  }

  /** Any of the processes. */
  kv(): Kv {
    return pick(this.#random, this.#kvs);
  }

  /** Resolves when every client has had an answer from now on. Rejects with what no crash excuses. */
  async goesOn(): Promise<void> {
    const before = [...this.#answered];
    await until("all clients get answers again", patience, () => {
      if (this.#faults.length > 0) throw this.#faults[0];
      return this.#answered.every((count, client) => count > before[client]!);
    });
  }

  /** Resolves when all have had an answer to their last request. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  async #runClient(client: number): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const name = `${client}.${i}`;
      const value = valueFor(name, this.#size());
      await pick(this.#random, this.#actions)(client, name, value).catch((error) => this.#faults.push(error));
      await sleep(this.#random() * pause);
    }
  }

  readonly #actions: ((client: number, name: string, value: string) => Promise<unknown>)[] = [
    async (client, name, value) => {
      const key = `ledger/${name}`;
      await this.#once(client, async (kv, headers) => {
        const { status, version } = await kv.put(key, value, headers);
        return `${status} ${version}`;
      });
      this.ledger.set(key, value);
    },
    async (client) => {
      await this.#once(client, async (kv, headers) => String(await kv.increment(counter, headers)));
      this.increments++;
    },
    (client) => {
      const key = pick(this.#random, hotKeys);
      return this.recorder.read(client, key, () =>
        this.#ask(client, async (kv) => {
          const found = await kv.get(key);
          return found === null ? null : nameOf(found.value);
        }),
      );
    },
    (client, name, value) => {
      const key = pick(this.#random, hotKeys);
      return this.recorder.write(client, key, name, () => this.#ask(client, (kv) => kv.put(key, value)));
    },
    (client) => {
      const key = pick(this.#random, hotKeys);
      return this.recorder.write(client, key, null, () => this.#ask(client, (kv) => kv.delete(key)));
    },
    (client, name, value) => {
      const key = pick(this.#random, hotKeys);
      const create = async (kv: Kv, headers: Headers) => {
        try {
          return (await kv.put(key, value, { ...headers, "If-None-Match": "*" })).version;
        } catch (error) {
          if (error instanceof ApiError && error.status === 412) return "refused";
          throw error;
        }
      };
      return this.recorder.swap(client, key, null, name, async () => (await this.#once(client, create)) !== "refused");
    },
  ];

  /** A write that happens once, whatever becomes of the processes that are asked: repeated until there is an answer. */
  async #once(client: number, act: (kv: Kv, headers: Headers) => Promise<string>): Promise<string> {
    const headers = { "Idempotency-Key": randomUUID() };
    const end = performance.now() + patience;
    for (;;) {
      try {
        const answer = await this.#ask(client, (kv) => act(kv, headers));
        this.answers.push({ answer, again: () => act(this.kv(), headers) });
        return answer;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }

  async #ask<Answer>(client: number, act: (kv: Kv) => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await act(this.kv());
      this.#answered[client]!++;
      return answer;
    } catch (error) {
      if (!isExcused(error)) this.#faults.push(error);
      await sleep(10);
      throw error;
    }
  }

  /** Mostly small; some as large as what the database keeps apart, a few as large as what goes to files. */
  #size(): number {
    const kind = this.#random();
    return Math.floor(this.#random() * (kind < 0.8 ? 200 : kind < 0.98 ? 50_000 : 1_500_000));
  }
}

/** A broken or refused connection, or a 503. Not a time-out: there is a deadline for every answer. */
function isExcused(error: unknown): boolean {
  return error instanceof ApiError ? error.status === 503 : error instanceof TypeError;
}
