import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds between two hints of a process: what many writes of a moment have to say is said once. */
const interval = 10;
/** Milliseconds until a queue that failed is tried again, doubled each time up to the second. */
const firstPause = 100;
const longestPause = 5000;

/**
 * Sends hints one at a time. The first goes at once; the shards of all writes meanwhile are one hint behind it. So
 * no shard is in two hints on their way, and a queue that is slow or down gets fewer of them, not a backlog.
 */
export class Announcer {
  readonly #send: (shards: readonly number[]) => Promise<void>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #closed = new AbortController();
  readonly #waiting = new Set<number>();
  #isRunning = false;

  /** `send` rejects when the hint is lost. */
  constructor(send: (shards: readonly number[]) => Promise<void>, onTrouble: (error: unknown) => void) {
    this.#send = send;
    this.#onTrouble = onTrouble;
  }

  announce(shards: readonly number[]): void {
    for (const shard of shards) this.#waiting.add(shard);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    this.#isRunning = true;
    let pause = interval;
    while (this.#waiting.size > 0 && !signal.aborted) {
      const shards = [...this.#waiting];
      this.#waiting.clear();
      try {
        await this.#send(shards);
        pause = interval;
      } catch (error) {
        // The hint is not sent again: the sweep will have found what it told of.
        pause = pause === interval ? firstPause : Math.min(longestPause, pause * 2);
        if (!signal.aborted) this.#onTrouble(error);
      }
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
    }
    this.#isRunning = false;
  }

  close(): void {
    this.#closed.abort();
  }
}
