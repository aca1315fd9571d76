import type { CatalogPosition, CatalogRow } from "../kv/catalog.ts";
import { hybridTime, maxAhead } from "../kv/clock.ts";
import { ask } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { CatalogPage } from "./protocol.ts";

/** Rows in one message: the newest ones, among which what differs nearly always is. */
const pageRows = 200;
/** Milliseconds until catalogs that stayed different are compared again: one of them holds a row from the future. */
const restBetweenPasses = 5000;

/** Namespaces and API keys of this cloud, for its peers. */
export class Catalog {
  readonly #io: Io;
  readonly #listeners: (() => void)[] = [];
  readonly #met = new Set<string>();
  #seen: bigint | null = null;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Calls back when the catalog has become another one, whoever changed it: what was remembered of it may be wrong. */
  listen(callback: () => void): void {
    this.#listeners.push(callback);
  }

  /** Equal where catalogs are. */
  async digest(): Promise<bigint> {
    const digest = await this.#io.store.catalogDigest();
    const isOther = this.#seen !== null && this.#seen !== digest;
    this.#seen = digest;
    if (isOther) for (const callback of this.#listeners) callback();
    return digest;
  }

  /** All that the peer's catalog holds has come here, but for rows from the future. */
  meet(peer: string): void {
    this.#met.add(peer);
  }

  /** Peers that this process has met since it began. */
  get met(): ReadonlySet<string> {
    return this.#met;
  }

  /** Rows behind a position, the newest first. */
  async page(after: CatalogPosition | null): Promise<CatalogPage> {
    const digest = await this.digest();
    return { digest, rows: await this.#io.store.catalogRows(after, pageRows) };
  }

  /**
   * Takes rows of a peer in. Those from the future stay with the peer, which offers them until their time has come: nobody
   * could change such a row here before. Returns the digest with the others merged.
   */
  async merge(rows: readonly CatalogRow[]): Promise<bigint> {
    const newest = hybridTime(this.#io.now() + maxAhead);
    const due = rows.filter(({ time }) => time <= newest);
    if (due.length > 0) await this.#io.store.mergeCatalog(due);
    return this.digest();
  }
}

export type CatalogExchangeOptions = {
  readonly io: Io;
  readonly peer: string;
  readonly catalog: Catalog;
  /** The peer has come to hold the same catalog as this cloud, another one than it was known to hold before. */
  readonly onAgreed: () => Promise<void>;
};

/**
 * Keeps the catalogs of this cloud and a peer equal. Each pass swaps pages of both, the newest rows first, until the
 * digests agree: rows are only ever merged, so nothing that is lost, repeated or late on the way does any harm.
 */
export class CatalogExchange {
  readonly #options: CatalogExchangeOptions;
  #agreedOn: bigint | null = null;
  #agreements = 0;
  #wanted = false;
  #running = false;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(options: CatalogExchangeOptions) {
    this.#options = options;
  }

  /** Times that the two have come to agree since this process began. */
  get agreements(): number {
    return this.#agreements;
  }

  digest(): Promise<bigint> {
    return this.#options.catalog.digest();
  }

  /** Whether a pass is due, by the digest that the peer tells with a heartbeat. A release that tells none has no catalog. */
  async isDue(mine: bigint, theirs: bigint | null): Promise<boolean> {
    if (theirs === null || theirs === mine) {
      await this.#agree(mine);
      return false;
    }
    return this.#options.io.monotonic() >= this.#restUntil;
  }

  /** Makes the two agree. While a pass is under way another one follows it, for what has changed since. */
  async run(): Promise<void> {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#wanted) {
        this.#wanted = false;
        await this.#pass();
      }
    } finally {
      this.#running = false;
    }
  }

  async #pass(): Promise<void> {
    const { io, peer, catalog } = this.#options;
    let mine: CatalogPosition | null = null;
    let theirs: CatalogPosition | null = null;
    for (;;) {
      const page: CatalogPage = await catalog.page(mine);
      const answer: CatalogPage = await ask(io, peer, { kind: "catalog", after: theirs, ...page }, "catalog");
      const digest = await catalog.merge(answer.rows);
      if (digest === answer.digest) return this.#agree(digest);
      if (page.rows.length < pageRows && answer.rows.length < pageRows) break;
      mine = page.rows.at(-1) ?? mine;
      theirs = answer.rows.at(-1) ?? theirs;
    }
    catalog.meet(peer);
    this.#restUntil = io.monotonic() + restBetweenPasses;
  }

  async #agree(digest: bigint): Promise<void> {
    this.#options.catalog.meet(this.#options.peer);
    this.#restUntil = Number.NEGATIVE_INFINITY;
    if (digest === this.#agreedOn) return;
    this.#agreedOn = digest;
    this.#agreements++;
    await this.#options.onAgreed();
  }
}
