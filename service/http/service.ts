import type { Logger } from "pino";
import type { Blobs } from "../blobs/port.ts";
import type { EntryCache } from "../cache/entries.ts";
import type { SharedCache } from "../cache/port.ts";
import type { Now } from "../kv/clock.ts";
import type { Peers } from "../peers.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Feed } from "../store/feed.ts";
import type { MemberStore } from "../store/member.ts";
import type { Store } from "../store/port.ts";
import type { Reader } from "../store/reader.ts";
import type { Writer } from "../store/writer.ts";
import type { Auth } from "./auth.ts";
import type { Metrics } from "./metrics.ts";
import type { Namespaces } from "./namespaces.ts";
import type { RateLimits } from "./rate-limits.ts";

/** What the routes work with. Made once in `main.ts`; clocks are in it so that tests own time. */
export type Service = {
  readonly cloud: string;
  readonly store: Store;
  /** The database as replication uses it. */
  readonly member: MemberStore;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly cache: EntryCache;
  readonly sessions: Sessions;
  readonly shared: SharedCache | null;
  readonly blobs: Blobs;
  readonly feed: Feed;
  /** A time for a change of a namespace or an API key. Throws where nothing must be stamped now. */
  readonly stamp: () => bigint;
  /** Makes this cloud the home of a namespace, or (`to` null) takes the home away from it. See `replication/homes.ts`. */
  readonly moveHome: (name: string, to: string | null, force: boolean) => Promise<void>;
  /** Wall clock, milliseconds since 1970. */
  readonly now: Now;
  /** Milliseconds that never jump. */
  readonly monotonic: Now;
  readonly namespaces: Namespaces;
  readonly auth: Auth;
  readonly rateLimits: RateLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Null: a cloud by itself. Set before the API listens. */
  peers: Peers | null;
  readonly corsOrigins: readonly string[];
  readonly health: Health;
  /** Calls back when the process begins to shut down; the returned function takes that back. */
  readonly onDrain: (callback: () => void) => () => void;
};

/** How this process and its database are; kept up to date by `health.ts`. */
export type Health = {
  /** Null, or why this process should get no requests now. */
  readonly notReady: () => string | null;
  readonly draining: () => boolean;
  /** An administrator keeps clients away from this cloud. */
  readonly drained: () => boolean;
  /** The database's wall clock minus ours, milliseconds. */
  readonly skew: () => number;
  /** Milliseconds since the feed's horizon last moved on. */
  readonly horizonAge: () => number;
  readonly databaseVersion: () => string;
};
