import type { CacheRecord, SharedCache } from "../../service/cache/port.ts";
import { maxAge } from "../../service/cache/port.ts";
import { decodeRecord, encodeRecord, orderBytes } from "../../service/cache/record.ts";
import type { Path } from "../../service/kv/path.ts";
import type { Scheduler } from "./scheduler.ts";

/** Milliseconds after which a process notices that it hears nothing any more, and those of a command that gets no answer. */
const pingTimeout = 1000;
const commandTimeout = 50;

type Change = { readonly path: Path; readonly newest: bigint };
type Handler = (changes: readonly Change[] | null) => void;

/** The cache that the processes of a cloud share, with its channel: slow, forgetful, sometimes away, and never needed. */
export class CacheServer {
  readonly #scheduler: Scheduler;
  readonly #records = new Map<Path, Buffer>();
  readonly clients = new Set<CacheClient>();
  isDown = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  connect(): CacheClient {
    const client = new CacheClient(this, this.#scheduler);
    this.clients.add(client);
    return client;
  }

  /** As a restart of the server does. Connections break with it. */
  lose(): void {
    this.#records.clear();
    for (const client of this.clients) client.cutOff(200);
  }

  goDown(milliseconds: number): void {
    this.isDown = true;
    for (const client of this.clients) client.cutOff(milliseconds);
    this.#scheduler.after(milliseconds, () => {
      this.isDown = false;
    });
  }

  find(path: Path): CacheRecord | undefined {
    const bytes = this.#records.get(path);
    return bytes && decodeRecord(path, bytes);
  }

  /** Compares what the real server's script compares. */
  setIfNewer(path: Path, bytes: Buffer): void {
    const there = this.#records.get(path);
    if (there !== undefined && Buffer.compare(orderOf(there), orderOf(bytes)) >= 0) return;
    this.#records.set(path, bytes);
  }

  tell(sender: CacheClient, changes: readonly Change[] | null): void {
    for (const client of this.clients) if (client !== sender) client.hear(changes);
  }
}

function orderOf(record: Buffer): Buffer {
  return record.subarray(0, orderBytes);
}

/** A process's connections to the shared cache. */
export class CacheClient implements SharedCache {
  readonly #server: CacheServer;
  readonly #scheduler: Scheduler;
  readonly #handlers: Handler[] = [];
  listening = true;
  /** Until when nothing that others say arrives. */
  #deafUntil = 0;
  /** What it said did not get out: the others must be told so. */
  #lost = false;

  constructor(server: CacheServer, scheduler: Scheduler) {
    this.#server = server;
    this.#scheduler = scheduler;
  }

  get state(): "up" | "down" {
    return this.#server.isDown ? "down" : "up";
  }

  async get(paths: readonly Path[], now: number): Promise<readonly (CacheRecord | undefined)[]> {
    await this.#scheduler.sleep(this.#server.isDown ? commandTimeout : this.#scheduler.between(0.2, 3));
    return paths.map((path) => {
      const record = this.#server.isDown ? undefined : this.#server.find(path);
      return record !== undefined && now - record.readAt < maxAge ? record : undefined;
    });
  }

  fill(records: readonly CacheRecord[], _now: number): void {
    this.#keep(records, () => {});
  }

  publish(records: readonly CacheRecord[], _now: number): void {
    const changes = records.map(({ path, stored }) => ({ path, newest: stored?.entry.version.time ?? 0n }));
    this.#keep(records, () => this.#say(changes));
  }

  #say(changes: readonly Change[]): void {
    if (this.#server.isDown || this.#scheduler.now < this.#deafUntil) {
      this.#lost = true;
      return;
    }
    this.#server.tell(this, this.#lost ? null : changes);
    this.#lost = false;
  }

  #keep(records: readonly CacheRecord[], then: () => void): void {
    const written = records.map((record) => ({ path: record.path, bytes: encodeRecord(record) }));
    this.#scheduler.after(this.#latency(), () => {
      if (!this.#server.isDown) for (const { path, bytes } of written) this.#server.setIfNewer(path, bytes);
      then();
    });
  }

  /** A slow fill is what brings an old state after a newer one. */
  #latency(): number {
    return this.#scheduler.chance(0.02) ? this.#scheduler.between(20, 2000) : this.#scheduler.between(0.2, 3);
  }

  onInvalidate(handler: Handler): void {
    this.#handlers.push(handler);
  }

  hear(changes: readonly Change[] | null): void {
    this.#scheduler.after(this.#scheduler.between(0.2, 3), () => {
      if (this.#scheduler.now >= this.#deafUntil) for (const handler of this.#handlers) handler(changes);
    });
  }

  /** Breaks the channel for a while. The process notices late, and is told to forget everything when it hears again. */
  cutOff(milliseconds: number): void {
    const { now } = this.#scheduler;
    this.#deafUntil = Math.max(this.#deafUntil, now + milliseconds);
    this.#scheduler.after(Math.min(milliseconds, this.#scheduler.between(0, pingTimeout)), () => {
      this.listening = false;
    });
    this.#scheduler.after(milliseconds, () => {
      if (this.#scheduler.now < this.#deafUntil) return;
      for (const handler of this.#handlers) handler(null);
      this.listening = true;
    });
  }

  async spend(): Promise<undefined> {}

  async close(): Promise<void> {
    this.#server.clients.delete(this);
  }
}
