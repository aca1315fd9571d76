import { type Random, randomFrom } from "../support/random.ts";

type Event = { readonly at: number; readonly order: number; readonly run: () => void };

/**
 * Simulated time: what is to happen later waits in a heap, and time jumps from one event to the next. Nothing else moves
 * in between, so that a seed repeats every choice and every order.
 */
export class Scheduler {
  readonly random: Random;
  /** Milliseconds since the simulation began. */
  now = 0;
  events = 0;
  #order = 0;
  readonly #heap: Event[] = [];
  readonly #immediate: (() => void)[] = [];

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  /** A number from `from` to below `to`. */
  between(from: number, to: number): number {
    return from + this.random() * (to - from);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  after(milliseconds: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.now + milliseconds, order: this.#order++, run });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  /** At the present time, when all promises have settled that can. */
  immediately(run: () => void): void {
    this.#immediate.push(run);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Lets everything happen that is due until then. */
  async runUntil(time: number): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      this.events++;
      next.run();
      await this.#settle();
    }
    this.now = time;
  }

  /** Lets all follow from an event that does, promise by promise, before the next one. */
  async #settle(): Promise<void> {
    for (;;) {
      // Node runs it when no promise is left to settle. A turn of the event loop would do the same in thrice the time.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const due = this.#immediate.splice(0);
      if (due.length === 0) return;
      for (const run of due) run();
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
