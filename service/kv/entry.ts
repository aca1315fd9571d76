import { createHash } from "node:crypto";
import type { Marks } from "./marks.ts";
import { formatVersion, type Version, zeroVersion } from "./version.ts";

/**
 * Per origin, the newest hybrid time among an entry's ancestors, other than the entry's own origin, whose earlier
 * writes of the key are all ancestors. Two entries conflict when neither is an ancestor of the other.
 */
export type Ancestors = Readonly<Record<string, bigint>>;

/** Bytes with what HTTP says of them. */
export type Value = {
  readonly kind: "value";
  readonly version: Version;
  readonly seen: Ancestors;
  /** The bytes; null while they are in the blobs port, under the name `blob`. */
  readonly body: Uint8Array | null;
  /** SHA-256 in hex of bytes that are kept in the blobs port; null when `body` holds them. */
  readonly blob: string | null;
  /** Bytes of the value, wherever they are. */
  readonly size: number;
  /** Null: `application/octet-stream`. */
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  /** A JSON object in ASCII, as the client sent it. */
  readonly meta: string | null;
  /** Milliseconds since 1970; null never. Part of the register, so that a later write decides it too. */
  readonly expiresAt: number | null;
};

/** Says "deleted at this version". Written also where nothing was, so that an older write cannot appear later. */
export type Tombstone = { readonly kind: "tombstone"; readonly version: Version; readonly seen: Ancestors };

/** One origin's running sum, and the hybrid time of its latest increment. */
export type Cell = { readonly time: bigint; readonly sum: number };

/** A number to which every cloud adds on its own; the value is the sum of the cells. */
export type Counter = {
  readonly kind: "counter";
  /** Of the newest cell. */
  readonly version: Version;
  readonly seen: Ancestors;
  /** Version of the tombstone or expired value it was born over; zero over nothing. */
  readonly epoch: Version;
  readonly cells: Readonly<Record<string, Cell>>;
};

/** The whole state of a key, as stored and as sent to peers. Never an operation, so that order cannot matter. */
export type Entry = Value | Tombstone | Counter;

/** An entry as one cloud's database holds it. */
export type Stored = {
  readonly entry: Entry;
  /** The database's transaction that made it the current one here: identifies this state of the row. */
  readonly changed: number;
  /** Where a peer sent it: by which transactions it entered other clouds. Missing where it entered here, by `changed`. */
  readonly marks?: Marks;
};

/** Whether a reader finds something: neither deleted nor expired. Expiry is exact to the millisecond. */
export function isLive(entry: Entry | null | undefined, now: number): entry is Value | Counter {
  if (entry == null || entry.kind === "tombstone") return false;
  return entry.kind === "counter" || entry.expiresAt === null || entry.expiresAt > now;
}

/**
 * Tombstones and expired values at or below the floor count as absent, whether or not they were collected yet, so that
 * clouds that collect at different times agree. A counter's epoch at or below it counts as zero for the same reason.
 */
export function normal(entry: Entry | null, floor: bigint, now: number): Entry | null {
  if (entry === null) return null;
  if (entry.kind === "counter") return entry.epoch.time > floor ? entry : { ...entry, epoch: zeroVersion };
  return isLive(entry, now) || entry.version.time > floor ? entry : null;
}

/**
 * What of an entry is above the floor; null when nothing is. The rest, which every cloud had, is in what a peer sends as
 * well, or was deleted since then and may be forgotten.
 */
export function aboveFloor(entry: Entry, floor: bigint): Entry | null {
  if (entry.version.time <= floor) return null;
  if (entry.kind !== "counter") return entry;
  return { ...entry, cells: Object.fromEntries(Object.entries(entry.cells).filter(([, { time }]) => time > floor)) };
}

/** What decides which life of a key an entry belongs to: only counters outlive the version they started from. */
export function epochOf(entry: Entry): Version {
  return entry.kind === "counter" ? entry.epoch : entry.version;
}

export function counterValue(counter: Counter): number {
  let sum = 0;
  for (const cell of Object.values(counter.cells)) sum += cell.sum;
  return sum;
}

/**
 * The entity tag without quotes: the state's identity, the same in every cloud. For values and tombstones the version;
 * for counters the epoch and a digest of all cells, because two clouds may hold the same newest cell and differ in another.
 */
export function tagOf(entry: Entry): string {
  if (entry.kind !== "counter") return formatVersion(entry.version);
  const cells = Object.keys(entry.cells).sort();
  const text = cells.map((origin) => `${origin}=${entry.cells[origin]!.time}:${entry.cells[origin]!.sum}`).join(",");
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${formatVersion(entry.epoch.origin === "" ? { time: 0n, origin: "counter" } : entry.epoch)}-${digest}`;
}

/**
 * Per origin, the newest write that an entry descends from, its own included. Of a counter these are all cells: an
 * increment that only the version covered would look lost in every cloud that merged it.
 */
export function lineage(entry: Entry): Record<string, bigint> {
  const newest: Record<string, bigint> = { ...entry.seen };
  const add = (origin: string, time: bigint) => {
    if (time > (newest[origin] ?? 0n)) newest[origin] = time;
  };
  add(entry.version.origin, entry.version.time);
  if (entry.kind === "counter") for (const [origin, cell] of Object.entries(entry.cells)) add(origin, cell.time);
  return newest;
}

/** What a write by `origin` over `previous` descends from, other than its origin's own earlier writes. */
export function ancestorsAfter(previous: Entry | null, origin: string): Ancestors {
  if (previous === null) return {};
  const { [origin]: _own, ...others } = lineage(previous);
  return others;
}

/** Whether `entry` was written by someone who had seen all of `other`, or is it. */
export function descendsFrom(entry: Entry, other: Entry): boolean {
  const mine = lineage(entry);
  const covers = (origin: string, time: bigint) => (mine[origin] ?? 0n) >= time;
  if (other.kind !== "counter") return covers(other.version.origin, other.version.time);
  return Object.entries(other.cells).every(([origin, cell]) => covers(origin, cell.time));
}
