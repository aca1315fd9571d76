import { createHash } from "node:crypto";
import { maxAge, maxAgeDeaf } from "../../service/cache/port.ts";
import { type Operation, unconditional } from "../../service/kv/decide.ts";
import { type Entry, tagOf } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Path } from "../../service/kv/path.ts";
import type { WriteRequest } from "../../service/store/jobs.ts";
import { pick } from "../support/random.ts";
import { type Cloud, epoch } from "./cloud.ts";
import { isHomed } from "./homed.ts";
import { isWrittenOnce, show } from "./ledger.ts";
import type { Process, Token } from "./process.ts";
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
  /** Conditions that held, by who decided, key and version. */
  readonly #swapped = new Set<string>();
  /** By path, the newest that was acknowledged since the last loss, in true form. */
  readonly #acknowledged = new Map<Path, Entry>();
  #losses = 0;

  answered(path: Path): void {
    this.operations++;
    this.paths.add(path);
  }

  /** `decider`: a database, or all homes since the last loss. */
  swapped(decider: string, path: Path, tag: string): void {
    const swap = `${decider} ${path} ${tag}`;
    if (this.#swapped.has(swap)) throw new Violation(`two conditions on ${tag} of ${path} held in ${decider}`);
    this.#swapped.add(swap);
  }

  acknowledged(path: Path, losses: number): Entry | null {
    if (losses !== this.#losses) this.#acknowledged.clear();
    this.#losses = losses;
    return this.#acknowledged.get(path) ?? null;
  }

  acknowledge(path: Path, written: Entry, losses: number): void {
    this.#acknowledged.set(path, merge(this.acknowledged(path, losses), written)!);
  }
}

/** A client that goes from cloud to cloud with a session, and checks what it is shown. */
export class Session {
  readonly #world: World;
  readonly #processes: ReadonlyMap<string, readonly Process[]>;
  readonly #name: string;
  readonly #paths: readonly Path[];
  readonly #activity: Activity;
  #cloud: string;
  /** What it is told to say next time; null: nothing yet. */
  #token: Token = null;
  /** By path, what the session was last shown. */
  readonly #last = new Map<Path, Entry>();
  /** Losses that the session knows of, and restores among them: what it saw of a database that is no more binds nobody. */
  #losses = 0;
  #restores = 0;
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
    return new Promise((resolve, reject) => {
      const cancel = this.#world.scheduler.after(timeout, () => reject(new Error("no answer in time")));
      answer.then(resolve, reject).finally(cancel);
    });
  }

  async #write(path: Path): Promise<void> {
    const { scheduler, note, check } = this.#world;
    this.#beginAnewAfterLoss();
    let process = this.#process();
    const { system } = process.cloud.db;
    const { losses } = this.#world;
    const operation = this.#operation(path, process.now());
    const receipt = isWrittenOnce(path) ? this.#receipt() : null;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#inTime(process.write(path, operation, receipt, this.#token));
        if (this.#world.losses !== losses) return;
        if (receipt !== null && scheduler.chance(0.3)) throw new Error("the answer got lost");
        const { result, token, cloud, isAtHome } = answer;
        this.#token = token;
        if (!result.ok || !result.written) return;
        note(`${this.#name} ${process.name} ${operation.kind} ${path}: ${show(result.stored!.entry)}`);
        check(7);
        const { ifMatch } = operation.conditions;
        const decider = isAtHome ? `homes ${losses}` : `${cloud.name} ${system}`;
        if (ifMatch !== null) this.#activity.swapped(decider, path, ifMatch[0]!);
        // What a receipt says holds no value.
        if (receipt !== null) return;
        const written = cloud.trueForm(path, result.stored!.entry);
        this.#last.set(path, written);
        this.#activity.acknowledge(path, written, losses);
        if (cloud === process.cloud && scheduler.chance(0.2)) await this.#mustBeConfirmed(process, path, written);
        return;
      } catch (error) {
        if (receipt === null || tries === maxTries || error instanceof Violation) throw error;
        await scheduler.sleep(scheduler.between(10, isHomed(path) ? 4000 : 1000));
        process = this.#process();
        // What another database remembers is another matter.
        if (this.#world.losses !== losses) throw error;
        this.#world.count("retry");
      }
    }
  }

  /** When the service says that other clouds have a write, they have: whatever becomes of this one, it is not lost. */
  async #mustBeConfirmed(process: Process, path: Path, written: Entry): Promise<void> {
    const { scheduler, count, check, losses } = this.#world;
    const level = scheduler.chance(0.5) ? "peer" : "all";
    const isConfirmed = await this.#inTime(process.confirm(path, level));
    count(isConfirmed ? `confirmed by ${level}` : "unconfirmed");
    if (!isConfirmed || this.#world.losses !== losses) return;
    check(2);
    const others = [...this.#processes.values()].map(([one]) => one!.cloud).filter((cloud) => cloud !== process.cloud);
    const holders = others.filter((cloud) => cloud.holds(path, written)).length;
    if (holders < (level === "all" ? others.filter(({ isOut }) => !isOut).length : 1))
      throw new Violation(
        `${process.name} confirms ${show(written)} of ${path} by ${level}; ${holders} others have it`,
      );
  }

  #receipt(): WriteRequest["receipt"] {
    const digest = (text: string) => createHash("sha256").update(text).digest();
    return { scope: digest(`${this.#name}${this.#values}`), fingerprint: digest("put") };
  }

  #operation(path: Path, now: number): Operation {
    const { scheduler } = this.#world;
    const roll = scheduler.random();
    if (isWrittenOnce(path)) return this.#put(null, unconditional);
    if (roll < 0.2) return { kind: "delete", conditions: unconditional };
    if (path.includes("counter")) return { kind: "increment", by: 1, conditions: unconditional };
    const at = roll < 0.4 ? now + Math.floor(scheduler.between(500, 15_000)) : null;
    if (roll < 0.45) return { kind: "touch", expiry: { at }, conditions: unconditional };
    const last = this.#last.get(path);
    const ifMatch = roll > 0.85 && last !== undefined ? [tagOf(last)] : null;
    const ifNoneMatch = roll > 0.8 && roll < 0.85 ? ("*" as const) : null;
    return this.#put(at, { ifMatch, ifNoneMatch }, scheduler.chance(0.15));
  }

  #put(at: number | null, conditions: Operation["conditions"], isLarge = false): Operation {
    const { scheduler } = this.#world;
    // Of large values there are few, so that one may be wanted again when it is about to be collected.
    const text = isLarge
      ? `large value ${Math.floor(scheduler.random() * 9)}, in parts`
      : `${this.#name}${++this.#values}`;
    const body = Buffer.from(text);
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null };
    return { kind: "put", value: { body, size: body.length, ...rest }, expiry: { at }, conditions };
  }

  async #read(path: Path): Promise<void> {
    const { scheduler, hasSharedCache } = this.#world;
    this.#beginAnewAfterLoss();
    const { losses } = this.#world;
    const process = this.#process();
    const startedAt = scheduler.now;
    const relaxed = scheduler.chance(0.8) ? "cached" : "local";
    const consistency = isHomed(path) && scheduler.chance(0.5) ? "strong" : relaxed;
    const acknowledged = this.#activity.acknowledged(path, losses);
    const { stored, token, cloud } = await this.#inTime(process.read(path, consistency, this.#token));
    if (this.#world.losses !== losses) return;
    this.#token = token;
    const bound = hasSharedCache ? maxAge : maxAgeDeaf;
    const age = consistency === "cached" ? bound : 0;
    const entry = stored?.entry ?? null;
    this.#mustNotBeOlder(3, cloud, path, this.#last.get(path) ?? null, entry, `${this.#name} has seen`);
    this.#mustNotBeOlder(6, cloud, path, cloud.stateAt(path, startedAt - age), entry, `${age} ms before there was`);
    if (consistency === "strong")
      this.#mustNotBeOlder(6, cloud, path, acknowledged, entry, "before the strong read was acknowledged");
    if (entry !== null) this.#last.set(path, cloud.trueForm(path, entry));
    if (!cloud.hasBytes(entry)) throw new Violation(`${cloud.name} shows ${path} without its bytes: ${show(entry)}`);
  }

  #beginAnewAfterLoss(): void {
    if (this.#losses === this.#world.losses) return;
    this.#losses = this.#world.losses;
    // A token names clouds that are lost: the others must know that they bind nobody.
    if (this.#restores !== this.#world.restores) this.#token = null;
    this.#restores = this.#world.restores;
    this.#last.clear();
  }

  #mustNotBeOlder(
    invariant: Invariant,
    cloud: Cloud,
    path: Path,
    old: Entry | null,
    found: Entry | null,
    what: string,
  ): void {
    const { ledger, scheduler, check } = this.#world;
    check(invariant);
    const shown = found && cloud.trueForm(path, found);
    if (!ledger.isNoOlder(path, old, shown, cloud.db.cluster.floor, epoch + scheduler.now))
      throw new Violation(`${cloud.name} shows an old state of ${path}: ${show(found)}; ${what} ${show(old)}`);
  }
}
