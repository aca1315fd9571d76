import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HybridClock } from "../../../service/kv/clock.ts";
import type { NewValue } from "../../../service/kv/decide.ts";
import { shardOf } from "../../../service/kv/path.ts";
import type { Version } from "../../../service/kv/version.ts";
import { localHints } from "../../../service/queue/local.ts";
import type { Event, Link } from "../../../service/replication/io.ts";
import { Replication } from "../../../service/replication/replication.ts";
import { memoryBlobs } from "./blobs.ts";
import { MemoryDatabase } from "./database.ts";
import { memoryMember } from "./member.ts";
import { memoryStore } from "./store.ts";

/** Called for each message and blob on its way; may wait, fail, or pass on. */
export type Route = <T>(from: string, to: string, kind: "call" | "blob", pass: () => Promise<T>) => Promise<T>;

/** Time passes so many times faster, so that nobody waits for what replication does once a second. */
const haste = 20;
const startedAt = Date.now();
const elapsed = () => performance.now() * haste;
const wallClock = () => Math.floor(startedAt + elapsed());

/** A cloud of one process, its database and blobs in memory, that replicates over calls of functions. */
export class MemoryCloud {
  readonly name: string;
  readonly db = new MemoryDatabase({ now: wallClock, pass: async () => {} });
  readonly blobs = memoryBlobs();
  readonly member;
  readonly replication: Replication;
  readonly events: Event[] = [];
  /** Milliseconds that its clock is ahead. */
  skew = 0;
  readonly #store;
  readonly #hints = localHints();
  readonly #clock = new HybridClock(() => this.now());
  readonly #ended = new AbortController();

  constructor(name: string, peers: readonly string[], link: Link) {
    this.name = name;
    this.member = memoryMember(this.db, name);
    this.#store = memoryStore(this.db, name);
    this.replication = new Replication({
      peers,
      floorAge: 3_600_000,
      floorInterval: 1000,
      statementTimeout: 100,
      repairInterval: 3_600_000,
      io: {
        store: this.member,
        link,
        blobs: this.blobs,
        hints: this.#hints,
        clock: this.#clock,
        now: () => this.now(),
        monotonic: elapsed,
        random: Math.random,
        sleep: (milliseconds) => sleep(milliseconds / haste, undefined, { signal: this.#ended.signal }).catch(() => {}),
        process: randomUUID(),
        onApplied: () => {},
        onEvent: (event) => this.events.push(event),
      },
    });
  }

  now(): number {
    return wallClock() + this.skew;
  }

  /** Writes a value: into the blobs when it is large. */
  async put(path: string, bytes: Buffer, isLarge = false): Promise<Version> {
    const facts = { size: bytes.length, contentType: null, contentEncoding: null, meta: null };
    const value: NewValue = isLarge
      ? { ...facts, body: null, blob: (await this.blobs.put(asChunks(bytes), bytes.length)).digest }
      : { ...facts, body: bytes, blob: null };
    const { stamps } = await this.#store.commit({
      writes: [{ path, epoch: 0n, expects: null, draft: { kind: "value", ...value, expiresAt: null } }],
      receipts: [],
      atomic: false,
      holds: [],
      keepVersions: false,
      clock: this.#clock.next(),
      now: this.now(),
    });
    this.#hints.announce([shardOf(path)]);
    return { time: stamps[0]!.time, origin: this.name };
  }

  /** The value as a reader here finds it: bytes that are not here are an error. */
  async get(path: string): Promise<string | null> {
    const { entry } = this.db.entries.get(path) ?? {};
    if (entry?.kind !== "value") return null;
    if (entry.blob === null) return String(entry.body);
    return String(Buffer.concat(await (await this.blobs.open(entry.blob))!.toArray()));
  }

  async stop(): Promise<void> {
    const ended = this.replication.stop();
    this.#ended.abort();
    await ended;
  }
}

/**
 * Clouds of which each names others as its peers, all unless `peersOf` says less; `route.through` is what lies between them.
 * Started by the caller, ended by `stop`.
 */
export async function memoryClouds(
  names: readonly string[],
  route: { through: Route },
  peersOf = (name: string): readonly string[] => names.filter((other) => other !== name),
) {
  const clouds = new Map<string, MemoryCloud>();
  for (const name of names) {
    const link: Link = {
      call: (peer, bytes) =>
        route.through(name, peer, "call", () => clouds.get(peer)!.replication.receive(name, bytes)),
      blob: (peer, request) => route.through(name, peer, "blob", () => clouds.get(peer)!.replication.openBlob(request)),
    };
    clouds.set(name, new MemoryCloud(name, peersOf(name), link));
  }
  for (const { name, member, replication } of clouds.values()) {
    await member.join(peersOf(name), wallClock());
    await replication.open();
  }
  return clouds;
}

async function* asChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
