import { type Entry, normal } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Path } from "../../service/kv/path.ts";
import type { FeedPosition } from "../../service/store/port.ts";
import { memoryStore } from "../support/memory/store.ts";
import { type Cloud, epoch } from "./cloud.ts";
import { show, Violation } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";

/** Follows the feed of a cloud as watches do, and remembers what it was told of each key. */
export class Watcher {
  readonly #cloud: Cloud;
  readonly #scheduler: Scheduler;
  readonly #told = new Map<Path, Entry>();

  constructor(cloud: Cloud, scheduler: Scheduler) {
    this.#cloud = cloud;
    this.#scheduler = scheduler;
  }

  async run(): Promise<void> {
    const store = memoryStore(this.#cloud.db, this.#cloud.name);
    let position: FeedPosition = { xid: 0, id: 0, at: 0 };
    for (;;) {
      await this.#scheduler.sleep(this.#scheduler.between(50, 500));
      try {
        const window = await store.feed(position, 50);
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
    const now = epoch + this.#scheduler.now;
    const told = normal(this.#told.get(path) ?? null, floor, now);
    const merged = normal(merge(told, normal(entry, floor, now)), floor, now);
    if (merged !== null && show(merged) !== show(normal(entry, floor, now)))
      throw new Violation(
        `a watcher in ${this.#cloud.name} is told an old state of ${path}: ${show(entry)} after ${show(told)}`,
      );
    this.#told.set(path, entry);
  }

  /** Throws unless the final state of every key was told. */
  check(): void {
    const { floor } = this.#cloud.db.cluster;
    const now = epoch + this.#scheduler.now;
    for (const [path, { entry }] of this.#cloud.db.entries) {
      const last = normal(this.#told.get(path) ?? null, floor, now);
      if (show(last) !== show(normal(entry, floor, now)))
        throw new Violation(
          `a watcher in ${this.#cloud.name} was told ${show(last)} of ${path} last, not ${show(entry)}`,
        );
    }
  }
}
