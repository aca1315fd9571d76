/**
 * What the service needs of the shared cache of a cloud (L2): Valkey or Redis, or nothing.
 *
 * Promises of an adapter:
 * - It never throws and never takes longer than its command timeout: trouble is a miss, and is counted.
 * - `fill` is "set if newer": it cannot put an older state over a newer one, whatever the order of arrival.
 * - A record lives at most `maxAge` from the start of the database read that it came from.
 * - Invalidations may be lost; `listening` says whether that can have happened.
 */
import type { Stored } from "../kv/entry.ts";
import type { Marks } from "../kv/marks.ts";
import type { Path } from "../kv/path.ts";

/** Milliseconds from the start of the database read after which a record is a miss everywhere. */
export const maxAge = 5000;

/** Milliseconds that L1 may hold a record while invalidations of other processes can be lost. */
export const maxAgeDeaf = 1000;

/** What a database read found for a path, and when. */
export type CacheRecord = {
  readonly path: Path;
  /** Null: there was no row. */
  readonly stored: Stored | null;
  /**
   * When the read began, in milliseconds of the database's clock, which all processes of a cloud share
   * (their own clocks may differ by seconds). Inherited from L2 to L1.
   */
  readonly readAt: number;
  /** Every transaction below it had ended when the read began: what a session token is compared with. */
  readonly horizon: number;
  /**
   * Per other cloud, below which of its transactions everything of the path's shard was here when the read began: the
   * same for what the session has seen elsewhere. Missing where nothing is known of that.
   */
  readonly complete?: Marks;
};

export interface SharedCache {
  /** The records younger than `maxAge`, in the order of the paths; undefined where there is none. `now` as `readAt`. */
  get(paths: readonly Path[], now: number): Promise<readonly (CacheRecord | undefined)[]>;
  /** Keeps records unless newer ones of their paths are there. Does not wait for the server. */
  fill(records: readonly CacheRecord[], now: number): void;
  /** After a commit: keeps what was written and tells every other process. One message a batch. Does not wait. */
  publish(records: readonly CacheRecord[], now: number): void;
  /**
   * What other processes published. `newest` is the version time of the path's state, so that a record that is as new
   * stays; the handler is called with `null` when messages may have been lost (connection broken), before `listening`
   * becomes true again.
   */
  onInvalidate(handler: (changes: readonly { readonly path: Path; readonly newest: bigint }[] | null) => void): void;
  /** Whether invalidations of all other processes arrive now. */
  readonly listening: boolean;
  /** "up" while commands succeed; "down" while the breaker is open. */
  readonly state: "up" | "down";
  /**
   * Adds what this process spent of a shared rate limit and learns what others spent since the last call, in requests.
   * Undefined when the server cannot be asked.
   */
  spend(name: string, requests: number, windowSeconds: number): Promise<number | undefined>;
  close(): Promise<void>;
}
