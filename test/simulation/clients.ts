import { maxAge, maxAgeDeaf } from "../../service/cache/port.ts";
import { type Operation, unconditional } from "../../service/kv/decide.ts";
import { type Entry, tagOf } from "../../service/kv/entry.ts";
import type { Path } from "../../service/kv/path.ts";
import type { WriteRequest } from "../../service/store/jobs.ts";
import { pick } from "../support/random.ts";
import { epoch } from "./cloud.ts";
import { isWrittenOnce, show } from "./ledger.ts";
import type { Process } from "./process.ts";
import { type Invariant, Violation, type World } from "./world.ts";

/** Milliseconds after which a client gives up, and knows nothing of what it asked for. */
const timeout = 4000;
/** Times that a client repeats a request with the same key. */
const maxTries = 3;

/** What the clients of a run have done together. */
export class Activity {
  /** Requests that were answered, and the keys that they were about. */
  operations = 0;
  readonly paths = new Set<Path>();
  /** Conditions that held, by database, key and version. */
  readonly #swapped = new Set<string>();

  answered(path: Path): void {
    this.operations++;
    this.paths.add(path);
  }

  swapped(database: string, path: Path, tag: string): void {
    const swap = `${database} ${path} ${tag}`;
    if (this.#swapped.has(swap)) throw new Violation(`two conditions on ${tag} of ${path} held in ${database}`);
    this.#swapped.add(swap);
  }
}

/** A client that works with one cloud at a time, and checks what it is shown. */
export class Session {
  readonly #world: World;
  readonly #processes: ReadonlyMap<string, readonly Process[]>;
  readonly #name: string;
  readonly #paths: readonly Path[];
  readonly #activity: Activity;
  #cloud: string;
  /** Per cloud, the newest of its transactions that this session has seen. */
  readonly #seen = new Map<string, number>();
  /** Per cloud and path, what was last seen. */
  readonly #last = new Map<string, Entry>();
  #values = 0;

  constructor(
    world: World,
    processes: ReadonlyMap<string, readonly Process[]>,
    name: string,
    paths: readonly Path[],
    activity: Activity,
  ) {
    this.#world = world;
    this.#processes = processes;
    this.#name = name;
    this.#paths = paths;
    this.#activity = activity;
    this.#cloud = pick(world.scheduler.random, world.names);
  }

  /** Works as long as it is to, one operation after the other. */
  async run(isOver: () => boolean): Promise<void> {
    const { scheduler } = this.#world;
    while (!isOver()) {
      await scheduler.sleep(scheduler.chance(0.3) ? scheduler.between(0, 5) : scheduler.between(50, 900));
      if (scheduler.chance(0.08)) this.#cloud = pick(scheduler.random, this.#world.names);
      const path = pick(scheduler.random, this.#paths);
      try {
        if (scheduler.chance(0.3)) await this.#read(path);
        else await this.#write(path);
        this.#activity.answered(path);
      } catch (error) {
        if (error instanceof Violation) throw error;
        this.#world.note(`${this.#name} ${this.#cloud}: ${(error as Error).message}`);
      }
    }
  }

  #process(): Process {
    const running = this.#processes.get(this.#cloud)!.filter(({ isAlive }) => isAlive);
    if (running.length === 0) throw new Error("nobody listens");
    return pick(this.#world.scheduler.random, running);
  }

  /** A process that dies never answers. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    const late = this.#world.scheduler.sleep(timeout).then(() => Promise.reject(new Error("no answer in time")));
    late.catch(() => {});
    return Promise.race([answer, late]);
  }

  async #write(path: Path): Promise<void> {
    const { scheduler, note, check } = this.#world;
    let process = this.#process();
    const { system } = process.cloud.db;
    const database = `${process.cloud.name} ${system}`;
    const operation = this.#operation(path, process);
    const receipt = isWrittenOnce(path) ? this.#receipt() : null;
    for (let tries = 1; ; tries++) {
      try {
        const result = await this.#inTime(process.write(path, operation, receipt));
        if (!result.ok || !result.written) return;
        note(`${this.#name} ${process.name} ${operation.kind} ${path}: ${show(result.stored!.entry)}`);
        check(7);
        const { ifMatch } = operation.conditions;
        if (ifMatch !== null) this.#activity.swapped(database, path, ifMatch[0]!);
        // What a receipt says holds no value.
        if (receipt === null) this.#saw(process, path, result.stored!);
        return;
      } catch (error) {
        if (receipt === null || tries === maxTries || error instanceof Violation) throw error;
        await scheduler.sleep(scheduler.between(10, 1000));
        process = this.#process();
        // What another database remembers is another matter.
        if (process.cloud.db.system !== system) throw error;
        this.#world.count("retry");
      }
    }
  }

  #receipt(): WriteRequest["receipt"] {
    return { scope: Buffer.from(`${this.#name}${this.#values}`), fingerprint: Buffer.from("put") };
  }

  #operation(path: Path, process: Process): Operation {
    const { scheduler } = this.#world;
    const roll = scheduler.random();
    if (isWrittenOnce(path)) return this.#put(null, unconditional);
    if (roll < 0.2) return { kind: "delete", conditions: unconditional };
    if (path.includes("counter")) return { kind: "increment", by: 1, conditions: unconditional };
    const at = roll < 0.4 ? process.now() + Math.floor(scheduler.between(500, 15_000)) : null;
    if (roll < 0.45) return { kind: "touch", expiry: { at }, conditions: unconditional };
    const last = this.#last.get(`${process.cloud.name} ${process.cloud.db.system} ${path}`);
    const ifMatch = roll > 0.85 && last !== undefined ? [tagOf(last)] : null;
    return this.#put(at, { ifMatch, ifNoneMatch: roll > 0.8 && roll < 0.85 ? ("*" as const) : null });
  }

  #put(at: number | null, conditions: Operation["conditions"]): Operation {
    const body = Buffer.from(`${this.#name}${++this.#values}`);
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null };
    return { kind: "put", value: { body, size: body.length, ...rest }, expiry: { at }, conditions };
  }

  async #read(path: Path): Promise<void> {
    const { scheduler, hasSharedCache } = this.#world;
    const process = this.#process();
    const { cloud } = process;
    const startedAt = scheduler.now;
    const { system } = cloud.db;
    const before = this.#last.get(`${cloud.name} ${system} ${path}`);
    const consistency = scheduler.chance(0.8) ? "cached" : "local";
    const seen = this.#seen.get(`${cloud.name} ${system}`) ?? 0;
    const found = await this.#inTime(process.read(path, consistency, seen));
    if (cloud.db.system !== system) return;
    const bound = hasSharedCache ? maxAge : maxAgeDeaf;
    const age = consistency === "cached" ? bound : 0;
    const entry = found?.entry ?? null;
    this.#mustNotBeOlder(3, process, path, before ?? null, entry, `${this.#name} has seen`);
    this.#mustNotBeOlder(6, process, path, cloud.stateAt(path, startedAt - age), entry, `${age} ms before there was`);
    if (found !== null) this.#saw(process, path, found);
  }

  #mustNotBeOlder(
    invariant: Invariant,
    process: Process,
    path: Path,
    old: Entry | null,
    found: Entry | null,
    what: string,
  ): void {
    const { ledger, scheduler, check } = this.#world;
    const { cloud } = process;
    check(invariant);
    const shown = found && cloud.trueForm(path, found);
    if (!ledger.isNoOlder(path, old, shown, cloud.db.cluster.floor, epoch + scheduler.now))
      throw new Violation(`${process.name} shows an old state of ${path}: ${show(found)}; ${what} ${show(old)}`);
  }

  #saw(process: Process, path: Path, stored: { readonly entry: Entry; readonly changed: number }): void {
    // A token names the incarnation: of a database that is no more it says nothing.
    const cloud = `${process.cloud.name} ${process.cloud.db.system}`;
    this.#last.set(`${cloud} ${path}`, process.cloud.trueForm(path, stored.entry));
    this.#seen.set(cloud, Math.max(this.#seen.get(cloud) ?? 0, stored.changed));
  }
}
