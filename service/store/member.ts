/**
 * What a member of a cluster needs of its database besides the {@link Store}: how far its peers are, what to send them,
 * and how to take what they send. Implemented by PostgreSQL and, for the simulation, in memory; one contract test.
 *
 * Promises of an adapter:
 * - Every method is one short transaction, or a few, and none stays open for longer than its statements take.
 * - What it says is committed (fsync) is: peers forget their duty to send it again.
 * - A cursor is held by a lease. Who lost the lease cannot move the cursor (`fence`), though its messages may still
 *   arrive at the peer, where merging makes them harmless.
 */
import type { Carried } from "../kv/carried.ts";
import type { CatalogPosition, CatalogRow, Home, NamespaceRow } from "../kv/catalog.ts";
import type { Mark } from "../kv/marks.ts";
import type { Path } from "../kv/path.ts";
import type { Version } from "../kv/version.ts";
import { type FeedPosition, wholeTransaction } from "./port.ts";

/** The database as its peers know it. */
export type Identity = {
  readonly incarnation: string;
  /** Milliseconds since 1970. Of two incarnations of a cloud the later one counts, whatever arrives when. */
  readonly incarnatedAt: number;
  readonly floor: bigint;
  /** Every peer has committed all that entered here up to this hybrid time. */
  readonly confirmed: bigint;
  /** Restored from a backup, and not yet repaired from the peers: must not serve. */
  readonly recovering: boolean;
  /** A new database has been compared with its peers, and so holds what they had before it. */
  readonly copied: boolean;
  /** Under which floor what is here up to it is right: that of the backup, then that of a comparison with a peer. */
  readonly soundUpTo: bigint;
  /** Incarnations of this cloud up to it (`incarnatedAt`) were expelled by others; null: none ever was. */
  readonly expelledUpTo: number | null;
};

/** A peer as this database has heard of it. */
export type Peer = {
  readonly peer: string;
  /** Null: it was never heard of. */
  readonly incarnation: string | null;
  readonly incarnatedAt: number;
  readonly confirmed: bigint;
  /** Number of the repair that must finish before anything may be called complete at the peer; null: none. */
  readonly repair: number | null;
  /** When the last clean repair ended, milliseconds since 1970; null: none has since the present one became due. */
  readonly cleanAt: number | null;
  /** Incarnations of it up to this one (`incarnatedAt`) are expelled; null: none. */
  readonly expelledUpTo: number | null;
  /** Number of an expulsion of another cloud since which the peer and this cloud have not been compared; null: none. */
  readonly settling: number | null;
  /** Milliseconds since it was last known to have everything that entered here. */
  readonly lag: number;
};

export type Cursor = {
  readonly peer: string;
  readonly shard: number;
  readonly position: FeedPosition;
  readonly fence: number;
};

/** What a peer must get, reduced to distinct keys. */
export type Window = {
  /** How far that brings every cursor that is not further yet. */
  readonly to: FeedPosition;
  readonly paths: readonly Path[];
  /** Whether the limit cut it: more is there already. */
  readonly more: boolean;
};

/** A key that the peer could not take, and when it is tried again (milliseconds from now). */
export type SetAside = { readonly path: Path; readonly time: bigint; readonly reason: string; readonly delay: number };

/** What follows when a peer has committed a window. */
export type Advance = {
  /** Of the window. No cursor moves back. */
  readonly to: FeedPosition;
  /** No longer set aside. */
  readonly delivered: readonly Path[];
  readonly setAside: readonly SetAside[];
  /** Milliseconds for which the leases last from now on; 0 gives them back. */
  readonly hold: number;
};

/** A shard of what a peer must get. */
export type ShardState = {
  readonly shard: number;
  /** Whether rows wait behind the cursor. */
  readonly behind: boolean;
  /** The peer has committed everything of the shard that transactions below it wrote. 0 while a repair is due. */
  readonly complete: number;
};

/** How a key is where an entry arrives. */
export type Current = {
  /** `changed` of the row, 0 for none. */
  readonly changed: number;
  /** Null: no row, or one that its namespace's epoch hides. */
  readonly carried: Carried | null;
  /** What is at or below the epoch went with the namespace's deletion; while it is deleted, nothing newer fits. */
  readonly namespace: { readonly epoch: bigint; readonly isDeleted: boolean } | null;
};

/** One key of what arrived, decided on the state `expects`. */
export type Arrival = {
  readonly path: Path;
  readonly expects: number;
  readonly write: Carried | null;
  readonly loser: Carried | null;
};

/** "The sender's transactions below `complete` are all here", for one shard of its feed. */
export type Claim = { readonly shard: number; readonly complete: number };

/** The database of a peer that speaks. */
export type Sender = { readonly peer: string; readonly incarnation: string; readonly incarnatedAt: number };

/** What members tell each other with every message. */
export type News = {
  readonly floor: bigint;
  /** Of the sender. */
  readonly confirmed: bigint;
  /**
   * What the sender knows as the receiver's own: after a restore the receiver has forgotten it, and must not stamp below
   * what it once called confirmed. Null: the sender has heard nothing yet.
   */
  readonly yours: bigint | null;
  /** Of each cloud that ever was expelled, up to which incarnation. */
  readonly expelled: Readonly<Record<string, number>>;
  /** Since the last expulsion that it knows of, the sender has been compared with every other member. */
  readonly settled: boolean;
};

export type Apply = {
  readonly sender: Sender;
  /** Must be the floor when the transaction ends, or nothing is done. */
  readonly floor: bigint;
  /** Each path at most once. */
  readonly arrivals: readonly Arrival[];
  /** Kept until their time; while there, the sender's watermark of the shard stays where it is now. */
  readonly quarantine: readonly { readonly carried: Carried; readonly shard: number }[];
  /** Believed only if every write is done. */
  readonly claims: readonly Claim[];
};

export type Applied = {
  /** In the order of the arrivals: `changed` of the written row, 0 where nothing was to write, null: the state changed. */
  readonly changed: readonly (number | null)[];
  readonly horizon: number;
};

/** How far this cloud is complete in what entered elsewhere. */
export type Watermarks = {
  /** Per origin and shard, below which of its transactions everything is here. */
  readonly complete: readonly { readonly origin: string; readonly shard: number; readonly mark: Mark }[];
  /** No transaction of this database above it is needed for that. */
  readonly asOf: number;
  /**
   * Clouds whose writes others may have and this one not: all that are not expelled, listed or not, and those that are, until
   * this one has been compared with all that stayed.
   */
  readonly binding: readonly string[];
};

/** A cloud and its peers, of one moment. */
export type Members = { readonly self: Identity; readonly peers: readonly Peer[] };

export type DigestRow = { readonly path: Path; readonly digest: bigint };

export type KeptConflict = { readonly carried: Carried; readonly at: number };

/** A peer as it was when a repair began. */
export type RepairBegun = Pick<Peer, "peer" | "repair" | "settling">;

/** Whether a peer is no member, as it is known now. */
export function isExpelled({ expelledUpTo, incarnatedAt }: Pick<Peer, "expelledUpTo" | "incarnatedAt">): boolean {
  return expelledUpTo !== null && incarnatedAt <= expelledUpTo;
}

/**
 * Whether what a database holds up to the floor may have been deleted elsewhere and forgotten since, or be missing: it is new
 * or was restored, and the floor has risen since its backup or its last comparison. Nobody may compare himself with it.
 */
export function isDoubtful({ recovering, copied, floor, soundUpTo }: Identity): boolean {
  return (recovering || !copied) && floor > soundUpTo;
}

export interface MemberStore {
  readonly origin: string;

  identity(): Promise<Identity>;
  /**
   * Makes the peers known, and starts a new incarnation if the database is another one now; one that has entries at its first
   * incarnation was a cloud by itself, and has nothing to copy. Who was known before stays a
   * member, listed or not, until it is expelled: a slip in a configuration must not let deletions be forgotten too early.
   */
  join(peers: readonly string[], now: number): Promise<void>;
  peers(): Promise<readonly Peer[]>;
  members(): Promise<Members>;
  /**
   * Takes note of what a peer says of itself and of the cluster, and adopts its floor if that is higher. A peer with
   * another incarnation than before has lost an unknown part: its cursors start at the end of the feed, and a repair is
   * due. Gives what this cloud is by then. Null: the words come from an earlier incarnation of the peer, from one that is
   * expelled, or from a stranger, and must be ignored. Expulsions that it tells of are carried out first; an expelled database adopts no floor.
   */
  hear(sender: Sender, news: News): Promise<Identity | null>;

  /**
   * Ends the membership of a cloud's incarnations up to one: nothing waits for them any more. What it sent may have reached
   * only some of the others, so they are all compared before the floor rises again. Does nothing where that is known.
   */
  expel(cloud: string, upTo: number): Promise<void>;

  /**
   * Takes or renews the lease on some shards' cursors of a peer for `milliseconds`. Without those that somebody else holds,
   * and without any of an expelled peer.
   */
  lease(peer: string, shards: readonly number[], owner: string, milliseconds: number): Promise<readonly Cursor[]>;
  /** Gives the leases back, so that others need not wait for their end. At least one cursor, all of one peer. */
  release(cursors: readonly Cursor[]): Promise<void>;
  /**
   * What the peer must get of the cursors' shards: what entered here behind them, at most `limit` rows of the feed, and
   * what was set aside and is due, at most so many keys. Null: retention dropped it. At least one cursor, all of one peer.
   */
  window(cursors: readonly Cursor[], limit: number): Promise<Window | null>;
  /**
   * Current entries in the order of the paths, from the first on, values together up to `maxBytes` (the first one
   * whatever its size; those in the blobs port do not count); null where there is no row. The floor is of the same
   * moment: read later, it could be higher than the one under which a receiver may have forgotten what supersedes an
   * entry.
   */
  carried(
    paths: readonly Path[],
    maxBytes: number,
  ): Promise<{ readonly floor: bigint; readonly rows: readonly (Carried | null)[] }>;
  /**
   * The peer has committed: moves the cursors, and gives them as they are then. Null: one of the leases was lost, nothing
   * was done. At least one cursor, all of one peer.
   */
  advance(cursors: readonly Cursor[], step: Advance): Promise<readonly Cursor[] | null>;
  /** All shards of a peer. Moves cursors with nothing behind them to the horizon, so that "complete" grows when idle. */
  survey(peer: string): Promise<readonly ShardState[]>;
  /** For the other processes of the cloud: how long ago this one knew peers to have everything. The latest word counts. */
  noteLags(lags: readonly { readonly peer: string; readonly milliseconds: number }[]): Promise<void>;
  /** The feed alone no longer brings the peer all it lacks: its cursors go to the end, and a repair is due. */
  startRepair(peer: string): Promise<void>;
  /** A repair that began under these numbers and this floor has found no difference left. */
  finishRepair({ peer, repair, settling }: RepairBegun, floor: bigint, now: number): Promise<void>;
  /**
   * A restored database drops what it has up to the floor of these keys, which a peer lacks: every peer had it, and has
   * deleted and forgotten it since the backup. A counter of which it has a cell up to there goes whole: that life of it ended.
   */
  forget(paths: readonly Path[], floor: bigint): Promise<void>;
  /**
   * This database holds what it lost. Peers must be repaired once more: what it got back from one of them another may lack,
   * and sessions must not believe that what they saw of it before is there.
   */
  recovered(): Promise<void>;
  /** This new database holds what its peers had before it. */
  copied(): Promise<void>;

  /** The rows that arrivals are decided on. */
  current(paths: readonly Path[]): Promise<readonly Current[]>;
  /** One transaction. "floor": the floor is another one than the arrivals were decided under; nothing was done. */
  apply(apply: Apply): Promise<Applied | "floor">;
  /** Quarantined entries whose time is at or before `time`. */
  dueQuarantine(time: bigint, limit: number): Promise<readonly Carried[]>;
  /** They were merged. */
  releaseQuarantine(carried: readonly Carried[]): Promise<void>;
  watermarks(): Promise<Watermarks>;

  /**
   * One step towards a higher floor; see `docs/decisions/0011`. What is to be confirmed next is `age` milliseconds ago by
   * the database's clock: a process whose clock is ahead would make all writes of its cloud come from the future.
   * `grace`: milliseconds after which every statement that began before has ended.
   */
  advanceFloor(age: number, grace: number): Promise<{ readonly floor: bigint; readonly confirmed: bigint }>;

  /** Digests of live or remembered rows (normal form) in [from, to), in byte order; `to` null: to the end. */
  digests(
    from: Path,
    to: Path | null,
    limit: number,
    now: number,
  ): Promise<{ readonly floor: bigint; readonly rows: readonly DigestRow[] }>;

  /** The newest first. */
  conflicts(prefix: Path, limit: number): Promise<readonly KeptConflict[]>;
  /** The state of this version that lost, null when none is kept. */
  conflict(path: Path, version: Version): Promise<Carried | null>;

  /** Equal in two clouds where their namespaces and API keys are: `catalogDigest` of all rows. Cheap. */
  catalogDigest(): Promise<bigint>;
  /** The newest first, from behind `after` on; null: from the newest on. */
  catalogRows(after: CatalogPosition | null, limit: number): Promise<readonly CatalogRow[]>;
  /** Merges each row, once, with the one that is here (`mergeRows`). */
  mergeCatalog(rows: readonly CatalogRow[]): Promise<void>;
  /** What the peer could not take for want of a namespace is due now. Returns the shards that it is in. */
  retryUnknown(peer: string): Promise<readonly number[]>;

  /** A namespace, a deleted one too; null: it was never heard of. */
  namespaceRow(name: string): Promise<NamespaceRow | null>;
  /**
   * Puts another home in the place of the one of epoch `from`. When it resolves, every write is committed that this cloud
   * has decided as home before, and none will be after. False: the epoch is another one, and nothing was done.
   */
  changeHome(name: string, from: bigint, to: Home): Promise<boolean>;
  /**
   * A transaction below which all lie that were decided here before this home was known; null while some may still be
   * under way, until it is known for `grace` milliseconds. Stays the same once it was told.
   */
  stopHome(name: string, homeEpoch: bigint, grace: number): Promise<number | null>;
  /** First answers that move with a namespace, in the order of their scopes, from behind `after` on. */
  receiptsOf(namespace: string, after: string | null, limit: number): Promise<readonly MovingReceipt[]>;
  /** Keeps them here, where there are none of their scopes. */
  putReceipts(namespace: string, receipts: readonly MovingReceipt[]): Promise<void>;
}

/** A `KeptReceipt` on its way to another home. `scope` and `fingerprint` are hexadecimal, `at` is milliseconds since 1970. */
export type MovingReceipt = {
  readonly scope: string;
  readonly fingerprint: string;
  readonly at: number;
  readonly answer: unknown;
  /** Per path that was written: time, whether it replaced a live entry, origin. */
  readonly written: Readonly<Record<string, readonly [time: string, replaced: boolean, origin: string]>> | null;
};

/** The shard of a cursor that nobody reads by: whose lease somebody holds who repairs. */
export const repairLease = -1;

/** Every transaction below it lies at or before the position. */
export function completeAt({ xid, id }: FeedPosition): number {
  return id === wholeTransaction ? xid + 1 : xid;
}
