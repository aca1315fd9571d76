import { LRUCache } from "lru-cache";
import type { Now } from "../kv/clock.ts";
import type { Stored } from "../kv/entry.ts";
import type { Marks } from "../kv/marks.ts";
import type { Path } from "../kv/path.ts";
import type { Reader } from "../store/reader.ts";
import type { Committed } from "../store/writer.ts";
import { type CacheRecord, maxAge, maxAgeDeaf, type SharedCache } from "./port.ts";

export type EntryCacheOptions = {
  readonly reader: Reader;
  /** L2; null: every process is by itself. */
  readonly shared: SharedCache | null;
  /** Milliseconds that never jump. */
  readonly monotonic: Now;
  /** What to add to the monotonic clock to get the database's, in milliseconds. */
  readonly databaseOffset: () => number;
  /** Bound of L1 in bytes of values, with an estimate of what holds them. */
  readonly maxBytes: number;
  /** How far this cloud is complete now in other clouds' writes of the path's shard. */
  readonly complete: (path: Path) => Marks;
  readonly count: (tier: "l1" | "l2" | "store") => void;
};

/** A record in L1. `rendered` belongs to whoever answers with it: what it made of the record once. */
export type Cached = CacheRecord & { rendered?: unknown };

/** A read that others join. Emptied at its end, for a `Map` may keep what was taken out of it (see `../under-way.ts`). */
type Load = { record: Promise<CacheRecord> | null };

/** Bytes that a record takes besides its value. */
const overhead = 600;

/**
 * Reads of this process: L1, then L2, then the database, with one load per key at a time.
 *
 * Records come from three sides, reads, own commits and other processes' invalidations, in any order; a newer state is
 * never replaced by an older one ("set if newer"), and every record dies `maxAge` after the start of the database read
 * that it came from, so that even a lost invalidation and an evicted newer record cannot make it older than that.
 */
export class EntryCache {
  readonly #options: EntryCacheOptions;
  readonly #records: LRUCache<Path, Cached>;
  readonly #loads = new Map<Path, Load>();
  /** Other reads under way by path: what they bring may have been overtaken. */
  readonly #reading = new Map<Path, number>();
  /** Raised when everything is forgotten: what was read before must not come back. */
  #generation = 0;
  #asking: { path: Path; resolve: (record: CacheRecord | undefined) => void }[] = [];

  constructor(options: EntryCacheOptions) {
    this.#options = options;
    this.#records = new LRUCache({
      maxSize: options.maxBytes,
      maxEntrySize: Math.max(1, Math.floor(options.maxBytes / 8)),
      sizeCalculation: (record) => overhead + record.path.length + sizeOf(record.stored),
    });
    options.shared?.onInvalidate((changes) => {
      if (changes !== null) {
        for (const { path, newest } of changes) this.#invalidate(path, newest);
        return;
      }
      this.#generation++;
      this.#records.clear();
    });
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#records.size, bytes: this.#records.calculatedSize };
  }

  /** Now by the database's clock, which the processes of a cloud share. Milliseconds since 1970. */
  now(): number {
    return this.#options.monotonic() + this.#options.databaseOffset();
  }

  /** The record in L1, if it may still be used. Never waits. */
  peek(path: Path): Cached | undefined {
    const record = this.#records.get(path);
    if (record === undefined || record.readAt + this.#maxAge() <= this.now() || record.horizon < 0) return undefined;
    this.#options.count("l1");
    return record;
  }

  /** The key's state, at most `maxAge` old. Rejects with the store's errors. */
  async get(path: Path): Promise<Cached> {
    return this.peek(path) ?? (await this.#load(path));
  }

  /** The key's state as it was at some moment after this call, from the database. */
  async fresh(path: Path): Promise<Cached> {
    this.#reading.set(path, (this.#reading.get(path) ?? 0) + 1);
    try {
      return await this.#fromStore(path);
    } finally {
      const others = this.#reading.get(path)! - 1;
      if (others === 0) this.#reading.delete(path);
      else this.#reading.set(path, others);
    }
  }

  async #fromStore(path: Path): Promise<Cached> {
    const readAt = this.now();
    const complete = this.#options.complete(path);
    const { shared, reader, count } = this.#options;
    const generation = this.#generation;
    count("store");
    const { stored, horizon } = await reader.read(path);
    const record = { path, stored, readAt, horizon, complete };
    if (generation !== this.#generation) return record;
    shared?.fill([record], this.now());
    return this.#keep(record);
  }

  #load(path: Path): Promise<CacheRecord> {
    const before = this.#loads.get(path);
    if (before !== undefined) return before.record!;
    const load: Load = { record: null };
    this.#loads.set(path, load);
    load.record = this.#loadOnce(path, load);
    return load.record;
  }

  async #loadOnce(path: Path, load: Load): Promise<CacheRecord> {
    try {
      const shared = this.#options.shared === null ? null : await this.#fromShared(path);
      return shared ?? (await this.#fromStore(path));
    } finally {
      this.#loads.delete(path);
      load.record = null;
    }
  }

  async #fromShared(path: Path): Promise<CacheRecord | null> {
    if (this.#options.shared?.state !== "up") return null;
    const generation = this.#generation;
    const record = await this.#ask(path);
    if (record === undefined || generation !== this.#generation || record.readAt + this.#maxAge() <= this.now())
      return null;
    this.#options.count("l2");
    return this.#keep(record);
  }

  /** One command for all keys that are asked for in this turn of the event loop. */
  #ask(path: Path): Promise<CacheRecord | undefined> {
    return new Promise((resolve) => {
      this.#asking.push({ path, resolve });
      if (this.#asking.length > 1) return;
      setImmediate(async () => {
        const asking = this.#asking;
        this.#asking = [];
        const records = await this.#options.shared!.get(
          asking.map((ask) => ask.path),
          this.now(),
        );
        asking.forEach((ask, i) => void ask.resolve(records[i]));
      });
    });
  }

  /**
   * After a commit of this process: keeps what was written, here and in L2, and tells the others. Without L2 only what
   * somebody reads is kept: the rest would push that out, and cost the collector of garbage a sixth of a PUT. With L2
   * everything is, because its copy may still be the old one when the next read comes.
   */
  committed({ rows, horizon, startedAt }: Committed): void {
    const readAt = startedAt + this.#options.databaseOffset();
    const { shared } = this.#options;
    const records: CacheRecord[] = [];
    for (const { path, stored } of rows) {
      if (shared === null && !this.#records.has(path) && !this.#isBeingRead(path)) continue;
      const record = { path, stored, readAt, horizon };
      this.#keep(record);
      records.push(record);
    }
    shared?.publish(records, this.now());
  }

  /** Whether a read is under way that began before now, and would bring back what has been replaced meanwhile. */
  #isBeingRead(path: Path): boolean {
    return this.#reading.has(path) || this.#loads.has(path);
  }

  /** Set if newer. Returns what may be answered with: the record itself, also where it is not kept. */
  #keep(record: CacheRecord): Cached {
    const there = this.#records.peek(record.path);
    if (there === undefined || isNewer(record, there) || there.readAt + maxAge <= this.now()) {
      this.#records.set(record.path, record);
    }
    return record;
  }

  /** Leaves a mark that says how new a record must be: a read that began before the other's commit may still come in. */
  #invalidate(path: Path, newest: bigint): void {
    const there = this.#records.peek(path);
    if (there === undefined ? !this.#isBeingRead(path) : timeOf(there.stored) >= newest) return;
    const version = { time: newest, origin: "" };
    this.#records.set(path, {
      path,
      stored: { changed: 0, entry: { kind: "tombstone", version, seen: {} } },
      readAt: this.now(),
      horizon: unusable,
    });
  }

  #maxAge(): number {
    return this.#options.shared?.listening ? maxAge : maxAgeDeaf;
  }
}

/** Horizon of a mark: no answer can be made from it. */
const unusable = -1;

function timeOf(stored: Stored | null): bigint {
  return stored === null ? 0n : stored.entry.version.time;
}

/** The newer state; of one state, the later reading. */
function isNewer(a: CacheRecord, b: CacheRecord): boolean {
  const timeA = timeOf(a.stored);
  const timeB = timeOf(b.stored);
  return timeA !== timeB ? timeA > timeB : b.horizon === unusable || a.readAt > b.readAt;
}

function sizeOf(stored: Stored | null): number {
  return stored?.entry.kind === "value" ? (stored.entry.body?.length ?? 0) : 0;
}
