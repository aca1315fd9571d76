import type { Health } from "./http/service.ts";
import type { Now } from "./kv/clock.ts";
import type { Probe, Store } from "./store/port.ts";
import { ClockSkewError } from "./store/writer.ts";

/** Milliseconds between probes of the write path. */
const interval = 1000;
/** Milliseconds without a good probe after which the process is not ready. */
const notReadyAfter = 3000;
/** Milliseconds without a good probe after which the API refuses connections, so that the edge goes elsewhere at once. */
const closeAfter = 10_000;
/** Good probes in a row that open it again. */
const reopenAfter = 3;
/** Milliseconds that a process's clock may differ from the database's: a stamp from the future would poison a key. */
const maxSkew = 5000;

export type HealthOptions = {
  readonly store: Store;
  readonly now: Now;
  readonly monotonic: Now;
  readonly databaseVersion: string;
  /** Why the database must not serve, as its peers see it; null: it may. */
  readonly unfit: () => string | null;
  readonly onClose: () => void;
  readonly onReopen: () => Promise<void>;
  readonly onTrouble: (message: string, error?: unknown) => void;
};

/** Watches the database's write path, clock and horizon, once a second. */
export class HealthMonitor implements Health {
  readonly #options: HealthOptions;
  #timer: NodeJS.Timeout | null = null;
  #probing = false;
  #draining = false;
  #drained = false;
  #closed = false;
  #goodInRow = 0;
  #lastGood = Number.NEGATIVE_INFINITY;
  /** Database's wall clock minus our monotonic clock. */
  #offset = 0;
  #horizon = 0;
  /** Probes' transactions and when they were: the horizon's age is that of the newest one below it. */
  #history: { readonly transaction: number; readonly at: number }[] = [];

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Probes once, so that clock and readiness are known; then goes on by itself. Rejects when the database cannot be asked. */
  async start(): Promise<void> {
    await this.#probe();
    this.#timer = setInterval(() => void this.#tick(), interval);
  }

  async #tick(): Promise<void> {
    if (this.#probing) {
      this.#judge();
      return;
    }
    this.#probing = true;
    try {
      await this.#probe();
    } catch (error) {
      if (this.#goodInRow > 0) this.#options.onTrouble("the database's write path fails", error);
      this.#goodInRow = 0;
    } finally {
      this.#probing = false;
      this.#judge();
    }
  }

  async #probe(): Promise<void> {
    const { store, monotonic } = this.#options;
    const before = monotonic();
    const probe: Probe = await store.probe();
    const after = monotonic();
    // The middle of the call is off by half its length at most: slow probes say little about the clock.
    const offset = probe.databaseNow - (before + after) / 2;
    if (after - before < 50 || this.#goodInRow === 0 || Math.abs(offset - this.#offset) > 1000) this.#offset = offset;
    this.#lastGood = after;
    this.#goodInRow++;
    this.#horizon = probe.horizon;
    this.#drained = probe.drained;
    this.#history.push({ transaction: probe.transaction, at: before });
    while (this.#history.length > 1 && this.#history[1]!.transaction < this.#horizon) this.#history.shift();
    if (this.#history.length > 100_000) this.#history.splice(1, 1);
  }

  #judge(): void {
    const { onClose, onReopen, onTrouble, monotonic } = this.#options;
    if (this.#draining) return;
    if (!this.#closed && monotonic() - this.#lastGood > closeAfter) {
      this.#closed = true;
      onTrouble("the listener closes until the database takes writes again");
      onClose();
    } else if (this.#closed && this.#goodInRow >= reopenAfter) {
      onReopen().then(
        () => {
          this.#closed = false;
          onTrouble("the listener is open again");
        },
        (error) => onTrouble("the listener could not be opened again", error),
      );
    }
  }

  notReady(): string | null {
    if (this.#draining) return "shutting down";
    if (this.#options.monotonic() - this.#lastGood > notReadyAfter) return "the database does not take writes";
    const unfit = this.#options.unfit();
    if (unfit !== null) return unfit;
    if (this.#drained) return "drained by an administrator";
    if (Math.abs(this.skew()) > maxSkew) return "this process's clock is wrong";
    return null;
  }

  /** Throws when a write must not be stamped with this process's clock. */
  checkClock(): void {
    const skew = this.skew();
    if (Math.abs(skew) <= maxSkew) return;
    throw new ClockSkewError(
      `this process's clock is ${(skew / 1000).toFixed(1)} s off the database's, more than ${maxSkew / 1000} s; nothing was written`,
    );
  }

  /** Our wall clock minus the database's, in milliseconds, as of now: also when ours has jumped since the last probe. */
  skew(): number {
    return this.#options.now() - (this.#options.monotonic() + this.#offset);
  }

  databaseOffset(): number {
    return this.#offset;
  }

  /** Milliseconds since the horizon last passed a probe. About zero while nothing holds it back. */
  horizonAge(): number {
    const held = this.#history.find(({ transaction }) => transaction >= this.#horizon);
    return held === undefined || held === this.#history.at(-1) ? 0 : this.#options.monotonic() - held.at;
  }

  /** An administrator keeps clients away from this cloud. */
  drained(): boolean {
    return this.#drained;
  }

  draining(): boolean {
    return this.#draining;
  }

  drain(): void {
    this.#draining = true;
  }

  databaseVersion(): string {
    return this.#options.databaseVersion;
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }
}
