import type { Readable } from "node:stream";
import { EntryCache } from "../../service/cache/entries.ts";
import { confirmHome, isDecidedAtHome, isDecidedHere } from "../../service/http/homes.ts";
import { type Namespace, Namespaces } from "../../service/http/namespaces.ts";
import { HybridClock } from "../../service/kv/clock.ts";
import { needsCurrent, type Operation } from "../../service/kv/decide.ts";
import type { Stored } from "../../service/kv/entry.ts";
import { type Path, shardOf } from "../../service/kv/path.ts";
import { parseSession } from "../../service/kv/session.ts";
import { localHints } from "../../service/queue/local.ts";
import type { BlobRequest } from "../../service/replication/io.ts";
import { Replication } from "../../service/replication/replication.ts";
import { Completeness } from "../../service/sessions/completeness.ts";
import { SessionBehindError, Sessions } from "../../service/sessions/sessions.ts";
import { Feed } from "../../service/store/feed.ts";
import type { StepResult, WriteRequest } from "../../service/store/jobs.ts";
import type { MemberStore } from "../../service/store/member.ts";
import { type Store, UnavailableError } from "../../service/store/port.ts";
import { Reader } from "../../service/store/reader.ts";
import { ClockSkewError, type Committed, Writer } from "../../service/store/writer.ts";
import { memorySettings } from "../support/memory/catalog.ts";
import { memoryMember } from "../support/memory/member.ts";
import { memoryStore } from "../support/memory/store.ts";
import { type Cloud, epoch } from "./cloud.ts";
import { homed, isHomed } from "./homed.ts";
import type { CacheClient } from "./shared-cache.ts";
import { Violation, type World } from "./world.ts";

/** Milliseconds that a clock may be off before its process refuses to write. */
const maxSkew = 5000;
/** Bytes of a value that go into the database; longer ones are blobs. */
const inlineBytes = 16;
/** Milliseconds that a write may take. */
const writeTimeout = 3000;
/** Milliseconds that other clouds have to confirm a write. */
const confirmTimeout = 2000;

/** Of a session; null begins one. */
export type Token = string | null;
/** An answer, with the cloud that decided it. */
export type Found = { readonly stored: Stored | null; readonly token: string; readonly cloud: Cloud };
export type Written = {
  readonly result: StepResult;
  readonly token: string;
  readonly cloud: Cloud;
  /** Decided as the home of the namespace. */
  readonly isAtHome: boolean;
};

/** One process of a cloud: the service but for HTTP and SQL, over a database that others share and a clock of its own. */
export class Process {
  readonly cloud: Cloud;
  readonly name: string;
  readonly #world: World;
  /** The other members, as its configuration has them. */
  readonly #peers: ReadonlySet<string>;
  readonly #replication: Replication;
  readonly #clock: HybridClock;
  readonly #writer: Writer;
  readonly #cache: EntryCache;
  readonly #member: MemberStore;
  readonly #namespaces: Namespaces;
  readonly #completeness: Completeness;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  #sessions: Sessions | null = null;
  readonly feed: Feed;
  readonly shared: CacheClient | null;
  isAlive = true;
  /** Rejects when the process is killed. */
  readonly death: Promise<never>;
  #die = (_error: Error) => {};
  #isReady = false;
  /** Milliseconds that its clock is ahead. */
  skew: number;

  constructor(cloud: Cloud, name: string, world: World) {
    const { scheduler } = world;
    this.cloud = cloud;
    this.name = name;
    this.#world = world;
    this.skew = scheduler.between(-200, 200);
    this.#peers = new Set(world.names.filter((peer) => peer !== cloud.name));
    this.death = new Promise((_, reject) => {
      this.#die = reject;
    });
    this.death.catch(() => {});
    this.#clock = new HybridClock(() => this.now());
    const store = this.#alive(memoryStore(cloud.db, cloud.name)) as unknown as Store;
    const reader = new Reader(store);
    this.shared = cloud.sharedCache?.connect() ?? null;
    this.#cache = new EntryCache({
      reader,
      shared: this.shared,
      monotonic: () => scheduler.now,
      databaseOffset: () => epoch,
      maxBytes: world.cacheBytes,
      complete: (path) => this.#completeness.ofShard(shardOf(path)),
      count: (tier) => world.count(`read from ${tier}`),
    });
    this.#namespaces = new Namespaces(this.#alive(memorySettings(cloud.db, cloud.name)), () => scheduler.now);
    this.#member = this.#alive(memoryMember(cloud.db, cloud.name)) as MemberStore;
    this.#sleep = (milliseconds) => this.#unlessDead(scheduler.sleep(milliseconds));
    this.#completeness = new Completeness({
      read: () => this.#member.watermarks(),
      monotonic: () => scheduler.now,
      sleep: this.#sleep,
      onTrouble: () => {},
    });
    this.feed = new Feed(store, () => {});
    const hints = localHints();
    const keep = (committed: Committed) => {
      this.#cache.committed(committed);
      this.feed.poke();
    };
    this.#writer = new Writer({
      store,
      reader,
      clock: this.#clock,
      now: () => this.now(),
      monotonic: () => scheduler.now,
      timeout: writeTimeout,
      namespaceNow: async (name) => {
        const known = cloud.db.livingNamespace(name);
        return known && { epoch: known.epoch, homeEpoch: known.homeEpoch ?? 0n };
      },
      checkClock: () => this.#mustWrite(),
      onCommitted: (committed) => {
        if (!this.isAlive) return;
        keep(committed);
        if (scheduler.chance(world.hintLoss)) world.count("hint lost");
        else hints.announce([...new Set(committed.rows.map(({ path }) => shardOf(path)))]);
      },
    });
    this.#replication = new Replication({
      peers: [...this.#peers],
      floorAge: 2000,
      floorInterval: 300,
      statementTimeout: 100,
      repairInterval: world.repairInterval,
      io: {
        store: this.#member,
        link: {
          call: (peer, bytes) => this.#unlessDead(world.network().call(cloud.name, peer, bytes)),
          blob: (peer, request) => this.#unlessDead(world.network().blob(cloud.name, peer, request)),
        },
        blobs: cloud.blobs,
        hints,
        clock: this.#clock,
        now: () => this.now(),
        monotonic: () => scheduler.now,
        random: scheduler.random,
        sleep: this.#sleep,
        process: name,
        onApplied: keep,
        onEvent: (event) => {
          if (event.kind === "trouble") {
            world.fail(event.error);
            world.note(`${name} ${event.peer}: ${event.error}`);
          } else if (event.kind !== "sent")
            world.count(`replication: ${event.kind}${event.kind === "refused" ? ` ${event.reason}` : ""}`);
        },
      },
    });
    this.#replication.onCatalogChanged(() => this.#namespaces.forgetAll());
  }

  /** Milliseconds since 1970 by this process's clock. */
  now(): number {
    return Math.floor(epoch + this.#world.scheduler.now + this.skew);
  }

  /** Resolves when it takes requests. */
  async start(): Promise<void> {
    await this.#member.join([...this.#peers], this.now());
    await this.#replication.open();
    const { incarnatedAt } = await this.#member.identity();
    this.#sessions = new Sessions({
      here: { cloud: this.cloud.name, since: incarnatedAt, members: this.#peers },
      cache: this.#cache,
      completeness: this.#completeness,
      clock: this.#clock,
      now: () => this.now(),
      bring: (peer, path) => this.#replication.bring(peer, path),
      sleep: this.#sleep,
    });
    this.#isReady = true;
    this.#replication.start();
    void this.#completeness.run();
  }

  /** Nothing that it waits for arrives any more; what its database has been told may still happen. */
  kill(): void {
    this.isAlive = false;
    void this.shared?.close();
    this.feed.close();
    this.#completeness.stop();
    this.#die(new Error("the process was killed"));
  }

  openBlob(request: BlobRequest): Promise<Readable | null> {
    if (!this.#isReady) return Promise.reject(new Error("refused"));
    return this.#unlessDead(this.#replication.openBlob(request));
  }

  receive(peer: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (!this.#isReady) return Promise.reject(new Error("refused"));
    return this.#unlessDead(this.#replication.receive(peer, bytes));
  }

  /**
   * Writes as the service does. Rejects with its errors, and never settles when the process is killed meanwhile. `passedBy`
   * is the cloud that was asked first.
   */
  async write(
    path: Path,
    operation: Operation,
    receipt: WriteRequest["receipt"],
    token: Token,
    passedBy: string | null = null,
  ): Promise<Written> {
    const sessions = this.#mustServe();
    const namespace = isHomed(path) ? await this.#unlessDead(this.#namespaces.get(homed)) : null;
    if (namespace !== null && !isDecidedHere(this.#place, { passedBy }, namespace))
      return this.#pass(namespace, (home) => home.write(path, operation, receipt, token, this.cloud.name));
    const session = token === null ? null : parseSession(token);
    if (session !== null) sessions.observe(session);
    if (needsCurrent(operation)) await this.#inSession(sessions.prepare(path, session));
    const home = namespace?.homeEpoch ? { homeEpoch: namespace.homeEpoch } : {};
    const steps = [{ path, epoch: 0n, ...home, operation: await this.#unlessDead(this.#received(operation)) }];
    const { results, replayed } = await this.#unlessDead(this.#writer.write({ steps, allOrNothing: false, receipt }));
    if (replayed) this.#world.count("retry answered from its receipt");
    const answer = { result: results[0]!, token: sessions.token(session, results[0]!.stored), cloud: this.cloud };
    return { ...answer, isAtHome: namespace !== null && namespace.home !== null };
  }

  /** The operation with a large value stored, as the service does before it decides. */
  async #received(operation: Operation): Promise<Operation> {
    if (operation.kind !== "put" || operation.value.size <= inlineBytes) return operation;
    const { scheduler, ledger, count } = this.#world;
    const { value } = operation;
    async function* upload() {
      await scheduler.sleep(scheduler.between(0, 50));
      yield value.body!;
    }
    const { digest } = await this.cloud.blobs.put(upload(), value.size);
    ledger.uploaded.add(digest);
    count("large value written");
    return { ...operation, value: { ...value, body: null, blob: digest } };
  }

  /** Waits until other clouds have committed what was written here. False: nobody knows. */
  confirm(path: Path, level: "peer" | "all"): Promise<boolean> {
    return this.#unlessDead(this.#replication.confirm([path], level, confirmTimeout));
  }

  /** As the service reads: nothing older than what the session has seen, in whichever cloud. */
  async read(
    path: Path,
    consistency: "cached" | "local" | "strong",
    token: Token,
    passedBy: string | null = null,
  ): Promise<Found> {
    const sessions = this.#mustServe();
    const namespace = consistency === "strong" ? await this.#unlessDead(this.#namespaces.get(homed)) : null;
    if (namespace !== null && !isDecidedAtHome(this.#place, { passedBy }, namespace, "a strong read"))
      return this.#pass(namespace, (home) => home.read(path, consistency, token, this.cloud.name));
    const session = token === null ? null : parseSession(token);
    const { stored } = await this.#inSession(sessions.read(path, consistency, session));
    if (namespace !== null) await this.#unlessDead(confirmHome(this.#place, namespace));
    return { stored, token: sessions.token(session, stored), cloud: this.cloud };
  }

  /** What a session saw of a cloud that was removed for good binds nobody once those who stay were compared. */
  #inSession<T>(answer: Promise<T>): Promise<T> {
    const isRemoved = (cloud: string) =>
      cloud !== this.cloud.name && !this.#peers.has(cloud) && !this.#completeness.binding.has(cloud);
    const isBound = (error: unknown) => error instanceof SessionBehindError && error.clouds.some(isRemoved);
    const judged = answer.catch((error) => {
      throw isBound(error) ? new Violation(`${this.name} waits for a cloud that was removed: ${error.message}`) : error;
    });
    return this.#unlessDead(judged);
  }

  /** Makes this cloud the home of the namespace that may have one. */
  async moveHome(isForced: boolean): Promise<void> {
    await this.#unlessDead(this.#replication.homes.take(homed, isForced));
    this.#namespaces.forget(homed);
    this.#replication.announceCatalog();
  }

  /** Ends the membership of another cloud, as the route does. */
  async expel(cloud: string): Promise<void> {
    const known = (await this.#member.peers()).find(({ peer }) => peer === cloud)!;
    await this.#member.expel(cloud, Math.max(known.incarnatedAt, this.now()));
  }

  get #place() {
    return { cloud: this.cloud.name, peers: { replication: this.#replication }, namespaces: this.#namespaces };
  }

  #pass<T>({ home }: Namespace, serve: (home: Process) => Promise<T>): Promise<T> {
    this.#world.count("passed on to the home");
    return this.#unlessDead(this.#world.network().pass(this.cloud.name, home!, serve));
  }

  /** As its readiness says: nobody is sent here before. */
  #mustServe(): Sessions {
    if (!this.isServing) throw new Error("not ready");
    return this.#sessions!;
  }

  #mustWrite(): void {
    if (Math.abs(this.skew) > maxSkew) throw new ClockSkewError("clock-skew");
    if (this.#isUnfit()) throw new UnavailableError("not ready");
  }

  get isServing(): boolean {
    return this.isAlive && this.#isReady && !this.#isUnfit();
  }

  #isUnfit(): boolean {
    return this.#replication.isRecovering() || this.#replication.isExpelled();
  }

  #alive<T extends object>(target: T): T {
    const wrapped = Object.entries(target).map(([name, value]) => [
      name,
      typeof value === "function" ? (...args: unknown[]) => this.#unlessDead(value(...args)) : value,
    ]);
    return Object.fromEntries(wrapped);
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
