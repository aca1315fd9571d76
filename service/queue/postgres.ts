import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { Connections } from "../store/postgres/connection.ts";
import { Announcer } from "./announcer.ts";
import { Listeners } from "./listeners.ts";
import { decodeHint, encodeHint } from "./message.ts";
import type { Handler, HintEvents, Hints } from "./port.ts";

const channel = "skykv_hints";
/** Milliseconds that the database may take for what is asked of it here. */
const timeout = 2000;
/** Milliseconds between looks whether a connection that only listens is still one: a failover leaves it half open. */
const checkInterval = 10_000;
/** Milliseconds until a lost connection is made anew, doubled each time up to the second. */
const firstPause = 200;
const longestPause = 10_000;

export type PostgresHintsOptions = HintEvents & {
  readonly url: string;
};

/**
 * Hints by the cloud's own database, between all processes on it. NOTIFY serialises the commits of those that use it, so it
 * is never part of a write: it has a connection and a transaction of its own, once in a while, after the commit. A pooler
 * between must keep sessions, as for the rest of the service: by transactions, LISTEN is lost, and with it the hints.
 */
export class PostgresHints implements Hints {
  readonly #options: PostgresHintsOptions;
  readonly #connections: Connections;
  readonly #announcer: Announcer;
  readonly #listeners = new Listeners();
  readonly #closed = new AbortController();
  #listening: Promise<void> | null = null;

  constructor(options: PostgresHintsOptions) {
    const { url, onSent, onTrouble } = options;
    this.#options = options;
    this.#connections = new Connections({ url, timeout, onTrouble }, "hints", 1);
    this.#announcer = new Announcer(async (shards) => {
      await this.#connections.query("hint", "select pg_notify($1, $2)", [channel, encodeHint(shards)]);
      onSent();
    }, onTrouble);
  }

  announce(shards: readonly number[]): void {
    this.#announcer.announce(shards);
  }

  listen(handler: Handler): () => void {
    this.#listening ??= this.#listen();
    return this.#listeners.add(handler);
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closed;
    for (let pause = firstPause; !signal.aborted; pause = Math.min(longestPause, pause * 2)) {
      try {
        await this.#session(() => {
          pause = firstPause;
        });
      } catch (error) {
        if (!signal.aborted) this.#options.onTrouble(error);
      }
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Listens until the connection breaks, then rejects; resolves when this is closed. */
  async #session(onListening: () => void): Promise<void> {
    const { signal } = this.#closed;
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
      application_name: "skykv hints",
    });
    const ended = new AbortController();
    client.on("error", () => {}).on("end", () => ended.abort());
    client.on("notification", ({ payload }) => {
      this.#options.onReceived();
      this.#listeners.deliver(decodeHint(payload ?? ""));
    });
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      onListening();
      while (!signal.aborted) {
        const either = AbortSignal.any([signal, ended.signal]);
        await sleep(checkInterval, undefined, { signal: either, ref: false }).catch(() => {});
        if (!signal.aborted) await client.query("select");
      }
    } finally {
      // Not awaited: a server that is frozen never says goodbye.
      client.end().catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#announcer.close();
    this.#closed.abort();
    await this.#listening;
    await this.#connections.close();
  }
}
