import type { SharedCache } from "../cache/port.ts";
import type { Now } from "../kv/clock.ts";
import { Problem } from "./problems.ts";

export type RateLimit = { readonly requests: number; readonly seconds: number };

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

  constructor(limit: RateLimit, now: number) {
    this.limit = limit;
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
   * Spends one request of the limit called `name`. Returns the `RateLimit` and `RateLimit-Policy` headers as
   * draft-ietf-httpapi-ratelimit-headers has them; throws the 429 problem when nothing is left.
   */
  spend(name: string, limit: RateLimit): { readonly RateLimit: string; readonly "RateLimit-Policy": string } {
    const now = this.#monotonic();
    let bucket = this.#buckets.get(name);
    if (bucket === undefined || bucket.limit.requests !== limit.requests || bucket.limit.seconds !== limit.seconds) {
      if (this.#buckets.size >= maxBuckets) this.#buckets.clear();
      bucket = new Bucket(limit, now);
      this.#buckets.set(name, bucket);
    }
    bucket.refill(now);
    const label = name.replace(/[^\w:.-]/g, "_");
    const policy = `"${label}";q=${limit.requests};w=${limit.seconds}`;
    if (bucket.tokens < 1) {
      const wait = Math.max(1, Math.ceil(bucket.secondsUntil(1)));
      throw new Problem(
        "rate-limited",
        `at most ${limit.requests} requests in ${limit.seconds} s for ${name}; try again in ${wait} s`,
        { limit: limit.requests, window_seconds: limit.seconds },
        { "Retry-After": String(wait), RateLimit: `"${label}";r=0;t=${wait}`, "RateLimit-Policy": policy },
      );
    }
    bucket.tokens--;
    bucket.unreported++;
    const reset = Math.ceil(bucket.secondsUntil(limit.requests));
    return { RateLimit: `"${label}";r=${Math.floor(bucket.tokens)};t=${reset}`, "RateLimit-Policy": policy };
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
