import type { Path } from "../kv/path.ts";
import type { Cursor, SetAside } from "../store/member.ts";
import { Backoff } from "./backoff.ts";
import { type Catalog, CatalogExchange } from "./catalog.ts";
import { ask, RefusedError } from "./conversation.ts";
import { deliver } from "./delivery.ts";
import type { Io } from "./io.ts";

/** Rows of the feed in one window. Large, so that the many changes of a hot key become one entry. */
const windowRows = 1000;
/** Shards that are sent to one peer side by side. */
const maxActive = 4;
/** Milliseconds that a cursor is held without news of its holder: so long a shard stands still when a process is killed. */
const leaseMilliseconds = 8000;
/** Milliseconds between looks at all shards: finds what no hint told of, and tells the peer how far it is complete. */
const sweepInterval = 1000;
/** Milliseconds after a delivery until the peer hears that it is complete so far; batches of one moment share it. */
const claimDelay = 20;
/** While a peer catches up, this part of the time that a batch took is left to the requests of clients. */
const restShare = 0.5;
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
  /** Shards with news, and those that are being sent. */
  readonly #waiting = new Set<number>();
  readonly #active = new Set<number>();
  #claiming = false;
  /** When the peer was last known to have everything. */
  #caughtUpAt: number;

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
    } catch (error) {
      if (this.#stopped()) return;
      this.#backoff.failed();
      if (!(error instanceof RefusedError)) this.#io.onEvent({ kind: "trouble", peer: this.#peer, error });
    }
  }

  #pump(): void {
    if (this.#stopped() || this.#backoff.isWaiting()) return;
    for (const shard of this.#waiting) {
      if (this.#active.size >= maxActive) return;
      if (this.#active.has(shard)) continue;
      this.#waiting.delete(shard);
      this.#active.add(shard);
      void this.#attempt(() => this.#drain(shard)).finally(() => {
        this.#active.delete(shard);
        this.#pump();
      });
    }
  }

  /** Sends all that is behind the cursor of a shard, window by window. */
  async #drain(shard: number): Promise<void> {
    const { store, process, monotonic, sleep } = this.#io;
    for (;;) {
      const cursor = await store.lease(this.#peer, shard, process, leaseMilliseconds);
      // Another process sends this shard, and will see the news in its next window or the sweep's.
      if (cursor === null || this.#stopped()) return;
      const startedAt = monotonic();
      let more: boolean | null;
      try {
        more = await this.#step(cursor);
      } catch (error) {
        await store.release(cursor).catch(() => {});
        throw error;
      }
      if (more === null) return;
      if (!more) {
        await store.release(cursor);
        return;
      }
      await sleep((monotonic() - startedAt) * restShare);
    }
  }

  /** One window. Whether there is more, or null when the cursor is lost. */
  async #step(cursor: Cursor): Promise<boolean | null> {
    const { store } = this.#io;
    const due = await store.dueSetAside(this.#peer, cursor.shard, windowRows);
    if (due.length > 0 && !(await this.#deliver(cursor, due, cursor.position))) return null;
    const window = await store.window(cursor, windowRows);
    if (window === null) {
      await store.startRepair(this.#peer);
      return null;
    }
    if (window.paths.length === 0) return false;
    if (!(await this.#deliver(cursor, window.paths, window.to))) return null;
    return window.more;
  }

  /** Sends current entries, and moves the cursor once the peer has committed them. False: the lease was lost meanwhile. */
  async #deliver(cursor: Cursor, paths: readonly Path[], to: Cursor["position"]): Promise<boolean> {
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
    const moved = await this.#io.store.advance(cursor, to, delivered, setAside);
    this.#claimSoon();
    if (setAside.some(({ reason }) => reason === "unknown-namespace")) {
      // What has become known meanwhile was made due when nothing was set aside yet.
      if (agreements !== this.#catalog.agreements) await this.#retryUnknown();
      else this.pokeCatalog();
    }
    return moved;
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
