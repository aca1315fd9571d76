import type { Now } from "../kv/clock.ts";
import type { Blobs, Digest } from "./port.ts";

export type CollectorOptions = {
  readonly blobs: Blobs;
  /** Which of these nothing refers to: no entry, and nothing that is kept for later. */
  readonly unreferenced: (digests: readonly Digest[]) => Promise<readonly Digest[]>;
  /** Milliseconds that a blob stays after it was put, and again after its last entry went. */
  readonly grace: number;
  readonly now: Now;
};

/** Nothing has referred to a blob since then, by the clock; and when it had been put. */
type Waiting = { readonly since: number; readonly putAt: number };

/** Digests of one question to the database. */
const batchSize = 500;
/** Blobs that may wait for their end at a time, so that memory is bounded; the rest has its turn in later rounds. */
const maxWaiting = 100_000;

/**
 * Deletes blobs that nothing has referred to for a while. Who has read an entry opens its blob a little later: from a cached
 * record, on a slow disk, in another cloud. So it must have been without an entry in an earlier round already, and since.
 * What refers to a blob anew has put or touched it just before, which begins its time anew.
 */
export class BlobCollector {
  readonly #options: CollectorOptions;
  /** What nothing referred to in the last round. */
  #waiting: ReadonlyMap<Digest, Waiting> = new Map();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Looks at all blobs once. Resolves with how many it deleted. One round at a time. */
  async round(): Promise<number> {
    const { blobs, grace, now } = this.#options;
    const waiting = new Map<Digest, Waiting>();
    let deleted = 0;
    let batch = new Map<Digest, number>();
    const collect = async () => {
      const at = now();
      for (const digest of await this.#options.unreferenced([...batch.keys()])) {
        const putAt = batch.get(digest)!;
        const known = this.#waiting.get(digest);
        const since = known?.putAt === putAt ? known.since : at;
        if (since <= at - grace) {
          await blobs.delete(digest, putAt);
          deleted++;
        } else if (waiting.size < maxWaiting) waiting.set(digest, { since, putAt });
      }
      batch = new Map();
    };
    for await (const { digest, putAt } of blobs.list()) {
      if (putAt > now() - grace) continue;
      batch.set(digest, putAt);
      if (batch.size === batchSize) await collect();
    }
    if (batch.size > 0) await collect();
    this.#waiting = waiting;
    return deleted;
  }
}
