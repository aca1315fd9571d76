import { BlobCollector } from "../../service/blobs/collector.ts";
import type { Digest } from "../../service/blobs/port.ts";
import { type Entry, isLive, normal } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Path } from "../../service/kv/path.ts";
import { type MemoryBlobs, memoryBlobs } from "../support/memory/blobs.ts";
import { namespaceIn } from "../support/memory/catalog.ts";
import { type Backup, MemoryDatabase, type Row } from "../support/memory/database.ts";
import { homed, isHomed, showHome } from "./homed.ts";
import { show } from "./ledger.ts";
import { CacheServer } from "./shared-cache.ts";
import { Violation, type World } from "./world.ts";

/** The simulation begins here, milliseconds since 1970: time enough below for floors and versions. */
export const epoch = 1_700_000_000_000;

/** Milliseconds that a large value stays without an entry: longer than any write, cached read or fetch takes here. */
const blobGrace = 8000;

/** Milliseconds that a statement takes at most, and its transaction with it. */
const statementAtMost = 2000;

/** A cloud's database: its statements take time, it may be down, and it watches that no key ever gets older. */
export class Cloud {
  readonly name: string;
  readonly db: MemoryDatabase;
  isDown = false;
  /** Large values. They outlive the database: a backup finds all that it names. */
  readonly blobs: MemoryBlobs;
  readonly #backedUp = new Set<Digest>();
  readonly #collector: BlobCollector;
  #isCollecting = false;
  /** Nothing of it runs. */
  isGone = false;
  /** No member for the others: lost, or expelled and not seeded anew yet. */
  isOut = false;
  /** How much the ledger held when it was expelled. */
  outSince = 0;
  /** Transactions that somebody else keeps open. */
  readonly heldOpen = new Set<number>();
  /** Statements take so many times longer. */
  slowness = 1;
  /** Every state of a key in true form, with the time when it became current: what caches are compared with. */
  readonly history = new Map<Path, { readonly at: number; readonly entry: Entry | null }[]>();
  /** Of counters that were current here, by path and text: the true form that each had then. */
  readonly #trueForms = new Map<string, Entry>();
  /** What the newest state of all took the place of, in true form. */
  #replaced: Entry | null = null;
  /** Of its processes; null: each is by itself. A restored database gets another one, named after its incarnation. */
  sharedCache: CacheServer | null = null;
  readonly #world: World;

  constructor(name: string, world: World) {
    const { scheduler } = world;
    this.name = name;
    this.#world = world;
    const pass = () => {
      const milliseconds = scheduler.chance(0.02) ? scheduler.between(20, 400) : scheduler.between(0.2, 3);
      const isBroken = scheduler.chance(world.connectionLoss);
      if (isBroken) world.count("connection to a database broken");
      return new Promise<void>((resolve, reject) =>
        scheduler.after(Math.min(milliseconds * this.slowness, statementAtMost), () => {
          if (this.isDown) reject(new Error("the database is down"));
          else if (isBroken) reject(new Error("the connection broke"));
          else resolve();
        }),
      );
    };
    this.db = new MemoryDatabase({ now: () => epoch + scheduler.now, pass });
    const now = () => Math.floor(epoch + scheduler.now);
    this.blobs = memoryBlobs(now);
    const unreferenced = (digests: readonly Digest[]) => this.#unreferenced(digests);
    this.#collector = new BlobCollector({ blobs: this.blobs, unreferenced, grace: blobGrace, now });
    this.#keepLedger();
    this.db.entries = this.#watched([]);
    this.#openCache();
  }

  #openCache(): void {
    if (this.#world.hasSharedCache) this.sharedCache = new CacheServer(this.#world.scheduler);
  }

  /** Rows that watch over their changes; `rows` are there from the beginning. */
  #watched(rows: readonly [Path, Row][]): Map<Path, Row> {
    const cloud = this;
    let isFilled = false;
    const map = new (class extends Map<Path, Row> {
      override set(path: Path, row: Row): this {
        if (isFilled) cloud.#changes(path, this.get(path)?.entry ?? null, row.entry);
        return super.set(path, row);
      }
      override delete(path: Path): boolean {
        cloud.#remember(path, null);
        return super.delete(path);
      }
    })();
    for (const [path, row] of rows) map.set(path, row);
    isFilled = true;
    return map;
  }

  backup(): Backup {
    const backup = this.db.backup();
    for (const digest of referred(this.db)) this.#backedUp.add(digest);
    return backup;
  }

  /** A round of the collector. What a backup refers to is kept, as a bucket with versions keeps it. */
  async collectBlobs(): Promise<void> {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    try {
      for (let left = await this.#collector.round(); left > 0; left--) this.#world.count("large value collected");
    } finally {
      this.#isCollecting = false;
    }
  }

  async #unreferenced(digests: readonly Digest[]): Promise<Digest[]> {
    const { scheduler } = this.#world;
    const used = referred(this.db);
    await scheduler.sleep(scheduler.between(0, 500));
    return digests.filter((digest) => !used.has(digest) && !this.#backedUp.has(digest));
  }

  /** Whether all large values are there that entries refer to, and conflicts, which are kept to be looked at. */
  hasAllBytes(): boolean {
    return [...referred(this.db)].every((digest) => this.blobs.kept.has(digest));
  }

  hasBytes(entry: Entry | null): boolean {
    return entry?.kind !== "value" || entry.blob === null || this.blobs.kept.has(entry.blob);
  }

  /** Goes back to a backup, made when the ledger held `since` writes. What entered later, and no other cloud has or has replaced, may be gone for good. */
  restore(backup: Backup, since: number, others: readonly Cloud[]): void {
    const isElsewhere = (path: Path, write: Entry) => others.some((other) => other.holds(path, write));
    this.#world.ledger.discard(this.name, since, (path, write) => !isElsewhere(path, write));
    this.db.restore(backup, `${this.db.system}'`);
    this.db.entries = this.#watched(backup.entries);
    this.#openCache();
    this.history.clear();
    for (const [path, { entry }] of backup.entries) this.#becomes(path, entry);
  }

  /** As `ROLE=reseed` does: what no other cloud has is gone, but for conflicts that people may look at. */
  reseed(others: readonly Cloud[]): void {
    const isElsewhere = (path: Path, write: Entry) => others.some((other) => other.holds(path, write));
    const { ledger } = this.#world;
    ledger.discard(this.name, 0, (path, write) => !isElsewhere(path, write));
    // The others need not have taken them, also where they have something newer by now.
    ledger.discard(this.name, this.outSince, () => true);
    this.db.reseed(`${this.db.system}'`);
    this.db.entries = this.#watched([]);
    this.#openCache();
    this.history.clear();
  }

  /** Whether a write (in true form) is here, or something newer, or was here and is forgotten. */
  holds(path: Path, write: Entry): boolean {
    const { floor } = this.db.cluster;
    const there = this.db.entries.get(path)?.entry;
    // What took the place of a live state, before both were forgotten, is a write of its own, or it was never here.
    if (there === undefined) return write.version.time <= floor && !isLive(write, epoch + this.#world.scheduler.now);
    return this.#world.ledger.isNoOlder(path, write, this.trueForm(path, there), floor, 0);
  }

  /** What enters here, whoever hears of it, must be everywhere in the end. */
  #keepLedger(): void {
    const { db } = this;
    const append = db.append.bind(db);
    db.append = (xid, shard, path, enteredHere) => {
      if (enteredHere) this.#enters(path, db.entries.get(path)!.entry);
      append(xid, shard, path, enteredHere);
    };
  }

  #enters(path: Path, entry: Entry): void {
    const { ledger, scheduler } = this.#world;
    const { floor } = this.db.cluster;
    ledger.record(path, entry, floor);
    const { home, movingTo } = namespaceIn(this.db, homed)!;
    if (!isHomed(path) || (home === null && movingTo === null)) return;
    if (home !== this.name || movingTo !== null)
      throw new Violation(`${this.name} writes ${path}, and knows the home as ${showHome(this.db)}`);
    ledger.recordAtHome(this.name, path, this.#replaced, this.trueForm(path, entry), floor, epoch + scheduler.now);
  }

  /** `entry` in the true form that it had when it became current here, however late somebody is shown it. */
  trueForm(path: Path, entry: Entry): Entry {
    return this.#trueForms.get(`${path} ${show(entry)}`) ?? entry;
  }

  /** Returns the true form of a state that becomes current now. */
  #becomes(path: Path, entry: Entry): Entry {
    const form = this.#world.ledger.trueForm(path, entry, this.db.cluster.floor);
    if (entry.kind === "counter") this.#trueForms.set(`${path} ${show(entry)}`, form);
    this.#remember(path, form);
    return form;
  }

  #remember(path: Path, entry: Entry | null): void {
    const states = this.history.get(path) ?? [];
    states.push({ at: this.#world.scheduler.now, entry });
    this.history.set(path, states);
  }

  #changes(path: Path, before: Entry | null, after: Entry): void {
    const { ledger, check } = this.#world;
    const { floor } = this.db.cluster;
    const now = epoch + this.#world.scheduler.now;
    this.#world.note(`${this.name} ${path} becomes ${show(after)}`);
    const young = this.#becomes(path, after);
    check(2);
    if (!this.hasBytes(after)) throw new Violation(`${path} shows in ${this.name} before its bytes are there`);
    // In true form: a counter of a backup may be of a life that ended since, and say of itself what one of today says.
    const old = normal(before, floor, now) && this.trueForm(path, before!);
    this.#replaced = old;
    check(3);
    if (show(merge(old, young)) !== show(young))
      throw new Violation(`${path} gets older in ${this.name}: ${show(before)}, then ${show(after)}`);
    check(4);
    const forgotten = after.kind === "counter" ? undefined : ledger.forgotten(path, after, floor);
    if (isLive(after, now) && forgotten !== undefined)
      throw new Violation(`${path} comes back in ${this.name}: ${show(after)}, after ${show(forgotten)} was forgotten`);
  }

  /** Removes what counts as absent. Each cloud does it at its own time. */
  collect(): number {
    let removed = 0;
    for (const [path, { entry }] of this.db.entries) {
      if (normal(entry, this.db.cluster.floor, epoch + this.#world.scheduler.now) !== null) continue;
      this.db.entries.delete(path);
      removed++;
    }
    return removed;
  }

  /** None waits for the network, a queue or a client: it would hold up all watches and peers. */
  checkTransactions(): void {
    for (const [xid, since] of this.db.running)
      if (!this.heldOpen.has(xid) && this.db.pace.now() - since > statementAtMost)
        throw new Violation(`transaction ${xid} of ${this.name} is open for longer than any statement takes`);
  }

  /** The state of a key at an earlier time. */
  stateAt(path: Path, at: number): Entry | null {
    let found: Entry | null = null;
    for (const state of this.history.get(path) ?? []) {
      if (state.at > at) break;
      found = state.entry;
    }
    return found;
  }
}

/** Large values that something in the database refers to. */
function referred(db: MemoryDatabase): ReadonlySet<Digest> {
  const carried = [...db.quarantine.values(), ...db.conflicts.values()].map((one) => one.carried);
  const blobs = [...db.entries.values(), ...carried].map(({ entry }) => (entry.kind === "value" ? entry.blob : null));
  return new Set(blobs.filter((digest) => digest !== null));
}
