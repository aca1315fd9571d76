import type { Blobs, Digest } from "../blobs/port.ts";
import type { HybridClock, Now } from "../kv/clock.ts";
import type { Path } from "../kv/path.ts";
import type { Hints } from "../queue/port.ts";
import type { MemberStore } from "../store/member.ts";
import type { Committed } from "../store/writer.ts";

/** The way to the peers. Requests may be lost, repeated, delayed and answered after the caller gave up. */
export interface Link {
  /** Rejects when no answer came. */
  call(peer: string, request: Uint8Array): Promise<Uint8Array>;
  /**
   * The rest of a blob; null when the peer's entry does not name it (any more). Rejects, or ends by an error, when it
   * cannot be had now.
   */
  blob(peer: string, request: BlobRequest): Promise<AsyncIterable<Uint8Array> | null>;
}

/** What is asked for is the value of an entry, so that nobody gets bytes that are no entry's. */
export type BlobRequest = {
  readonly path: Path;
  readonly digest: Digest;
  /** Bytes that are there already. */
  readonly start: number;
};

/** Everything that replication takes from outside, so that the simulation and production run the same lines. */
export type Io = {
  readonly store: MemberStore;
  readonly link: Link;
  readonly blobs: Blobs;
  readonly hints: Hints;
  readonly clock: HybridClock;
  /** Wall clock, milliseconds since 1970. */
  readonly now: Now;
  /** Milliseconds that never jump. */
  readonly monotonic: Now;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Resolves after that many milliseconds, or at once when the process ends. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Names this process among those that could hold a lease. */
  readonly process: string;
  /** What peers sent was committed: caches and watches must hear of it. */
  readonly onApplied: (committed: Committed) => void;
  readonly onEvent: (event: Event) => void;
};

/** What happens, for metrics and logs. Never holds a key or a value. */
export type Event =
  | { readonly kind: "sent"; readonly peer: string; readonly entries: number; readonly bytes: number }
  | { readonly kind: "received"; readonly peer: string; readonly entries: number }
  | { readonly kind: "fetched"; readonly peer: string; readonly bytes: number }
  | { readonly kind: "conflict"; readonly peer: string; readonly entries: number }
  | { readonly kind: "quarantined"; readonly peer: string; readonly entries: number }
  | { readonly kind: "set-aside"; readonly peer: string; readonly reason: string }
  | { readonly kind: "refused"; readonly peer: string; readonly reason: string }
  | { readonly kind: "repaired"; readonly peer: string; readonly keys: number; readonly differing: number }
  | { readonly kind: "trouble"; readonly peer: string; readonly error: unknown };
