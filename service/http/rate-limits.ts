import type { SharedCache } from "../cache/port.ts";
import type { Now } from "../kv/clock.ts";
import { Problem } from "./problems.ts";

/** At most `requests` in any `seconds`, with bursts up to `requests`. `name` says whose: buckets go by it. */
export type RateLimit = { readonly name: string; readonly requests: number; readonly seconds: number };

/** What an answer says of the limits that it was counted against: a flat list of header names and values. */
export type LimitHeaders = readonly string[];
export const noLimits: LimitHeaders = [];

/** Milliseconds between two exchanges with the shared cache. */
const exchangeInterval = 250;
/** Buckets that are remembered; a full bucket is the same as none. */
const maxBuckets = 10_000;

/**
 * A token bucket: holds `requests` at most and gains them at an even rate. Decided locally, without waiting; what other
 * processes spent is learned a little later, so that together they stay near the limit.
 */
class Bucket {
  readonly limit: RateLimit;
  tokens: number;
  updatedAt: number;
  unreported = 0;
  /** Texts for headers, which are sent with every answer: made once. */
  readonly label: string;
  readonly policy: string;

  constructor(limit: RateLimit, now: number) {
    this.limit = limit;
    this.label = `"${limit.name.replace(/[^\w:.-]/g, "_")}"`;
    this.policy = `${this.label};q=${limit.requests};w=${limit.seconds}`;
    this.tokens = limit.requests;
    this.updatedAt = now;
  }

  refill(now: number): void {
    const gained = ((now - this.updatedAt) / 1000) * (this.limit.requests / this.limit.seconds);
    this.tokens = Math.min(this.limit.requests, this.tokens + gained);
    this.updatedAt = now;
  }

  /** Seconds until there are `tokens`. */
  secondsUntil(tokens: number): number {
    return Math.max(0, ((tokens - this.tokens) * this.limit.seconds) / this.limit.requests);
  }
}

export class RateLimits {
  readonly #monotonic: Now;
  readonly #shared: SharedCache | null;
  readonly #buckets = new Map<string, Bucket>();
  readonly #timer: NodeJS.Timeout | null;

  constructor(monotonic: Now, shared: SharedCache | null) {
    this.#monotonic = monotonic;
    this.#shared = shared;
    this.#timer = shared && setInterval(() => this.#exchange(), exchangeInterval);
    this.#timer?.unref();
  }

  /**
   * Spends one request of a limit. Returns the `RateLimit` and `RateLimit-Policy` headers as
   * draft-ietf-httpapi-ratelimit-headers has them, with what `told` says of another limit in front; throws the 429
   * problem when nothing is left.
   */
  spend(limit: RateLimit, told: LimitHeaders): LimitHeaders {
    const now = this.#monotonic();
    const { name } = limit;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined || bucket.limit.requests !== limit.requests || bucket.limit.seconds !== limit.seconds) {
      if (this.#buckets.size >= maxBuckets) this.#buckets.clear();
      bucket = new Bucket(limit, now);
      this.#buckets.set(name, bucket);
    }
    bucket.refill(now);
    const { label, policy } = bucket;
    if (bucket.tokens < 1) {
      const wait = Math.max(1, Math.ceil(bucket.secondsUntil(1)));
      throw new Problem(
        "rate-limited",
        `at most ${limit.requests} requests in ${limit.seconds} s for ${name}; try again in ${wait} s`,
        { limit: limit.requests, window_seconds: limit.seconds },
        { "Retry-After": String(wait), RateLimit: `${label};r=0;t=${wait}`, "RateLimit-Policy": policy },
      );
    }
    bucket.tokens--;
    bucket.unreported++;
    const reset = Math.ceil(bucket.secondsUntil(limit.requests));
    const state = `${label};r=${Math.floor(bucket.tokens)};t=${reset}`;
    return told.length === 0
      ? ["RateLimit", state, "RateLimit-Policy", policy]
      : ["RateLimit", `${told[1]}, ${state}`, "RateLimit-Policy", `${told[3]}, ${policy}`];
  }

  async #exchange(): Promise<void> {
    for (const [name, bucket] of this.#buckets) {
      if (bucket.unreported === 0) continue;
      const spent = bucket.unreported;
      bucket.unreported = 0;
      const others = await this.#shared!.spend(name, spent, bucket.limit.seconds);
      if (others === undefined) return;
      // Debt is bounded, so that a burst elsewhere does not lock this process out for long.
      bucket.tokens = Math.max(-bucket.limit.requests, bucket.tokens - others);
    }
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
  }
}
