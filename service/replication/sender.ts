import type { Path } from "../kv/path.ts";
import type { Cursor, SetAside, Window } from "../store/member.ts";
import { Backoff } from "./backoff.ts";
import { type Catalog, CatalogExchange } from "./catalog.ts";
import { ask, RefusedError } from "./conversation.ts";
import { deliver } from "./delivery.ts";
import type { Io } from "./io.ts";

/**
 * Rows of the feed in one window: so many that the many changes of a hot key become one entry, and so few that clients, who
 * wait while it is read and packed, hardly notice.
 */
const windowRows = 500;
/**
 * The same for the first window to a peer that was away; each that follows is twice as large. Both clouds have to warm up: what
 * they do then is compiled anew, and their memory is full of other things.
 */
const firstWindowRows = 50;
/** Milliseconds that cursors are held without news of their holder: so long shards stand still when a process is killed. */
const leaseMilliseconds = 8000;
/** Milliseconds between looks at all shards: finds what no hint told of, and tells the peer how far it is complete. */
const sweepInterval = 1000;
/**
 * Milliseconds from the start of one delivery to that of the next. The first write after a pause goes at once; those that
 * follow share batches, each of which costs both clouds as much as many entries. Not much more than the way to a cloud takes.
 */
const deliveryGap = 50;
/** Milliseconds after a delivery until the peer hears that it is complete so far; batches of one moment share it. */
const claimDelay = 100;
/**
 * While a peer catches up, so many times as long as the cursors' move took is left to the requests of clients. That move is
 * a small write, as those of clients are, and takes as long as theirs: little where there is room, more where there is
 * none.
 */
const restFactor = 12;
/** Milliseconds after which the next window follows, however busy the database is. */
const maxRest = 500;
/** Milliseconds until a key that the peer could not take is tried again. */
const setAsideDelay = 5000;
/** The same for a large value, whose bytes the peer is fetching. */
const blobDelay = 1000;

/** Sends one peer what entered here. Another peer has another sender: one that is slow or gone holds up nobody else. */
export class Sender {
  readonly #io: Io;
  readonly #peer: string;
  readonly #stopped: () => boolean;
  readonly #backoff: Backoff;
  readonly #catalog: CatalogExchange;
  /** Shards with news, and those that are being sent: by one drain. */
  readonly #waiting = new Set<number>();
  readonly #active = new Set<number>();
  #windowRows = firstWindowRows;
  #pausing = false;
  #claiming = false;
  /** When the peer was last known to have everything. */
  #caughtUpAt: number;
  /** Null: it does not. */
  #answersSince: number | null = null;

  constructor(io: Io, peer: string, catalog: Catalog, stopped: () => boolean) {
    this.#io = io;
    this.#peer = peer;
    this.#stopped = stopped;
    this.#backoff = new Backoff(io);
    this.#catalog = new CatalogExchange({ io, peer, catalog, onAgreed: () => this.#retryUnknown() });
    this.#caughtUpAt = io.monotonic();
  }

  get peer(): string {
    return this.#peer;
  }

  /** Milliseconds since the peer was last known to have everything; about a second while all is well. */
  lag(): number {
    return this.#io.monotonic() - this.#caughtUpAt;
  }

  /** Milliseconds since the peer began to answer, or answered again. */
  answersFor(): number {
    return this.#answersSince === null ? 0 : this.#io.monotonic() - this.#answersSince;
  }

  /** There is news in these shards, perhaps. */
  poke(shards: readonly number[]): void {
    for (const shard of shards) this.#waiting.add(shard);
    this.#pump();
  }

  /** The catalog here has changed, or the peer's is another one. */
  pokeCatalog(): void {
    if (!this.#backoff.isWaiting()) void this.#attempt(() => this.#catalog.run());
  }

  /** The peer has spoken: after a long outage it need not wait for the end of a long pause. */
  heard(): void {
    this.#backoff.wake();
  }

  /** Looks for news by itself until the process ends. */
  async run(): Promise<void> {
    while (!this.#stopped()) {
      if (!this.#backoff.isWaiting()) await this.#sweep();
      // Not in step with the other processes and clouds.
      await this.#io.sleep(sweepInterval * (0.75 + this.#io.random() / 2));
    }
  }

  async #sweep(): Promise<void> {
    await this.#attempt(async () => {
      const states = await this.#io.store.survey(this.#peer);
      const claims = states.filter(({ complete }) => complete > 0).map(({ shard, complete }) => ({ shard, complete }));
      this.poke(states.filter(({ behind }) => behind).map(({ shard }) => shard));
      const mine = await this.#catalog.digest();
      const { catalog } = await ask(this.#io, this.#peer, { kind: "heartbeat", claims, catalog: mine }, "heard");
      if (states.every(({ behind }) => !behind)) this.#caughtUpAt = this.#io.monotonic();
      if (await this.#catalog.isDue(mine, catalog)) this.pokeCatalog();
    });
  }

  /** Runs something that needs the peer; failures make all that follows wait. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#backoff.succeeded();
      this.#answersSince ??= this.#io.monotonic();
    } catch (error) {
      if (this.#stopped()) return;
      this.#windowRows = firstWindowRows;
      this.#backoff.failed();
      if (error instanceof RefusedError) return;
      this.#answersSince = null;
      this.#io.onEvent({ kind: "trouble", peer: this.#peer, error });
    }
  }

  #pump(): void {
    if (this.#pausing || this.#active.size > 0 || this.#stopped() || this.#backoff.isWaiting()) return;
    const chosen = this.#take();
    if (chosen.length === 0) return;
    this.#pausing = true;
    void this.#io.sleep(deliveryGap).then(() => {
      this.#pausing = false;
      this.#pump();
    });
    void this.#attempt(() => this.#drain(chosen)).finally(() => {
      this.#active.clear();
      this.#pump();
    });
  }

  /** The shards that wait; they are active from now on. */
  #take(): number[] {
    const taken = [...this.#waiting].filter((shard) => !this.#active.has(shard));
    for (const shard of taken) {
      this.#waiting.delete(shard);
      this.#active.add(shard);
    }
    return taken;
  }

  /** Sends all that is behind the cursors of some shards, and of those that join on the way, window by window. */
  async #drain(chosen: readonly number[]): Promise<void> {
    const { store } = this.#io;
    let cursors = await this.#lease(chosen);
    try {
      while (cursors.length > 0 && !this.#stopped()) {
        const window = await store.window(cursors, this.#windowRows);
        if (window === null) return await store.startRepair(this.#peer);
        if (window.paths.length === 0) return;
        cursors = await this.#deliver(cursors, window);
        this.#windowRows = Math.min(windowRows, this.#windowRows * 2);
        if (cursors.length === 0) return;
        // A long way to go must not keep the others waiting.
        const joining = this.#take();
        if (joining.length > 0) cursors = [...cursors, ...(await this.#lease(joining))];
      }
    } finally {
      if (cursors.length > 0) await store.release(cursors).catch(() => {});
    }
  }

  /** Without those that another process sends, which will see the news in its next window or the sweep's. */
  #lease(chosen: readonly number[]): Promise<readonly Cursor[]> {
    return this.#io.store.lease(this.#peer, chosen, this.#io.process, leaseMilliseconds);
  }

  /**
   * Sends current entries, and moves the cursors once the peer has committed them. Gives the cursors that are still held:
   * none when that was all, or the lease was lost meanwhile.
   */
  async #deliver(cursors: readonly Cursor[], { paths, to, more }: Window): Promise<readonly Cursor[]> {
    const { store, monotonic, sleep } = this.#io;
    const { agreements } = this.#catalog;
    const delivered: Path[] = [];
    const setAside: SetAside[] = [];
    for (let rest = paths; rest.length > 0; ) {
      const sent = await this.#send(rest);
      rest = rest.slice(sent.paths.length);
      delivered.push(...sent.paths.filter((path) => !sent.refused.some((one) => one.path === path)));
      setAside.push(...sent.refused);
    }
    // The order of commits decides: a cursor that moved before the peer's commit would forget what a crash there undid.
    const startedAt = monotonic();
    const moved = await store.advance(cursors, { to, delivered, setAside, hold: more ? leaseMilliseconds : 0 });
    const took = monotonic() - startedAt;
    if (setAside.some(({ reason }) => reason === "unknown-namespace")) {
      // What has become known meanwhile was made due when nothing was set aside yet.
      if (agreements !== this.#catalog.agreements) await this.#retryUnknown();
      else this.pokeCatalog();
    }
    if (moved !== null && more) {
      await sleep(Math.min(maxRest, took * restFactor));
      return moved;
    }
    this.#claimSoon();
    return [];
  }

  async #retryUnknown(): Promise<void> {
    this.poke(await this.#io.store.retryUnknown(this.#peer));
  }

  /** Sends as many of the keys as fit into a batch. */
  async #send(paths: readonly Path[]): Promise<{ paths: readonly Path[]; refused: readonly SetAside[] }> {
    const { onEvent, random } = this.#io;
    const { sent, refused } = await deliver(this.#io, this.#peer, paths);
    for (const { reason } of refused) onEvent({ kind: "set-aside", peer: this.#peer, reason });
    const delayOf = (reason: string) => (reason === "no-blob" ? blobDelay : setAsideDelay) * (0.5 + random());
    return { paths: sent, refused: refused.map((one) => ({ ...one, delay: delayOf(one.reason) })) };
  }

  /** Tells the peer how far it is complete, so that sessions need not wait for the next sweep. */
  #claimSoon(): void {
    if (this.#claiming) return;
    this.#claiming = true;
    void this.#io.sleep(claimDelay).then(async () => {
      this.#claiming = false;
      if (!this.#stopped() && !this.#backoff.isWaiting()) await this.#sweep();
    });
  }
}
