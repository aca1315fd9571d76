import type { Now } from "../kv/clock.ts";
import { compareMarks, type Mark, type Marks, noMarks } from "../kv/marks.ts";
import { shards } from "../kv/path.ts";
import type { Coverage, Here } from "../kv/session.ts";
import type { Watermarks } from "../store/member.ts";

export type CompletenessOptions = {
  readonly read: () => Promise<Watermarks>;
  /** Milliseconds that never jump. */
  readonly monotonic: Now;
  /** Resolves after that many milliseconds, or at once when the process ends. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
};

/** Milliseconds between looks while nobody waits: an old look only makes cached records seem older than they are. */
const idleInterval = 1000;
/** Milliseconds between looks while somebody waits: another process of this cloud may be the one that a peer tells. */
const waitInterval = 50;

/**
 * How far this cloud is complete in what entered elsewhere, as this process last saw it: never more than the truth. One
 * look at the database serves all who wait, whoever many they are, and comes as soon as a peer was heard.
 */
export class Completeness {
  readonly #options: CompletenessOptions;
  #byShard: readonly Marks[] = Array.from({ length: shards }, () => noMarks);
  #coverage: Coverage = { complete: noMarks, asOf: 0 };
  /** Before the first look nothing is known, and so everybody may bind. */
  #binding: Here["binding"] = { has: () => true };
  #looking: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #heard = Promise.withResolvers<void>();
  #stopped = false;

  constructor(options: CompletenessOptions) {
    this.#options = options;
  }

  /** Below which of their transactions all of the shard is here, by cloud. */
  ofShard(shard: number): Marks {
    return this.#byShard[shard]!;
  }

  /** The same for all shards at once. */
  get coverage(): Coverage {
    return this.#coverage;
  }

  /** Clouds that bind sessions, though they may be no members any more: see {@link Watermarks}. */
  get binding(): Here["binding"] {
    return this.#binding;
  }

  /** A peer has said something: perhaps what somebody waits for. */
  heard(): void {
    this.#heard.resolve();
  }

  /** Waits until `holds`, at most so many milliseconds. Whether it does. */
  async until(holds: () => boolean, milliseconds: number): Promise<boolean> {
    const { monotonic } = this.#options;
    const end = monotonic() + milliseconds;
    // What is remembered may be a second old.
    await this.#look();
    while (!holds()) {
      if (monotonic() >= end || this.#stopped) return false;
      this.#next ??= this.#lookSoon();
      await this.#next;
    }
    return true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await this.#look();
      await this.#options.sleep(idleInterval);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#heard.resolve();
  }

  async #lookSoon(): Promise<void> {
    await Promise.race([this.#heard.promise, this.#options.sleep(waitInterval)]);
    this.#heard = Promise.withResolvers();
    // From here on a new waiter needs a look that begins later.
    this.#next = null;
    await this.#look();
  }

  /** Joins a look that is under way: what it finds is at most as old as it takes. */
  #look(): Promise<void> {
    this.#looking ??= this.#options
      .read()
      .then((found) => this.#remember(found), this.#options.onTrouble)
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  #remember({ complete, asOf, binding }: Watermarks): void {
    const byShard: Record<string, Mark>[] = Array.from({ length: shards }, () => ({}));
    const lowest: Record<string, Mark> = {};
    const known: Record<string, number> = {};
    for (const { origin, shard, mark } of complete) {
      byShard[shard]![origin] = mark;
      known[origin] = (known[origin] ?? 0) + 1;
      if (lowest[origin] === undefined || compareMarks(mark, lowest[origin]) < 0) lowest[origin] = mark;
    }
    for (const [origin, count] of Object.entries(known)) if (count < shards) delete lowest[origin];
    this.#byShard = byShard;
    this.#coverage = { complete: lowest, asOf };
    this.#binding = new Set(binding);
  }
}
