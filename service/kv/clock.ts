/** Wall-clock time in milliseconds since 1970. An argument everywhere, so that tests and simulations own time. */
export type Now = () => number;

/** Milliseconds that a version may be ahead of this clock: as far as processes may be wrong before they refuse to write. */
export const maxAhead = 5000;

const counterBits = 16n;

/** The hybrid logical time of a wall-clock instant, with counter 0. */
export function hybridTime(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds)) << counterBits;
}

/** The wall-clock part of a hybrid logical time, in milliseconds since 1970. */
export function milliseconds(time: bigint): number {
  return Number(time >> counterBits);
}

/**
 * A hybrid logical clock: follows wall time while that moves forward and counts on from the newest time seen while it
 * does not, so that times from `next` always grow and never fall behind anything this process has heard of.
 * A counter that overflows its 16 bits carries into the millisecond, which keeps the order.
 */
export class HybridClock {
  #last = 0n;
  readonly #now: Now;

  constructor(now: Now) {
    this.#now = now;
  }

  /** A time later than every time handed out or observed before. */
  next(): bigint {
    const wall = hybridTime(this.#now());
    this.#last = wall > this.#last ? wall : this.#last + 1n;
    return this.#last;
  }

  /** Takes note of a time that was stamped elsewhere, so that later ones from here are newer. */
  observe(time: bigint): void {
    if (time > this.#last) this.#last = time;
  }
}
