import { type Entry, normal } from "../../service/kv/entry.ts";
import { isNews } from "../../service/kv/news.ts";
import type { Path } from "../../service/kv/path.ts";
import type { FeedPosition } from "../../service/store/port.ts";
import { pick } from "../support/random.ts";
import type { Cloud } from "./cloud.ts";
import { epoch } from "./cloud.ts";
import { show } from "./ledger.ts";
import type { Process } from "./process.ts";
import { Violation, type World } from "./world.ts";

/** Milliseconds until a watcher that is told nothing looks again. */
const patience = 15_000;

/** Watches all keys of a cloud by the feed of one of its processes; goes on with another one when that dies. */
export class Watcher {
  readonly #cloud: Cloud;
  readonly #world: World;
  readonly #processes: () => readonly Process[];
  /** A cursor names the incarnation of the database that it is of. */
  #system = "";
  #position: FeedPosition | null = null;
  /** As the service remembers it, to tell nothing twice. */
  readonly #sent = new Map<Path, Entry>();
  /** The same in true form. */
  readonly #told = new Map<Path, Entry>();

  constructor(cloud: Cloud, world: World, processes: () => readonly Process[]) {
    this.#cloud = cloud;
    this.#world = world;
    this.#processes = processes;
  }

  async run(): Promise<void> {
    const { scheduler } = this.#world;
    for (;;) {
      await scheduler.sleep(scheduler.between(50, 500));
      const process = pick(scheduler.random, this.#processes());
      if (!process.isAlive) continue;
      const leave = process.feed.follow();
      try {
        await Promise.race([this.#watch(process), process.death]);
      } catch (error) {
        if (error instanceof Violation) throw error;
      } finally {
        leave();
      }
    }
  }

  /** Returns when the cursor is gone. */
  async #watch({ feed }: Process): Promise<void> {
    const { system } = this.#cloud.db;
    if (system !== this.#system) this.#restart(system);
    if (this.#position === null) {
      this.#position = await feed.end();
      // A snapshot: what is there after the position was taken.
      for (const { path, entry } of this.#cloud.db.entries.values()) this.#tell(path, entry);
    }
    while (this.#position !== null) {
      const window = await feed.after(this.#position);
      if (system !== this.#cloud.db.system) return;
      this.#position = window?.to ?? null;
      if (window === null) return;
      for (const { path, stored } of window.changes) if (stored !== null) this.#tell(path, stored.entry);
      if (window.changes.length === 0) await feed.news(window.to, patience);
    }
  }

  #restart(system: string): void {
    this.#system = system;
    this.#position = null;
    this.#sent.clear();
    this.#told.clear();
  }

  #tell(path: Path, entry: Entry): void {
    const sent = this.#sent.get(path);
    if (sent !== undefined && !isNews(sent, entry)) return;
    const { ledger, scheduler, check } = this.#world;
    const { floor } = this.#cloud.db.cluster;
    const told = this.#told.get(path) ?? null;
    const found = this.#cloud.trueForm(path, entry);
    check(5);
    if (!ledger.isNoOlder(path, told, found, floor, epoch + scheduler.now))
      throw new Violation(
        `a watcher in ${this.#cloud.name} is told an old state of ${path}: ${show(entry)} after ${show(told)}`,
      );
    this.#sent.set(path, entry);
    this.#told.set(path, found);
  }

  /** The first key whose present state was not told; null for none. */
  behind(): string | null {
    if (this.#cloud.isOut) return null;
    const { scheduler, check } = this.#world;
    const { floor } = this.#cloud.db.cluster;
    const now = epoch + scheduler.now;
    for (const [path, { entry }] of this.#cloud.db.entries) {
      const last = this.#told.get(path) ?? null;
      check(5);
      if (show(normal(last, floor, now)) !== show(normal(this.#cloud.trueForm(path, entry), floor, now)))
        return `a watcher in ${this.#cloud.name} was told ${show(last)} of ${path} last, not ${show(entry)}`;
    }
    return null;
  }
}
