import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { nameOf, valueFor } from "../processes/values.ts";
import { certainlyNotApplied } from "../support/history.ts";
import { ApiError, type Headers, Kv } from "../support/kv.ts";
import { pick, type Random } from "../support/random.ts";
import { type Call, type Kind, prefixes } from "./history.ts";

const valueKeys = 40;
const counterKeys = 4;
/** Milliseconds between two calls of a client at most. */
const pause = 60;
/** Milliseconds that a write is repeated for, with its Idempotency-Key, before its outcome counts as unknown. */
const patience = 8000;
/** Milliseconds after which one request is given up; the service's own deadline is 5 s. */
const timeout = 7000;
const timesToLive = [2000, 10_000, 30_000];

export type ClientOptions = {
  readonly id: number;
  /** Where it is now, and the cloud's processes as they are now. Changes between two calls only. */
  readonly place: { readonly cloud: string; readonly urls: () => readonly string[] };
  readonly random: Random;
  readonly record: (call: Call) => void;
};

/** What a call is to do, and what is not known before it is done. */
type Plan = Pick<Call, "key" | "kind"> & Partial<Pick<Call, "value" | "ttl" | "expected">>;
type Learnt = { readonly version: string | null; readonly value?: string | null };

/** One session, through any process of the cloud where it is. It does one thing at a time. */
export class Client {
  readonly #options: ClientOptions;
  readonly #random: Random;
  #session: string | null = null;
  #writes = 0;
  /** The version that it last saw of a key: what it expects when it swaps. */
  readonly #seen = new Map<string, string>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#act();
      await sleep(this.#random() * pause);
    }
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const key = `${prefixes.values}${Math.floor(random() * valueKeys)}`;
    const choice = random();
    if (choice < 0.04) return this.#read(`${prefixes.counters}${Math.floor(random() * counterKeys)}`);
    if (choice < 0.3) return this.#read(key);
    if (choice < 0.5) return this.#put(key);
    if (choice < 0.58) return this.#once({ key, kind: "delete" }, "DELETE", "");
    if (choice < 0.63) return this.#touch(key);
    if (choice < 0.75) return this.#swap(key);
    if (choice < 0.88) return this.#count();
    if (choice < 0.95) return this.#batch();
    return this.#list();
  }

  #read(key: string): Promise<void> {
    return this.#record([{ key, kind: "read" }], async () => {
      const response = await this.#request("GET", pathOf(key));
      const version = response?.headers.get("KV-Version") ?? null;
      if (version !== null) this.#seen.set(key, version);
      return [{ version, value: response === null ? null : nameIn(await response.text()) }];
    });
  }

  #put(key: string): Promise<void> {
    const ttl = this.#random() < 0.2 ? pick(this.#random, timesToLive) : null;
    const query = ttl === null ? "" : `?ttl=${ttl / 1000}`;
    const value = this.#name(key);
    return this.#once({ key, kind: "put", value, ttl }, "PUT", query, this.#durability(), this.#body(value));
  }

  #touch(key: string): Promise<void> {
    const ttl = this.#random() < 0.5 ? pick(this.#random, timesToLive) : null;
    return this.#once({ key, kind: "touch", ttl }, "POST", `:touch?ttl=${ttl === null ? "none" : ttl / 1000}`);
  }

  #swap(key: string): Promise<void> {
    const expected = this.#seen.get(key) ?? null;
    const value = this.#name(key);
    const condition: Headers = expected === null ? { "If-None-Match": "*" } : { "If-Match": `"${expected}"` };
    return this.#once({ key, kind: "swap", value, expected }, "PUT", "", condition, this.#body(value));
  }

  /** Mostly what is only ever counted; the other keys live and die. */
  #count(): Promise<void> {
    const index = Math.floor(this.#random() * counterKeys);
    if (this.#random() < 0.7) return this.#increment(`${prefixes.counters}${index}`);
    const key = `${prefixes.mixed}${index}`;
    const choice = this.#random();
    if (choice < 0.2) return this.#once({ key, kind: "delete" }, "DELETE", "");
    return choice < 0.25 ? this.#put(key) : this.#increment(key);
  }

  #increment(key: string): Promise<void> {
    return this.#once({ key, kind: "increment" }, "POST", ":increment", this.#durability());
  }

  /** A few reads and writes of different keys together. */
  #batch(): Promise<void> {
    const indices = new Set(Array.from({ length: 5 }, () => Math.floor(this.#random() * valueKeys)));
    const plans = [...indices].map((index): Plan => {
      const key = `${prefixes.values}${index}`;
      const kind = pick<Kind>(this.#random, ["read", "put", "put", "delete"]);
      return kind === "put" ? { key, kind, value: this.#name(key) } : { key, kind };
    });
    const operations = plans.map(({ key, kind, value }) => ({
      op: kind === "read" ? "get" : kind,
      key,
      ...(value != null && { value: this.#body(value) }),
    }));
    const headers = { "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
    return this.#record(plans, async () => {
      const response = await this.#persist("POST", ":batch", headers, JSON.stringify({ operations }));
      const { results } = (await response!.json()) as { results: BatchResult[] };
      return results.map(({ version, entry }) => ({
        version: version ?? entry?.version ?? null,
        value: entry === undefined ? null : nameIn(entry.value),
      }));
    });
  }

  /** Shows all keys of values, and so also which are absent. */
  async #list(): Promise<void> {
    const plans = Array.from({ length: valueKeys }, (_, i): Plan => ({ key: `${prefixes.values}${i}`, kind: "read" }));
    await this.#record(plans, async () => {
      const response = await this.#request("GET", `?prefix=${prefixes.values}&limit=1000`);
      const { entries } = (await response!.json()) as { entries: { key: string; version: string }[] };
      const versions = new Map(entries.map(({ key, version }) => [key, version]));
      return plans.map(({ key }) => ({ version: versions.get(key) ?? null }));
    });
  }

  /** A write of one key that happens once, however often it is asked for. */
  #once(plan: Plan, method: string, path: string, headers: Headers = {}, body?: string): Promise<void> {
    return this.#record([plan], async () => {
      const once = { ...headers, "Idempotency-Key": randomUUID() };
      const response = await this.#persist(method, `${pathOf(plan.key)}${path}`, once, body);
      if (response === null) throw new ApiError(404, { code: "not-found", detail: plan.kind });
      const version = response.headers.get("KV-Version");
      if (version !== null && plan.kind !== "delete") this.#seen.set(plan.key, version);
      if (plan.kind !== "increment") return [{ version }];
      return [{ version, value: String(((await response.json()) as { value: number }).value) }];
    });
  }

  async #record(plans: readonly Plan[], act: () => Promise<Learnt[]>): Promise<void> {
    const invoked = performance.now();
    let learnt: Learnt[] = [];
    let outcome: Call["outcome"] = "ok";
    try {
      learnt = await act();
    } catch (error) {
      outcome = certainlyNotApplied(error) ? "refused" : "unknown";
    }
    const completed = performance.now();
    const { id: client, place, record } = this.#options;
    const { cloud } = place;
    for (const [i, { key, kind, value = null, ttl = null, expected = null }] of plans.entries()) {
      const { version = null, value: found = null } = learnt[i] ?? {};
      const times = { invoked, completed };
      record({ client, cloud, key, kind, ...times, outcome, version, value: value ?? found, ttl, expected });
    }
  }

  /** Repeats a write that carries an Idempotency-Key until there is an answer that says what became of it. */
  async #persist(method: string, path: string, headers: Headers, body?: string): Promise<Response | null> {
    const end = performance.now() + patience;
    let isUncertain = false;
    for (;;) {
      try {
        return await this.#request(method, path, headers, body);
      } catch (error) {
        const isSettled = error instanceof ApiError && certainlyNotApplied(error);
        if (isSettled) throw error;
        isUncertain ||= !certainlyNotApplied(error);
        // An earlier attempt may have been done though the last one was refused a connection.
        if (performance.now() > end) throw isUncertain ? new Error("no answer", { cause: "unknown" }) : error;
      }
      await sleep(50 + this.#random() * 100);
    }
  }

  async #request(method: string, path: string, headers: Headers = {}, body?: string): Promise<Response | null> {
    const onAnswer = (answer: Response["headers"]) => {
      this.#session = answer.get("KV-Session") ?? this.#session;
    };
    const kv = new Kv(pick(this.#random, this.#options.place.urls()), timeout, onAnswer);
    const session: Headers = this.#session === null ? {} : { "KV-Session": this.#session };
    const all = { ...session, ...headers };
    return kv.request(method, path, body === undefined ? { headers: all } : { headers: all, body });
  }

  /** Names a write. */
  #name(key: string): string {
    return `${key}=${this.#options.id}.${++this.#writes}`;
  }

  /** The value of that name: mostly small, a few as large as what goes to files. */
  #body(name: string): string {
    const choice = this.#random();
    const most = choice < 0.9 ? 200 : choice < 0.98 ? 40_000 : 1_500_000;
    return valueFor(name, Math.floor(this.#random() * most));
  }

  /** Some writes wait until another cloud has them. */
  #durability(): Headers {
    return this.#random() < 0.15 ? { "KV-Durability": "peer" } : {};
  }
}

type BatchResult = { readonly version?: string; readonly entry?: { readonly version: string; readonly value: string } };

/** The name of a value; a text that no write has where it is not whole. Counts are what they are. */
function nameIn(text: string): string {
  if (/^-?\d+$/.test(text)) return text;
  try {
    return nameOf(text);
  } catch (error) {
    return (error as Error).message;
  }
}

function pathOf(key: string): string {
  return `/${encodeURIComponent(key)}`;
}
