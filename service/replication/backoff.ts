import type { Io } from "./io.ts";

const first = 100;
const most = 15_000;

/** How long to leave a peer alone that failed: twice as long each time, and never in step with others. */
export class Backoff {
  readonly #io: Pick<Io, "monotonic" | "random">;
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  constructor(io: Pick<Io, "monotonic" | "random">) {
    this.#io = io;
  }

  isWaiting(): boolean {
    return this.#io.monotonic() < this.#until;
  }

  /** There is a sign of life: tries again at once, and waits as long as before if that fails. */
  wake(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  succeeded(): void {
    this.#failures = 0;
    this.wake();
  }

  failed(): void {
    // Several calls under way fail for one reason: that is one failure.
    if (this.isWaiting()) return;
    const delay = Math.min(most, first * 2 ** this.#failures++);
    this.#until = this.#io.monotonic() + delay * (0.5 + this.#io.random());
  }
}
