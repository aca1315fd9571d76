import type { Path } from "../kv/path.ts";
import { RefusedError } from "./conversation.ts";
import { deliver } from "./delivery.ts";
import type { Io } from "./io.ts";

/** Keys in one batch; their values bound it too. */
const maxKeys = 500;
/** Milliseconds until a key that the peer could not take is sent again: twice as long each time, between these. */
const firstPause = 50;
const longestPause = 1000;
/** Milliseconds between looks at whose time is over. */
const tick = 100;

/** Somebody who waits until keys that were just written are committed elsewhere too. */
type Waiter = { readonly deadline: number; readonly settle: (confirmed: boolean) => void; settled: boolean };

/** What one peer must have committed for a waiter. */
type Errand = { readonly waiter: Waiter; readonly left: Set<Path>; readonly onDone: () => void; tries: number };

/** Writes that are answered only when other clouds have committed them: sent at once, without waiting for the feed. */
export class Confirmation {
  readonly #io: Io;
  readonly #couriers: ReadonlyMap<string, Courier>;
  readonly #isExpelled: (peer: string) => boolean;
  readonly #stopped: () => boolean;
  readonly #waiters = new Set<Waiter>();

  constructor(io: Io, peers: readonly string[], isExpelled: (peer: string) => boolean, stopped: () => boolean) {
    this.#io = io;
    this.#isExpelled = isExpelled;
    this.#stopped = stopped;
    this.#couriers = new Map(peers.map((peer) => [peer, new Courier(io, peer, stopped)]));
  }

  /**
   * Whether one peer, or every peer that is not expelled, has committed what these keys are now, or something newer, within so many
   * milliseconds. All of the keys: of a transaction one peer has the whole. False says nothing of what peers have.
   */
  confirm(paths: readonly Path[], level: "peer" | "all", milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const couriers = [...this.#couriers].flatMap(([peer, courier]) => (this.#isExpelled(peer) ? [] : [courier]));
      let missing = level === "all" ? couriers.length : 1;
      const waiter: Waiter = {
        deadline: this.#io.monotonic() + milliseconds,
        settled: false,
        settle: (confirmed) => {
          waiter.settled = true;
          this.#waiters.delete(waiter);
          resolve(confirmed);
        },
      };
      const onDone = () => {
        if (--missing === 0) waiter.settle(true);
      };
      this.#waiters.add(waiter);
      if (this.#waiters.size === 1) void this.#expire();
      for (const courier of couriers) courier.send({ waiter, left: new Set(paths), onDone, tries: 0 });
    });
  }

  async #expire(): Promise<void> {
    while (this.#waiters.size > 0) {
      await this.#io.sleep(tick);
      for (const waiter of this.#waiters)
        if (this.#stopped() || waiter.deadline <= this.#io.monotonic()) waiter.settle(false);
    }
  }
}

/** The way to one peer: one batch is under way while the next one forms, however many wait. */
class Courier {
  readonly #io: Io;
  readonly #peer: string;
  readonly #stopped: () => boolean;
  #waiting: Errand[] = [];
  #isBusy = false;
  #failures = 0;

  constructor(io: Io, peer: string, stopped: () => boolean) {
    this.#io = io;
    this.#peer = peer;
    this.#stopped = stopped;
  }

  send(errand: Errand): void {
    if (errand.waiter.settled) return;
    this.#waiting.push(errand);
    this.#pump();
  }

  #pump(): void {
    if (this.#isBusy || this.#stopped() || this.#waiting.length === 0) return;
    this.#isBusy = true;
    void this.#run().finally(() => {
      this.#isBusy = false;
      this.#pump();
    });
  }

  async #run(): Promise<void> {
    // The writes of one commit are answered right behind each other: they go together.
    await this.#io.sleep(0);
    const errands = this.#take();
    const paths = [...new Set(errands.flatMap(({ left }) => [...left]))];
    if (paths.length === 0) return;
    try {
      const { sent, refused, quarantined } = await deliver(this.#io, this.#peer, paths);
      this.#failures = 0;
      const missing = new Set(refused.map(({ path }) => path));
      // What the peer keeps for later may yet lose, and nobody can read it there.
      const committed = sent.filter((path) => quarantined?.has(path) === false && !missing.has(path));
      this.#settle(errands, new Set(committed), new Set(sent));
    } catch (error) {
      if (!(error instanceof RefusedError)) this.#io.onEvent({ kind: "trouble", peer: this.#peer, error });
      await this.#io.sleep(pauseAfter(this.#failures++));
      this.#waiting.unshift(...errands);
    }
  }

  /** The first in line whose keys fit into a batch; those whose time is over are not sent any more. */
  #take(): Errand[] {
    this.#waiting = this.#waiting.filter(({ waiter }) => !waiter.settled);
    let keys = 0;
    let end = 0;
    for (; end < this.#waiting.length; end++) {
      keys += this.#waiting[end]!.left.size;
      if (end > 0 && keys > maxKeys) break;
    }
    return this.#waiting.splice(0, end);
  }

  #settle(errands: readonly Errand[], committed: ReadonlySet<Path>, sent: ReadonlySet<Path>): void {
    for (const errand of errands) {
      const { left } = errand;
      for (const path of left) if (committed.has(path)) left.delete(path);
      if (left.size === 0) errand.onDone();
      // What did not fit is next; what could not be taken may be taken a little later.
      else if ([...left].every((path) => !sent.has(path))) this.send(errand);
      else void this.#io.sleep(pauseAfter(errand.tries++)).then(() => this.send(errand));
    }
  }
}

function pauseAfter(failures: number): number {
  return Math.min(longestPause, firstPause * 2 ** failures);
}
