import { type Operation, unconditional } from "../../service/kv/decide.ts";
import { type Entry, tagOf } from "../../service/kv/entry.ts";
import type { Path } from "../../service/kv/path.ts";
import { pick } from "../support/random.ts";
import { epoch } from "./cloud.ts";
import { show, Violation } from "./ledger.ts";
import type { Process, World } from "./process.ts";

/** Milliseconds that L1 may hold a record where no other process can tell of its writes. */
const maxStaleness = 1000;

/** A client that works with one cloud at a time, and checks what it is shown. */
export class Session {
  readonly #world: World;
  readonly #processes: ReadonlyMap<string, readonly Process[]>;
  readonly #name: string;
  readonly #paths: readonly Path[];
  #cloud: string;
  /** Per cloud, the newest of its transactions that this session has seen. */
  readonly #seen = new Map<string, number>();
  /** Per cloud and path, what was last seen. */
  readonly #last = new Map<string, Entry>();
  operations = 0;
  #values = 0;

  constructor(world: World, processes: ReadonlyMap<string, readonly Process[]>, name: string, paths: readonly Path[]) {
    this.#world = world;
    this.#processes = processes;
    this.#name = name;
    this.#paths = paths;
    this.#cloud = pick(world.scheduler.random, world.names);
  }

  /** Works until then, one operation after the other. */
  async run(until: number): Promise<void> {
    const { scheduler } = this.#world;
    while (scheduler.now < until) {
      await scheduler.sleep(scheduler.chance(0.3) ? scheduler.between(0, 5) : scheduler.between(50, 900));
      if (scheduler.chance(0.08)) this.#cloud = pick(scheduler.random, this.#world.names);
      const process = pick(scheduler.random, this.#processes.get(this.#cloud)!);
      if (!process.isAlive) continue;
      this.operations++;
      // A process that dies never answers: the client gives up, and knows nothing.
      await Promise.race([this.#operate(process), scheduler.sleep(4000)]).catch((error) => {
        if (error instanceof Violation) throw error;
        this.#world.note(`${this.#name} ${process.name}: ${error.message}`);
      });
    }
  }

  async #operate(process: Process): Promise<void> {
    const { scheduler } = this.#world;
    const path = pick(scheduler.random, this.#paths);
    if (scheduler.chance(0.3)) return this.#read(process, path);
    const operation = this.#operation(path, process);
    const { stored, written } = await process.write(path, operation);
    if (written) {
      this.#world.note(`${this.#name} ${process.name} ${operation.kind} ${path}: ${show(stored!.entry)}`);
      this.#saw(process, path, stored!);
    }
  }

  #operation(path: Path, process: Process): Operation {
    const { scheduler } = this.#world;
    const roll = scheduler.random();
    if (roll < 0.2) return { kind: "delete", conditions: unconditional };
    if (path.includes("counter")) return { kind: "increment", by: 1, conditions: unconditional };
    const at = roll < 0.4 ? process.now() + Math.floor(scheduler.between(500, 15_000)) : null;
    if (roll < 0.45) return { kind: "touch", expiry: { at }, conditions: unconditional };
    const body = Buffer.from(`${this.#name}${++this.#values}`);
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null };
    const last = this.#last.get(`${process.cloud.name} ${process.cloud.db.system} ${path}`);
    const ifMatch = roll > 0.85 && last !== undefined ? [tagOf(last)] : null;
    const conditions = { ifMatch, ifNoneMatch: roll > 0.8 && roll < 0.85 ? ("*" as const) : null };
    return { kind: "put", value: { body, size: body.length, ...rest }, expiry: { at }, conditions };
  }

  async #read(process: Process, path: Path): Promise<void> {
    const { scheduler } = this.#world;
    const { cloud } = process;
    const startedAt = scheduler.now;
    const { system } = cloud.db;
    const before = this.#last.get(`${cloud.name} ${system} ${path}`);
    const consistency = scheduler.chance(0.8) ? "cached" : "local";
    const found = await process.read(path, consistency, this.#seen.get(`${cloud.name} ${system}`) ?? 0);
    if (cloud.db.system !== system) return;
    const age = consistency === "cached" ? maxStaleness : 0;
    const entry = found?.entry ?? null;
    this.#mustNotBeOlder(process, path, before ?? null, entry, `${this.#name} has seen`);
    this.#mustNotBeOlder(process, path, cloud.stateAt(path, startedAt - age), entry, `${age} ms before there was`);
    if (found !== null) this.#saw(process, path, found);
  }

  #mustNotBeOlder(process: Process, path: Path, old: Entry | null, found: Entry | null, what: string): void {
    const { floor } = process.cloud.db.cluster;
    const now = epoch + this.#world.scheduler.now;
    if (!this.#world.ledger.isNoOlder(path, old, found && this.#world.ledger.trueForm(path, found, floor), floor, now))
      throw new Violation(`${process.name} shows an old state of ${path}: ${show(found)}; ${what} ${show(old)}`);
  }

  #saw(process: Process, path: Path, stored: { readonly entry: Entry; readonly changed: number }): void {
    // A token names the incarnation: of a database that is no more it says nothing.
    const cloud = `${process.cloud.name} ${process.cloud.db.system}`;
    const { floor } = process.cloud.db.cluster;
    this.#last.set(`${cloud} ${path}`, this.#world.ledger.trueForm(path, stored.entry, floor));
    this.#seen.set(cloud, Math.max(this.#seen.get(cloud) ?? 0, stored.changed));
  }
}
