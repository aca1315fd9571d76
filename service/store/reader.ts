import type { Stored } from "../kv/entry.ts";
import type { Path } from "../kv/path.ts";
import type { ReadAnswer, Store } from "./port.ts";

/** A row as it was at some moment after the read was asked for. */
export type Read = { readonly stored: Stored | null; readonly horizon: number };

/** Keys in one statement; measured best between 64 and 256. */
const maxBatch = 256;
/** Statements under way; a third only splits batches. */
const maxInFlight = 2;
/** Large values under way, so that they cannot fill the memory. */
const maxLarge = 8;
/** Times that rows of one moment are read anew because a large value changed in between. */
const maxAttempts = 5;
/** Reads that may wait; past it the service is overloaded and says so. */
const maxWaiting = 20_000;

type Waiting = {
  readonly path: Path;
  readonly resolve: (read: Read | Promise<Read>) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Coalesces reads: those that wait while statements are under way form the next one. No timers: alone, a read goes at
 * the end of this turn of the event loop; under load, batches grow by themselves.
 */
export class Reader {
  readonly #store: Store;
  readonly #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;
  #large = 0;
  readonly #largeWaiting: (() => void)[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** The key's current row, value included (unless it is in the blobs port). Rejects with the store's errors. */
  read(path: Path): Promise<Read> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= maxWaiting) {
        reject(new OverloadedError("too many reads wait for the database"));
        return;
      }
      this.#waiting.push({ path, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    });
  }

  /** Rows of several keys as of one moment, values included. */
  async readTogether(paths: readonly Path[]): Promise<readonly (Stored | null)[]> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { rows, horizon } = await this.#store.read(paths);
      // A large value comes by a second read; only if its row is still the same it belongs to the moment.
      const whole = await Promise.all(
        rows.map(async (row, i) => (isLeftOut(row) ? (await this.#readLarge(paths[i]!, horizon)).stored : row)),
      );
      if (whole.every((row, i) => row?.changed === rows[i]?.changed)) return whole;
    }
    throw new OverloadedError("large values change faster than they can be read together");
  }

  #flush(): void {
    while (this.#inFlight < maxInFlight && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, maxBatch);
      this.#inFlight++;
      void this.#send(batch);
    }
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const paths = [...new Set(batch.map((waiting) => waiting.path))];
    try {
      const answer: ReadAnswer = await this.#store.read(paths);
      const rows = paths.length === batch.length ? null : new Map(paths.map((path, i) => [path, answer.rows[i]!]));
      batch.forEach(({ path, resolve }, i) => {
        const stored = rows === null ? answer.rows[i]! : rows.get(path)!;
        resolve(isLeftOut(stored) ? this.#readLarge(path, answer.horizon) : { stored, horizon: answer.horizon });
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      this.#inFlight--;
      this.#flush();
    }
  }

  /** A second read of the same row: at least as new, so the horizon of the first still holds. */
  async #readLarge(path: Path, horizon: number): Promise<Read> {
    if (this.#large >= maxLarge) await new Promise<void>((resolve) => this.#largeWaiting.push(resolve));
    this.#large++;
    try {
      return { stored: await this.#store.readLarge(path), horizon };
    } finally {
      this.#large--;
      this.#largeWaiting.shift()?.();
    }
  }
}

function isLeftOut(stored: Stored | null): boolean {
  return stored?.entry.kind === "value" && stored.entry.body === null && stored.entry.blob === null;
}

/** More work waits than the bounds allow: the client should come back. */
export class OverloadedError extends Error {
  override readonly name = "OverloadedError";
}
