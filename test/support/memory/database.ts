import type { Carried } from "../../../service/kv/carried.ts";
import { type Path, shards } from "../../../service/kv/path.ts";
import type { Cursor, Peer } from "../../../service/store/member.ts";
import {
  type FeedPosition,
  type KeptReceipt,
  UnavailableError,
  UncertainError,
  wholeTransaction,
} from "../../../service/store/port.ts";
import { firstCatalog } from "./catalog.ts";

export type Row = Carried & { readonly changed: number };
export type FeedRow = {
  readonly xid: number;
  readonly id: number;
  readonly shard: number;
  readonly path: Path;
  readonly enteredHere: boolean;
};
export type CursorState = {
  position: FeedPosition;
  owner: string | null;
  until: number;
  fence: number;
};
export type Aside = {
  readonly shard: number;
  readonly below: number;
  readonly time: bigint;
  readonly reason: string;
  readonly retryAt: number;
};
export type Quarantined = {
  readonly carried: Carried;
  readonly sender: string;
  readonly shard: number;
  readonly below: number;
};
export type Watermark = { readonly incarnation: string; readonly incarnatedAt: number; readonly complete: number };

export type MemoryNamespace = {
  readonly epoch: bigint;
  readonly isDeleted?: boolean;
  readonly homeEpoch?: bigint;
};

/** When a transaction ends and when an answer arrives: the simulation makes both take their time. */
export type Pace = {
  /** Milliseconds since 1970 by the database's clock. */
  readonly now: () => number;
  /** Before a transaction does anything, and before an answer arrives. Rejects when the database cannot be reached. */
  readonly pass: () => Promise<void>;
};

export type Backup = Pick<
  MemoryDatabase,
  | "feed"
  | "receipts"
  | "namespaces"
  | "catalog"
  | "stops"
  | "peers"
  | "cursors"
  | "setAside"
  | "watermarks"
  | "quarantine"
  | "conflicts"
  | "cluster"
> & { readonly entries: [Path, Row][]; readonly nextXid: number };

export const atOnce: Pace = { now: Date.now, pass: async () => {} };

/**
 * A database in memory, with the one property that replication lives on: transactions get their number when they begin
 * and become visible when they end, in another order. What a transaction does, it does at once when it ends.
 */
export class MemoryDatabase {
  readonly pace: Pace;
  /** Of the server and its history: another one after a restore. */
  system = "memory";
  entries = new Map<Path, Row>();
  feed: FeedRow[] = [];
  /** First answers of requests, by scope in hex. */
  receipts = new Map<string, KeptReceipt & { readonly namespace: string | null }>();
  namespaces = new Map<string, MemoryNamespace>([["default", { epoch: 0n }]]);
  /** What clients have set of namespaces and API keys; `namespaces` is what follows from it for entries. */
  catalog = firstCatalog();
  /** Since when the home of a namespace is known, and the transaction below which lies what was decided before. */
  stops = new Map<string, { readonly since: number; readonly stop: number | null }>();
  peers = new Map<
    string,
    Peer & { readonly repairs: number; readonly expulsions: number; readonly settled: boolean }
  >();
  cursors = new Map<string, CursorState>();
  setAside = new Map<string, Map<Path, Aside>>();
  watermarks = new Map<string, Watermark>();
  quarantine = new Map<string, Quarantined>();
  conflicts = new Map<string, { readonly carried: Carried; readonly at: number }>();
  cluster = {
    incarnation: null as string | null,
    incarnatedAt: 0,
    floor: 0n,
    stampedAbove: 0n,
    mark: null as bigint | null,
    markXid: null as number | null,
    markedAt: 0,
    confirmed: 0n,
    recovering: false,
    copied: false,
    soundUpTo: 0n,
    expelledUpTo: null as number | null,
    trimmed: 0,
  };
  #nextXid = 10;
  /** Transactions under way, with when they began. */
  readonly running = new Map<number, number>();

  constructor(pace: Pace = atOnce) {
    this.pace = pace;
  }

  /** Every transaction below it has ended. */
  horizon(): number {
    let lowest = this.#nextXid;
    for (const xid of this.running.keys()) if (xid < lowest) lowest = xid;
    return lowest;
  }

  /** No transaction has this number or a higher one yet. */
  ahead(): number {
    return this.#nextXid;
  }

  begin(): number {
    const xid = this.#nextXid++;
    this.running.set(xid, this.pace.now());
    return xid;
  }

  end(xid: number): void {
    this.running.delete(xid);
  }

  /** What a crash of the server does to the transactions that are open. */
  rollBackAll(): void {
    this.running.clear();
  }

  isOpen(xid: number): boolean {
    return this.running.has(xid);
  }

  /** What was there when it was asked: its answer may be old by the time that it arrives. */
  async read<T>(work: () => T): Promise<T> {
    const answer = work();
    try {
      await this.pace.pass();
    } catch (error) {
      throw unavailable(error);
    }
    return answer;
  }

  async write<T>(work: (xid: number) => T): Promise<T> {
    const xid = this.begin();
    try {
      await this.pace.pass();
    } catch (error) {
      this.end(xid);
      throw unavailable(error);
    }
    if (!this.isOpen(xid)) throw new UnavailableError("the server rolled the transaction back");
    let answer: T;
    try {
      answer = work(xid);
    } finally {
      this.end(xid);
    }
    try {
      await this.pace.pass();
    } catch (error) {
      throw new UncertainError((error as Error).message);
    }
    return answer;
  }

  /** Ids are given when a transaction begins to write, long before it ends: they say nothing of the order of commits. */
  append(xid: number, shard: number, path: Path, enteredHere: boolean): void {
    let at = this.feed.length;
    while (at > 0 && this.feed[at - 1]!.xid > xid) at--;
    let id = xid * 1000;
    if (this.feed[at - 1]?.xid === xid) id = this.feed[at - 1]!.id + 1;
    this.feed.splice(at, 0, { xid, id, shard, path, enteredHere });
  }

  /** Index of the first feed row behind a position. */
  firstAfter({ xid, id }: Pick<FeedPosition, "xid" | "id">): number {
    let low = 0;
    let high = this.feed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.feed[middle]!;
      if (row.xid > xid || (row.xid === xid && row.id > id)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  endOfFeed(): FeedPosition {
    return { xid: this.horizon() - 1, id: wholeTransaction, at: this.pace.now() };
  }

  /** Drops the oldest rows, as retention does. */
  trim(keep: number): void {
    const dropped = this.feed.splice(0, Math.max(0, this.feed.length - keep));
    if (dropped.length > 0) this.cluster.trimmed = dropped.at(-1)!.xid;
  }

  /** All that is committed now, to go back to. Running transactions are no part of it. */
  backup(): Backup {
    const copy = structuredClone({
      entries: [...this.entries],
      feed: this.feed,
      namespaces: this.namespaces,
      catalog: this.catalog,
      stops: this.stops,
      peers: this.peers,
      cursors: this.cursors,
      setAside: this.setAside,
      watermarks: this.watermarks,
      quarantine: this.quarantine,
      conflicts: this.conflicts,
      cluster: this.cluster,
    });
    return { ...copy, receipts: new Map(this.receipts), nextXid: this.#nextXid };
  }

  /** What a restored server holds, which counts its transactions on from the backup: another incarnation. */
  restore({ entries, nextXid, cluster, ...rest }: Backup, system: string): void {
    this.rollBackAll();
    Object.assign(this, rest);
    Object.assign(this.cluster, cluster);
    this.entries = new Map(entries);
    this.receipts = new Map(rest.receipts);
    this.#nextXid = nextXid;
    this.system = system;
  }

  /** As `ROLE=reseed` does with the database of an expelled cloud, but for the conflicts that it keeps. */
  reseed(system: string): void {
    this.rollBackAll();
    this.feed = [];
    for (const table of [this.entries, this.receipts, this.watermarks, this.setAside, this.quarantine]) table.clear();
    const { incarnatedAt, expelledUpTo } = this.cluster;
    Object.assign(this.cluster, { incarnatedAt: Math.max(incarnatedAt, expelledUpTo! + 1), mark: null, markXid: null });
    this.system = system;
  }

  cursor(peer: string, shard: number): CursorState {
    const key = `${peer} ${shard}`;
    let cursor = this.cursors.get(key);
    if (cursor === undefined) {
      cursor = { position: { xid: 0, id: 0, at: 0 }, owner: null, until: 0, fence: 0 };
      this.cursors.set(key, cursor);
    }
    return cursor;
  }

  /** What entries are decided by: null where there is no such namespace, or not any more. */
  livingNamespace(name: string): MemoryNamespace | null {
    const known = this.namespaces.get(name);
    return known === undefined || known.isDeleted ? null : known;
  }

  /** The cursor if the caller still holds it. */
  held({ peer, shard, fence }: Cursor): CursorState | null {
    const cursor = this.cursor(peer, shard);
    return cursor.fence === fence && cursor.owner !== null ? cursor : null;
  }

  toEnd(peer: string): void {
    for (let shard = 0; shard < shards; shard++) {
      const cursor = this.cursor(peer, shard);
      cursor.position = this.endOfFeed();
      // Who reads a window of before must not move the cursor with it.
      cursor.fence++;
      cursor.owner = null;
      cursor.until = 0;
    }
    this.setAside.delete(peer);
  }
}

function unavailable(error: unknown): UnavailableError {
  return new UnavailableError((error as Error).message);
}
