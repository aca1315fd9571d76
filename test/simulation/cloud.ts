import { type Entry, isLive, normal } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Path } from "../../service/kv/path.ts";
import { MemoryDatabase, type Row } from "../support/memory/database.ts";
import { type Ledger, show, Violation } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";

/** The simulation begins here, milliseconds since 1970: time enough below for floors and versions. */
export const epoch = 1_700_000_000_000;

/** A cloud's database: its statements take time, it may be down, and it watches that no key ever gets older. */
export class Cloud {
  readonly name: string;
  readonly db: MemoryDatabase;
  isDown = false;
  /** Statements take so many times longer. */
  slowness = 1;
  /** Every state of a key in true form, with the time when it became current: what caches are compared with. */
  readonly history = new Map<Path, { readonly at: number; readonly entry: Entry | null }[]>();
  readonly #scheduler: Scheduler;

  constructor(name: string, scheduler: Scheduler, ledger: Ledger, note: (text: string) => void) {
    this.name = name;
    this.#scheduler = scheduler;
    const pass = () => {
      const milliseconds = scheduler.chance(0.02) ? scheduler.between(20, 400) : scheduler.between(0.2, 3);
      return new Promise<void>((resolve, reject) =>
        scheduler.after(Math.min(milliseconds * this.slowness, 2000), () =>
          this.isDown ? reject(new Error("the database is down")) : resolve(),
        ),
      );
    };
    this.db = new MemoryDatabase({ now: () => epoch + scheduler.now, pass });
    this.#keepLedger(ledger);
    const cloud = this;
    this.db.entries = new (class extends Map<Path, Row> {
      override set(path: Path, row: Row): this {
        cloud.#changes(path, this.get(path)?.entry ?? null, row.entry, ledger, note);
        return super.set(path, row);
      }
      override delete(path: Path): boolean {
        cloud.#remember(path, null);
        return super.delete(path);
      }
    })();
  }

  /** What enters here, whoever hears of it, must be everywhere in the end. */
  #keepLedger(ledger: Ledger): void {
    const { db } = this;
    const append = db.append.bind(db);
    db.append = (xid, shard, path, enteredHere) => {
      if (enteredHere) ledger.record(path, db.entries.get(path)!.entry, db.cluster.floor);
      append(xid, shard, path, enteredHere);
    };
  }

  #remember(path: Path, entry: Entry | null): void {
    const states = this.history.get(path) ?? [];
    states.push({ at: this.#scheduler.now, entry });
    this.history.set(path, states);
  }

  #changes(path: Path, before: Entry | null, after: Entry, ledger: Ledger, note: (text: string) => void): void {
    const { floor } = this.db.cluster;
    const now = epoch + this.#scheduler.now;
    note(`${this.name} ${path} becomes ${show(after)}`);
    const old = normal(before, floor, now);
    const young = normal(after, floor, now);
    if (show(normal(merge(old, young), floor, now)) !== show(young))
      throw new Violation(`${path} gets older in ${this.name}: ${show(before)}, then ${show(after)}`);
    const forgotten = after.kind === "counter" ? undefined : ledger.forgotten(path, after, floor);
    if (isLive(after, now) && forgotten !== undefined)
      throw new Violation(`${path} comes back in ${this.name}: ${show(after)}, after ${show(forgotten)} was forgotten`);
    this.#remember(path, ledger.trueForm(path, after, floor));
  }

  /** Removes what counts as absent. Each cloud does it at its own time. */
  collect(): number {
    let removed = 0;
    for (const [path, { entry }] of this.db.entries) {
      if (normal(entry, this.db.cluster.floor, epoch + this.#scheduler.now) !== null) continue;
      this.db.entries.delete(path);
      removed++;
    }
    return removed;
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
