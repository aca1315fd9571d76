/**
 * What the service needs of a cloud's database. The truth lives here; caches and blobs hang off it.
 *
 * Promises of an adapter:
 * - `commit` is one transaction, durable (fsync) when it resolves. When it rejects with {@link UncertainError} the
 *   transaction may have happened; with any other error it has not.
 * - Versions are given under the row lock, `greatest(clock, current + 1, floor + 1)`, so that a later acknowledged
 *   write of a key is newer, whatever the clocks of the processes say.
 * - Nothing here keeps a transaction open while something else is waited for.
 */
import type { Home } from "../kv/catalog.ts";
import type { Draft } from "../kv/decide.ts";
import type { Ancestors, Stored } from "../kv/entry.ts";
import type { Marks } from "../kv/marks.ts";
import type { Path } from "../kv/path.ts";
import type { Version } from "../kv/version.ts";

/** One row to write. */
export type Write = {
  readonly path: Path;
  /** The namespace's epoch that the writer believes in; a row of a deleted or newer namespace is not written. Stamps are above it. */
  readonly epoch: bigint;
  /** The namespace's home epoch that the writer believes in, checked as `epoch` is; absent: no home was ever set. */
  readonly homeEpoch?: bigint;
  /** `changed` of the state that must be current, 0 for "no row", null for whatever is there. */
  readonly expects: number | null;
  readonly draft: Draft;
  /** Kept instead of stamped, in a commit with `keepVersions`: a restore, or what a peer sent. Already merged. */
  readonly kept?: { readonly version: Version; readonly seen: Ancestors };
};

/** A row whose state must hold while a transaction writes others. */
export type Hold = { readonly path: Path; readonly expects: number };

/** The first answer of a request with an Idempotency-Key, kept by the transaction of the write that it answers. */
export type Receipt = {
  readonly scope: Buffer;
  /** What the request asked for: a retry that asks for something else is refused. */
  readonly fingerprint: Buffer;
  /** JSON; without the versions, which are not known before the commit. */
  readonly answer: unknown;
  /** Kept when this path was written; null: in any case. */
  readonly path: Path | null;
  /** A namespace that it moves with, to another home; absent: it stays in this cloud. */
  readonly namespace?: string;
};

/** What was kept: the answer, and what became of each path that was written with it. */
export type KeptReceipt = Pick<Receipt, "fingerprint" | "answer"> & {
  readonly written: ReadonlyMap<Path, { readonly time: bigint; readonly origin: string; readonly replaced: boolean }>;
  /** No transaction above it is part of what is told: a session that hears it has seen what was written. */
  readonly seen: number;
};

export type Commit = {
  /** Each path at most once. */
  readonly writes: readonly Write[];
  readonly receipts: readonly Receipt[];
  /** All guards and holds must hold, or nothing is written and every stamp is null. */
  readonly atomic: boolean;
  readonly holds: readonly Hold[];
  readonly keepVersions: boolean;
  /** Lower bound of the stamps: the process's hybrid clock. */
  readonly clock: bigint;
  /** Milliseconds since 1970, for expiry. */
  readonly now: number;
};

export type CommitAnswer = {
  /** In the order of the writes; null where the guard did not hold or the namespace is gone. */
  readonly stamps: readonly (Stamp | null)[];
  /** Every transaction below it had ended when the commit began. */
  readonly horizon: number;
};

/** What a written row became. */
export type Stamp = {
  readonly time: bigint;
  readonly changed: number;
  /** Whether it replaced a live entry. */
  readonly replaced: boolean;
  readonly seen: Ancestors;
};

export type ReadAnswer = {
  /** In the order of the paths; null where there is no row. */
  readonly rows: readonly (Stored | null)[];
  /** Every transaction below it had ended when the read began: the answer holds all they wrote. */
  readonly horizon: number;
};

export type ListRequest = {
  readonly namespace: string;
  readonly epoch: bigint;
  readonly prefix: string;
  readonly delimiter: string | null;
  /** Exclusive: keys (or folded prefixes) after it. */
  readonly after: string | null;
  readonly limit: number;
  /** Whether values come with the entries, up to 64 KiB each. */
  readonly values: boolean;
  readonly now: number;
};

export type ListAnswer = {
  /** In byte order. */
  readonly items: readonly Listed[];
  /** No transaction above it is part of what was listed, or of what was found missing. */
  readonly seen: number;
  /** The same of other clouds, where there are any. */
  readonly reached: Marks;
};

/** An entry, or a folded prefix. */
export type Listed = { readonly key: string; readonly stored: Stored } | { readonly prefix: string };

/** Behind the feed row `id` of transaction `xid`. */
export type FeedPosition = {
  readonly xid: number;
  readonly id: number;
  /** The database's time of it, milliseconds since 1970: finds the right part of the feed quickly, decides nothing. */
  readonly at: number;
};

/** No id reaches it: behind all rows of a transaction. */
export const wholeTransaction = Number.MAX_SAFE_INTEGER;

export type Change = {
  readonly position: FeedPosition;
  readonly path: Path;
  /** The current state, which may be newer than the change; its value left out. Null: collected meanwhile. */
  readonly stored: Stored | null;
};

/** A stretch of the feed: what changed after `from`, up to and with `to`. */
export type FeedWindow = {
  readonly from: FeedPosition;
  readonly to: FeedPosition;
  readonly changes: readonly Change[];
};

export type NamespaceRecord = Home & {
  readonly name: string;
  readonly epoch: bigint;
  readonly createdAt: number;
  /** As stored: fields that were never set are missing. */
  readonly settings: Record<string, unknown>;
};

export type NamespaceDeletion = "deleted" | "not-found" | "not-empty";

/** The receipt of a request that writes no entries. */
export type SettingsReceipt = Omit<Receipt, "path" | "namespace">;

export type ApiKeyRecord = {
  readonly id: string;
  readonly hash: Buffer;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly rateLimit: { readonly requests: number; readonly seconds: number } | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
};

/** What the once-a-second probe of the write path found. */
export type Probe = {
  /** The database's wall clock, milliseconds since 1970, at about the middle of the call. */
  readonly databaseNow: number;
  /** This process's wall clock at that moment. */
  readonly localNow: number;
  /** The probe's own transaction. */
  readonly transaction: number;
  /** Every transaction below it has ended. */
  readonly horizon: number;
  /** An administrator keeps clients away from this cloud. */
  readonly drained: boolean;
};

export interface Store {
  readonly origin: string;
  /** Random id, system identifier and timeline of the database in short: changes when it is restored. */
  readonly incarnation: string;
  /** Current rows, dead ones too. Values above 64 KiB are left out (body null and blob null): see `readLarge`. */
  read(paths: readonly Path[]): Promise<ReadAnswer>;
  /** One row with its value, whatever the size. */
  readLarge(path: Path): Promise<Stored | null>;
  commit(commit: Commit): Promise<CommitAnswer>;
  /** Which of these scopes have a receipt, in hex. */
  knownReceipts(scopes: readonly Buffer[]): Promise<ReadonlySet<string>>;
  /** The first answer to a request of this scope in the last 24 hours. */
  receipt(scope: Buffer): Promise<KeptReceipt | null>;
  list(request: ListRequest): Promise<ListAnswer>;
  /** The newest position that a reader may start from now. */
  feedEnd(): Promise<FeedPosition>;
  /** Null when retention has dropped what follows `after`. */
  feed(after: FeedPosition, limit: number): Promise<FeedWindow | null>;
  probe(): Promise<Probe>;
  /** Tells all processes of the cloud, by their probes, whether clients are to be kept away. */
  drain(drained: boolean): Promise<void>;
  /** Hybrid time at and below which tombstones and expired values count as absent. Never falls. */
  floor(): Promise<bigint>;

  namespace(name: string): Promise<NamespaceRecord | null>;
  /** Live entries and the bytes of their values; zeros for a namespace that is not there. */
  namespaceSize(name: string): Promise<{ readonly entries: number; readonly bytes: number }>;
  namespaces(): Promise<readonly (NamespaceRecord & { readonly entries: number; readonly bytes: number })[]>;
  /**
   * Whether it was made new. `home` is the cloud that is about to be its home, if it is: a namespace that no cloud has heard
   * of before need not wait for anybody. `receipt` is kept with it, `created` and `createdAt` (milliseconds since 1970) added to its
   * answer. Rejects with {@link ReceiptExistsError}, and does nothing, where there is one already.
   */
  putNamespace(
    name: string,
    settings: Record<string, unknown>,
    clock: bigint,
    receipt: SettingsReceipt | null,
    home?: string | null,
  ): Promise<{ readonly created: boolean; readonly record: NamespaceRecord }>;
  /** Hides all entries of the namespace at once; they are removed later. "not-empty" unless forced. `receipt` as above, with `outcome`. */
  deleteNamespace(
    name: string,
    force: boolean,
    clock: bigint,
    receipt: SettingsReceipt | null,
  ): Promise<NamespaceDeletion>;

  apiKey(id: string): Promise<ApiKeyRecord | null>;
  apiKeys(): Promise<readonly ApiKeyRecord[]>;
  /**
   * Adds a key; one of that id that is there already stays as it is. `clock` null: version zero, for a key that every
   * cloud makes by itself. It must not win over what became of it elsewhere, such as its revocation.
   */
  putApiKey(record: ApiKeyRecord, clock: bigint | null): Promise<void>;
  revokeApiKey(id: string, at: number, clock: bigint): Promise<boolean>;

  close(): Promise<void>;
}

/** The database cannot be asked now (down, hung, too slow): nothing was done. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** The connection broke or the deadline passed while a write was under way: it may have happened. */
export class UncertainError extends Error {
  override readonly name = "UncertainError";
}

/** The database has no room left. Reads go on. */
export class FullError extends Error {
  override readonly name = "FullError";
}

/** A receipt of this scope was written meanwhile: look it up. */
export class ReceiptExistsError extends Error {
  override readonly name = "ReceiptExistsError";
}
