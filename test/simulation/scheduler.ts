import { type Random, randomFrom } from "../support/random.ts";

type Event = { readonly at: number; readonly order: number; run: (() => void) | null };
/** Takes back what was to happen later. */
export type Cancel = () => void;

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

  after(milliseconds: number, run: () => void): Cancel {
    const heap = this.#heap;
    const event: Event = { at: this.now + milliseconds, order: this.#order++, run };
    heap.push(event);
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
    return () => {
      event.run = null;
    };
  }

  /** At the present time, when all promises have settled that can. */
  immediately(run: () => void): void {
    this.#immediate.push(run);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Lets everything happen that is due until then. */
  runUntil(time: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        try {
          if (this.#runNext(time)) settled.then(later);
          else {
            this.now = time;
            resolve();
          }
        } catch (error) {
          reject(error);
        }
      };
      // Asked for amid promises, Node does it when none is left to settle: all that follows from an event happens before the
      // next one. A turn of the event loop would do the same in thrice the time.
      const later = () => process.nextTick(step);
      step();
    });
  }

  /** Whether there was anything to do until then. */
  #runNext(time: number): boolean {
    if (this.#immediate.length > 0) {
      for (const run of this.#immediate.splice(0)) run();
      return true;
    }
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      if (next.run === null) continue;
      this.now = next.at;
      this.events++;
      next.run();
      return true;
    }
    return false;
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

const settled = Promise.resolve();

function isBefore(a: Event, b: Event): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
