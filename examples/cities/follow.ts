import type { Namespace } from "../../client/client.ts";

/** Seconds that a watch may be behind before something must be wrong. */
const patience = 30;

/** Watches a prefix in the background, and remembers the latest value of every key. */
export class Follower {
  readonly #seen = new Map<string, string>();
  /** What {@link caughtUp} waits for: keys that were not seen with their value yet. */
  #wanted: ReadonlyMap<string, string> = new Map();
  readonly #missing = new Set<string>();
  readonly #ended = new AbortController();
  readonly #live = Promise.withResolvers<void>();
  readonly #complete = Promise.withResolvers<void>();
  events = 0;

  constructor(entries: Namespace, prefix: string) {
    this.#follow(entries, prefix).catch((error) => {
      if (this.#ended.signal.aborted) return;
      this.#live.reject(error);
      this.#complete.reject(error);
    });
    // Awaited later, or never when something else fails before.
    this.#live.promise.catch(() => {});
    this.#complete.promise.catch(() => {});
  }

  async #follow(entries: Namespace, prefix: string): Promise<void> {
    const options = { prefix, snapshot: true, values: true, signal: this.#ended.signal };
    for await (const event of entries.watch(options)) {
      if (event.type === "live") this.#live.resolve();
      if (event.type === "reset") this.#seen.clear();
      if (event.type !== "put") continue;
      this.events++;
      // Without a value the entry has changed again already: the next event has it.
      if (event.value === null) continue;
      this.#seen.set(event.key, new TextDecoder().decode(event.value));
      this.#check(event.key);
    }
  }

  /** Resolves when every later change will be seen. */
  get live(): Promise<void> {
    return this.#live.promise;
  }

  /** Resolves when every key was seen with its value. */
  async caughtUp(wanted: ReadonlyMap<string, string>): Promise<void> {
    this.#wanted = wanted;
    for (const key of wanted.keys()) this.#missing.add(key);
    for (const key of wanted.keys()) this.#check(key);
    const timer = setTimeout(() => {
      const [key] = this.#missing;
      this.#complete.reject(
        new Error(`expected the watch to show ${key} as it is, found ${this.#seen.get(key!)} after ${patience} s`),
      );
    }, patience * 1000);
    await this.#complete.promise.finally(() => clearTimeout(timer));
  }

  #check(key: string): void {
    if (this.#seen.get(key) !== this.#wanted.get(key)) return;
    if (this.#missing.delete(key) && this.#missing.size === 0) this.#complete.resolve();
  }

  end(): void {
    this.#ended.abort();
  }
}
