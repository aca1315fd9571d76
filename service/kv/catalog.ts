/**
 * The catalog: what clouds share besides entries, namespaces and API keys. Rows are few and small, and never removed, so
 * whole rows travel, and merging them in any order, any number of times, comes to the same.
 */
import { createHash } from "node:crypto";

/** What both kinds of rows have. The version is (time, origin); zero and no origin for what every cloud makes by itself. */
type Common = {
  /** Name of the namespace or id of the key. */
  readonly id: string;
  readonly time: bigint;
  readonly origin: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Fields that this release does not know: kept and passed on. */
  readonly extra: Readonly<Record<string, unknown>> | null;
};

/** Which cloud decides the writes of a namespace. Each state follows from the one before it, and has a higher epoch. */
export type Home = {
  /** Null: every cloud decides. */
  readonly home: string | null;
  /** The cloud that will be the home. Until it is, nobody decides; it alone may change this state. */
  readonly movingTo: string | null;
  readonly homeEpoch: bigint;
};

export type NamespaceRow = Common &
  Home & {
    readonly kind: "namespace";
    /** Entries at or below it went with a deletion. */
    readonly epoch: bigint;
    readonly isDeleted: boolean;
    readonly settings: Readonly<Record<string, unknown>>;
  };

export type KeyRow = Common & {
  readonly kind: "key";
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly rateLimit: { readonly requests: number; readonly seconds: number } | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
};

export type CatalogRow = NamespaceRow | KeyRow;

/** Where a reader of the catalog has come to. The newest rows are first. */
export type CatalogPosition = Pick<CatalogRow, "time" | "kind" | "id">;

/**
 * The newer row wins whole, but for what only ever grows: an epoch hides what it hid whoever edits the namespace
 * meanwhile, a home is that of the latest move, and a key that is revoked stays so. Of two rows that clouds made by themselves the one made first counts.
 */
export function mergeRows<Row extends CatalogRow>(a: Row, b: Row): Row {
  const newer = isNewer(b, a) ? b : a;
  if (a.kind === "namespace" && b.kind === "namespace") {
    const { home, movingTo, homeEpoch } = isLaterHome(b, a) ? b : a;
    return { ...newer, epoch: a.epoch > b.epoch ? a.epoch : b.epoch, home, movingTo, homeEpoch };
  }
  if (a.kind === "key" && b.kind === "key") return { ...newer, revokedAt: earlier(a.revokedAt, b.revokedAt) };
  throw new Error(`expected two rows of one kind, found ${a.kind} and ${b.kind}`);
}

function isNewer(a: CatalogRow, b: CatalogRow): boolean {
  if (a.time !== b.time) return a.time > b.time;
  if (a.origin !== b.origin) return a.origin > b.origin;
  return a.createdAt < b.createdAt;
}

/** Two clouds that begin to take over at once make two states of one epoch: one of them counts, in all clouds the same. */
function isLaterHome(a: Home, b: Home): boolean {
  if (a.homeEpoch !== b.homeEpoch) return a.homeEpoch > b.homeEpoch;
  const [home, other] = [a.home ?? "", b.home ?? ""];
  return home !== other ? home > other : (a.movingTo ?? "") > (b.movingTo ?? "");
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** Negative where `a` comes first: the newest, then by kind and id. */
export function compareRows(a: CatalogPosition, b: CatalogPosition): number {
  if (a.time !== b.time) return a.time > b.time ? -1 : 1;
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

const digestBits = 60n;

/** 60 bits of a row's version and of what grows beside it. The database has the same in SQL (`skykv_catalog_digest`). */
function digestOf(row: CatalogRow): bigint {
  const grows =
    row.kind === "namespace"
      ? [row.epoch, row.homeEpoch, row.home ?? "", row.movingTo ?? ""].join(",")
      : String(row.revokedAt ?? "");
  const text = [row.kind, row.id, row.time, row.origin, row.createdAt, grows].join("\n");
  return BigInt(
    `0x${createHash("md5")
      .update(text)
      .digest("hex")
      .slice(0, Number(digestBits) / 4)}`,
  );
}

/** Equal for equal catalogs: the sum of the digests of all rows. */
export function catalogDigest(rows: Iterable<CatalogRow>): bigint {
  let sum = 0n;
  for (const row of rows) sum += digestOf(row);
  return BigInt.asUintN(Number(digestBits), sum);
}
