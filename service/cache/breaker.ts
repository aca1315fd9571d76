/** Failures in a row after which the server is left alone. */
const threshold = 3;

/** Milliseconds until the first probe, and at most between probes; each pause is twice the one before. */
const firstPause = 100;
const longestPause = 2000;

/**
 * Leaves a server alone that does not answer, so that requests do not wait for it one by one. While it is open, nothing
 * is asked but a probe now and then; the first probe that succeeds closes it.
 */
export class Breaker {
  readonly #probe: () => Promise<boolean>;
  readonly #changed: () => void;
  #failures = 0;
  #pause = firstPause;
  #timer: NodeJS.Timeout | null = null;

  /** `probe` says whether the server answers and never rejects; `changed` is called when the breaker opens or closes. */
  constructor(probe: () => Promise<boolean>, changed: () => void) {
    this.#probe = probe;
    this.#changed = changed;
  }

  get open(): boolean {
    return this.#timer !== null;
  }

  succeeded(): void {
    if (this.open) return;
    this.#failures = 0;
    // Only here, not when a probe succeeds: where probes succeed and nothing else, the pauses must still grow.
    this.#pause = firstPause;
  }

  failed(): void {
    if (this.open || ++this.#failures < threshold) return;
    this.#wait();
    this.#changed();
  }

  /** Ends the probing. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(): void {
    const timer = setTimeout(async () => {
      const answered = await this.#probe();
      if (this.#timer !== timer) return;
      if (!answered) return this.#wait();
      this.#timer = null;
      this.#failures = 0;
      this.#changed();
    }, this.#pause);
    this.#timer = timer.unref();
    this.#pause = Math.min(2 * this.#pause, longestPause);
  }
}
