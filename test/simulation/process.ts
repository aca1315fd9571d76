import { EntryCache } from "../../service/cache/entries.ts";
import { HybridClock } from "../../service/kv/clock.ts";
import { decide, needsCurrent, type Operation, stamp } from "../../service/kv/decide.ts";
import type { Entry, Stored } from "../../service/kv/entry.ts";
import { type Path, shardOf } from "../../service/kv/path.ts";
import { localHints } from "../../service/queue/local.ts";
import { Replication } from "../../service/replication/replication.ts";
import type { MemberStore } from "../../service/store/member.ts";
import type { Store } from "../../service/store/port.ts";
import { Reader } from "../../service/store/reader.ts";
import { memoryMember } from "../support/memory/member.ts";
import { memoryStore } from "../support/memory/store.ts";
import { type Cloud, epoch } from "./cloud.ts";
import type { Ledger } from "./ledger.ts";
import type { Network } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

/** Milliseconds that a clock may be off before its process refuses to write. */
const maxSkew = 5000;

/** What all processes share. */
export type World = {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly network: () => Network;
  readonly names: readonly string[];
  readonly count: (fault: string) => void;
  readonly note: (text: string) => void;
  /** Milliseconds between repairs that nothing calls for: never in half of the runs, where the feed must bring everything. */
  readonly repairInterval: number;
  /** Probability that a hint gets lost. */
  hintLoss: number;
};

export type Outcome = { readonly entry: Entry | null; readonly written: boolean; readonly stored: Stored | null };

/** One process of a cloud: the real replication and cache, over a database that others share and a clock of its own. */
export class Process {
  readonly cloud: Cloud;
  readonly name: string;
  readonly #world: World;
  readonly #replication: Replication;
  readonly #store: Store;
  readonly #clock: HybridClock;
  cache: EntryCache;
  isAlive = true;
  #isReady = false;
  /** Milliseconds that its clock is ahead. */
  skew: number;
  readonly #announce: (shards: readonly number[]) => void;

  constructor(cloud: Cloud, name: string, world: World) {
    const { scheduler } = world;
    this.cloud = cloud;
    this.name = name;
    this.#world = world;
    this.skew = scheduler.between(-200, 200);
    this.#clock = new HybridClock(() => this.now());
    this.#store = this.#alive(memoryStore(cloud.db, cloud.name)) as unknown as Store;
    this.cache = this.#newCache();
    const hints = localHints();
    this.#announce = (shards) => {
      if (scheduler.chance(world.hintLoss)) world.count("hint lost");
      else hints.announce(shards);
    };
    this.#replication = new Replication({
      peers: world.names.filter((peer) => peer !== cloud.name),
      floorAge: 2000,
      floorInterval: 300,
      statementTimeout: 100,
      repairInterval: world.repairInterval,
      io: {
        store: this.#alive(memoryMember(cloud.db, cloud.name)) as MemberStore,
        link: { call: (peer, bytes) => this.#unlessDead(world.network().call(cloud.name, peer, bytes)) },
        hints,
        clock: this.#clock,
        now: () => this.now(),
        monotonic: () => scheduler.now,
        random: scheduler.random,
        sleep: (milliseconds) => this.#unlessDead(scheduler.sleep(milliseconds)),
        process: name,
        onApplied: (committed) => this.cache.committed(committed),
        onEvent: (event) => {
          if (event.kind === "trouble") world.note(`${name} ${event.peer}: ${event.error}`);
          if (event.kind === "trouble" || event.kind === "sent") return;
          world.count(`replication: ${event.kind}${event.kind === "refused" ? ` ${event.reason}` : ""}`);
        },
      },
    });
  }

  /** Milliseconds since 1970 by this process's clock. */
  now(): number {
    return Math.floor(epoch + this.#world.scheduler.now + this.skew);
  }

  /** Resolves when it takes requests. */
  async start(): Promise<void> {
    await this.#replication.join();
    this.#isReady = true;
    this.#replication.start();
  }

  /** Nothing that it waits for arrives any more; what its database has been told may still happen. */
  kill(): void {
    this.isAlive = false;
  }

  receive(peer: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (!this.#isReady) return Promise.reject(new Error("refused"));
    return this.#unlessDead(this.#replication.receive(peer, bytes));
  }

  #newCache(): EntryCache {
    return new EntryCache({
      reader: new Reader(this.#store),
      shared: null,
      monotonic: () => this.#world.scheduler.now,
      databaseOffset: () => epoch,
      maxBytes: 20_000,
      count: () => {},
    });
  }

  loseCache(): void {
    this.cache = this.#newCache();
  }

  /** Decided and written as the service does it, without the batches of other requests. Rejects when nobody knows. */
  async write(path: Path, operation: Operation): Promise<Outcome> {
    this.#mustServe();
    if (Math.abs(this.skew) > maxSkew) throw new Error("clock skew");
    for (let attempt = 0; attempt < 10; attempt++) {
      const startedAt = this.#world.scheduler.now;
      const current = needsCurrent(operation) ? (await this.#store.read([path])).rows[0]! : undefined;
      const decision = decide(operation, current ?? null, this.now(), this.cloud.name);
      if (decision.do !== "write") return { entry: current?.entry ?? null, written: false, stored: current ?? null };
      const expects = current === undefined ? null : (current?.changed ?? 0);
      const write = { path, epoch: 0n, expects, draft: decision.draft };
      const commit = {
        receipts: [],
        atomic: false,
        holds: [],
        keepVersions: false,
        clock: this.#clock.next(),
        now: this.now(),
      };
      const answer = await this.#store.commit({ writes: [write], ...commit });
      const stamped = answer.stamps[0]!;
      if (stamped === null) continue;
      this.#clock.observe(stamped.time);
      const entry = stamp(decision.draft, stamped.time, this.cloud.name, stamped.seen);
      const stored = { entry, changed: stamped.changed };
      this.cache.committed({ rows: [{ path, stored }], horizon: answer.horizon, startedAt });
      this.#announce([shardOf(path)]);
      return { entry, written: true, stored };
    }
    throw new Error("other writers were faster every time");
  }

  /** As the service reads: a record from before what the session has seen is not served to it. */
  async read(path: Path, consistency: "cached" | "local", seen: number): Promise<Stored | null> {
    this.#mustServe();
    if (consistency === "local") return (await this.cache.fresh(path)).stored;
    const record = await this.cache.get(path);
    if (seen === 0 || seen < record.horizon) return record.stored;
    return (await this.cache.fresh(path)).stored;
  }

  /** As its readiness says: nobody is sent here before. */
  #mustServe(): void {
    if (!this.#isReady || this.#replication.isRecovering()) throw new Error("not ready");
  }

  #alive<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value = Reflect.get(object, name);
        return typeof value === "function"
          ? (...args: unknown[]) => this.#unlessDead(value.apply(object, args))
          : value;
      },
    });
  }

  #unlessDead<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.isAlive && resolve(value),
        (error) => this.isAlive && reject(error),
      );
    });
  }
}
