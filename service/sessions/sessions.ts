import type { Cached, EntryCache } from "../cache/entries.ts";
import { type HybridClock, hybridTime, maxAhead, type Now } from "../kv/clock.ts";
import type { Stored } from "../kv/entry.ts";
import { noMarks } from "../kv/marks.ts";
import { type Path, shardOf } from "../kv/path.ts";
import { extend, formatSession, type Here, lacks, type Seen, type Session, seenOf, type View } from "../kv/session.ts";
import type { Completeness } from "./completeness.ts";

/** Milliseconds that a request waits for what other clouds have yet to send: many times what replication takes. */
const waitTimeout = 2000;
/** Milliseconds that a peer gets to tell its state of a key. */
const askTimeout = 2000;

export type SessionsOptions = {
  readonly here: Omit<Here, "binding">;
  readonly cache: EntryCache;
  readonly completeness: Completeness;
  /** Stamps what this process writes. */
  readonly clock: HybridClock;
  /** Wall clock, milliseconds since 1970. */
  readonly now: Now;
  /** Merges the peer's current entry of the key into this cloud. Rejects when the peer cannot be asked. */
  readonly bring: (peer: string, path: Path) => Promise<void>;
  /** Resolves after that many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
};

/** Reads that are never older than what their session has seen, in whichever cloud that was. */
export class Sessions {
  readonly #options: SessionsOptions;
  #here: Here;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#here = { ...options.here, binding: options.completeness.binding };
  }

  get here(): Here {
    const { binding } = this.#options.completeness;
    if (this.#here.binding !== binding) this.#here = { ...this.#here, binding };
    return this.#here;
  }

  /** Whether what the cache holds may be served to the session. */
  mayServe(record: Cached, session: Session): boolean {
    return lacks(session, viewOf(record), this.here).length === 0;
  }

  /**
   * The key's state for a session: cached if that is fresh enough, else from the database, once this cloud has all that
   * the session saw. Rejects with a {@link SessionBehindError}, or with the store's errors.
   */
  async read(path: Path, consistency: "cached" | "local" | "strong", session: Session | null): Promise<Cached> {
    const { cache } = this.#options;
    if (session === null) return consistency !== "cached" ? cache.fresh(path) : cache.get(path);
    if (consistency === "cached") {
      const record = await cache.get(path);
      if (this.mayServe(record, session)) return record;
    }
    const record = await cache.fresh(path);
    if (this.#lacksIn(record, session).length === 0) return record;
    return this.#readLacking(path, session);
  }

  async #readLacking(path: Path, session: Session): Promise<Cached> {
    const { cache, completeness } = this.#options;
    const shard = shardOf(path);
    const holds = () => lacks(session, { ...wholly, complete: completeness.ofShard(shard) }, this.here).length === 0;
    if (await completeness.until(holds, waitTimeout)) return cache.fresh(path);
    // The key itself may have come, ahead of the word that nothing is missing any more.
    const record = await cache.fresh(path);
    const lacking = this.#lacksIn(record, session);
    if (lacking.length === 0) return record;
    await this.#askFor(path, lacking, session);
    return cache.fresh(path);
  }

  /** Brings what the session saw of the key from the cloud that has it all, or from each whose writes are missing. */
  async #askFor(path: Path, lacking: readonly string[], { witness }: Session): Promise<void> {
    const { members } = this.here;
    const ways: Promise<unknown>[] = [];
    // Who was expelled is not asked any more.
    if (lacking.every((cloud) => members.has(cloud)))
      ways.push(Promise.all(lacking.map((cloud) => this.#bring(cloud, path))));
    if (witness !== null && members.has(witness.cloud)) ways.push(this.#bring(witness.cloud, path));
    try {
      await Promise.any(ways);
    } catch {
      throw new SessionBehindError(lacking);
    }
  }

  async #bring(cloud: string, path: Path): Promise<void> {
    const { bring, sleep } = this.#options;
    const late = sleep(askTimeout).then(() => Promise.reject(new Error(`${cloud} did not answer in time`)));
    await Promise.race([bring(cloud, path), late]);
  }

  /**
   * Before any write of the session: gives it a version above all that was seen, so that it wins over that in every cloud.
   * A token is the client's word: the clock follows it no further than entries of other clouds.
   */
  observe({ newest }: Session): void {
    const { clock, now } = this.#options;
    if (newest <= hybridTime(now() + maxAhead)) clock.observe(newest);
  }

  /** Before a write that is decided on what is there: then that must not be older than what the session saw. */
  async prepare(path: Path, session: Session | null): Promise<void> {
    if (session === null) return;
    const complete = this.#options.completeness.ofShard(shardOf(path));
    if (lacks(session, { ...wholly, complete }, this.here).length > 0) await this.read(path, "local", session);
  }

  /** Before a read of many keys: waits until all of them are as new as what the session saw. Rejects as `read` does. */
  async prepareAll(session: Session | null): Promise<void> {
    if (session === null) return;
    const { completeness } = this.#options;
    const lacking = () => lacks(session, { ...wholly, complete: completeness.coverage.complete }, this.here);
    if (lacking().length === 0) return;
    if (!(await completeness.until(() => lacking().length === 0, waitTimeout))) throw new SessionBehindError(lacking());
  }

  /** The session after an answer that showed `seen`. */
  after(session: Session | null, seen: Seen): Session {
    return extend(session, seen, this.#options.completeness.coverage, this.here);
  }

  /** The token after an answer about `stored`. */
  token(session: Session | null, stored: Stored | null): string {
    return formatSession(this.after(session, seenOf(stored, this.here)));
  }

  /** A read from the database is of after the request: of this cloud's own writes it lacks none. */
  #lacksIn(record: Cached, session: Session): readonly string[] {
    return lacks(session, { ...viewOf(record), horizon: Number.POSITIVE_INFINITY }, this.here);
  }
}

const wholly = { horizon: Number.POSITIVE_INFINITY, stored: null };

function viewOf({ horizon, complete = noMarks, stored }: Cached): View {
  return { horizon, complete, stored };
}

/** This cloud lacks what the session has seen elsewhere, and cannot get it now. */
export class SessionBehindError extends Error {
  override readonly name = "SessionBehindError";
  /** Whose writes are missing. */
  readonly clouds: readonly string[];

  constructor(clouds: readonly string[]) {
    super(`this cloud has not yet got all that the session has seen of ${clouds.join(" and ")}`);
    this.clouds = clouds;
  }
}
