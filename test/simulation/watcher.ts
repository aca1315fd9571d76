import { type Entry, normal } from "../../service/kv/entry.ts";
import type { Path } from "../../service/kv/path.ts";
import type { FeedPosition } from "../../service/store/port.ts";
import { memoryStore } from "../support/memory/store.ts";
import { type Cloud, epoch } from "./cloud.ts";
import { type Ledger, show, Violation } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";

/** Follows the feed of a cloud as watches do, and remembers what it was told of each key. */
export class Watcher {
  readonly #cloud: Cloud;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  #system = "memory";
  readonly #told = new Map<Path, Entry>();

  constructor(cloud: Cloud, scheduler: Scheduler, ledger: Ledger) {
    this.#ledger = ledger;
    this.#cloud = cloud;
    this.#scheduler = scheduler;
  }

  async run(): Promise<void> {
    const store = memoryStore(this.#cloud.db, this.#cloud.name);
    let position: FeedPosition = { xid: 0, id: 0, at: 0 };
    for (;;) {
      await this.#scheduler.sleep(this.#scheduler.between(50, 500));
      const { system } = this.#cloud.db;
      if (system !== this.#system) {
        // A cursor names the incarnation: of another one it is gone, and the watcher starts with what is there.
        this.#system = system;
        this.#told.clear();
        position = { xid: -1, id: 0, at: 0 };
      }
      try {
        const window = position.xid < 0 ? null : await store.feed(position, 50);
        if (this.#cloud.db.system !== system) continue;
        // Retention was faster: it starts again, with what is there.
        position = window?.to ?? (await store.feedEnd());
        if (window === null) for (const { path, entry } of this.#cloud.db.entries.values()) this.#tell(path, entry);
        for (const { path, stored } of window?.changes ?? []) if (stored !== null) this.#tell(path, stored.entry);
      } catch (error) {
        if (error instanceof Violation) throw error;
      }
    }
  }

  #tell(path: Path, entry: Entry): void {
    const { floor } = this.#cloud.db.cluster;
    const told = this.#told.get(path) ?? null;
    const found = this.#ledger.trueForm(path, entry, floor);
    if (!this.#ledger.isNoOlder(path, told, found, floor, epoch + this.#scheduler.now))
      throw new Violation(
        `a watcher in ${this.#cloud.name} is told an old state of ${path}: ${show(entry)} after ${show(told)}`,
      );
    this.#told.set(path, found);
  }

  /** The first key whose present state was not told; null for none. */
  behind(): string | null {
    const { floor } = this.#cloud.db.cluster;
    const now = epoch + this.#scheduler.now;
    for (const [path, { entry }] of this.#cloud.db.entries) {
      const last = this.#told.get(path) ?? null;
      if (show(normal(last, floor, now)) !== show(normal(this.#ledger.trueForm(path, entry, floor), floor, now)))
        return `a watcher in ${this.#cloud.name} was told ${show(last)} of ${path} last, not ${show(entry)}`;
    }
    return null;
  }
}
