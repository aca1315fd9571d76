import { SkyKV, type SkyKVOptions } from "./client.ts";
import type { Namespace } from "./namespace.ts";
import type { OperationResult } from "./operation.ts";

export type SkyKVStoreOptions = SkyKVOptions & {
  /** The SkyKV namespace that holds the entries; `default` unless told. */
  skykvNamespace?: string | undefined;
  /**
   * What the keys of all entries of this store begin with, not empty; `keyv/` unless told. Everything that begins with
   * it belongs to Keyv: `clear()` deletes it.
   */
  prefix?: string | undefined;
};

/**
 * Keeps what [Keyv](https://keyv.org) 5 and 6 store in SkyKV: `new Keyv({ store: new SkyKVStore({ url, key }) })`.
 *
 * A Keyv namespace becomes a part of the key, `keyv/{namespace}:{key}`. Entries expire in the service too, to the
 * millisecond. Values are stored as the text that Keyv serialises them to, so Keyv's serialisation must be on.
 */
export class SkyKVStore {
  /** Keyv's namespace; set by Keyv. */
  namespace: string | undefined = undefined;
  /** What Keyv 5 asks of a store. */
  readonly opts: { readonly dialect: "skykv"; readonly url: string; deserialize?: unknown };
  readonly #entries: Namespace;
  readonly #prefix: string;

  constructor(options: SkyKVStoreOptions) {
    const { skykvNamespace, prefix = "keyv/", ...client } = options;
    if (prefix === "") throw new TypeError("expected a prefix of at least one character, found none");
    this.#entries = new SkyKV(client).namespace(skykvNamespace);
    this.#prefix = prefix;
    this.opts = { dialect: "skykv", url: String(options.url) };
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#entries.getText(this.#key(key))) ?? undefined;
  }

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    const results = await this.#entries.batch(keys.map((key) => ({ op: "get", key: this.#key(key) })));
    return results.map((result) => (found(result) ? result.entry?.text() : undefined));
  }

  /** `ttl` in milliseconds; absent or 0: never expires, whatever the SkyKV namespace's default. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#entries.put(this.#key(key), textOf(value), { ttl: secondsOf(ttl) });
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    const puts = entries.map(({ key, value, ttl }) => {
      return { op: "put", key: this.#key(key), value: textOf(value), ttl: secondsOf(ttl) } as const;
    });
    for (const { error } of await this.#entries.batch(puts)) if (error) throw error;
  }

  /** Whether there was an entry. */
  async delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  /** Whether there was any of the entries. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const results = await this.#entries.batch(keys.map((key) => ({ op: "delete", key: this.#key(key), ifMatch: "*" })));
    return results.map(found).includes(true);
  }

  async has(key: string): Promise<boolean> {
    return (await this.#entries.head(this.#key(key))) !== null;
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    const results = await this.#entries.batch(keys.map((key) => ({ op: "check", key: this.#key(key), ifMatch: "*" })));
    return results.map(found);
  }

  /** Deletes the entries of Keyv's namespace, or of all of them when there is none. */
  async clear(): Promise<void> {
    await this.#entries.deletePrefix(this.#key(""));
  }

  async *iterator(): AsyncGenerator<[string, string], void> {
    const prefix = this.#key("");
    for await (const entry of this.#entries.list({ prefix, values: true })) {
      yield [entry.key.slice(prefix.length), entry.text()];
    }
  }

  /** There is nothing to close. */
  async disconnect(): Promise<void> {}

  #key(key: string): string {
    return `${this.#prefix}${this.namespace ? `${this.namespace}:` : ""}${key}`;
  }
}

/** False for an entry that is not there; other failures are thrown. */
function found({ status, error }: OperationResult): boolean {
  if (error && status !== 404 && status !== 412) throw error;
  return error === null;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(`expected text, found ${typeof value}: SkyKV needs Keyv's serialization`);
}

function secondsOf(ttl: number | undefined): number | "none" {
  return ttl === undefined || ttl <= 0 ? "none" : Math.ceil(ttl) / 1000;
}
