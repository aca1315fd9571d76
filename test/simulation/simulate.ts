import { addNamespace } from "../support/memory/catalog.ts";
import { Activity, Session } from "./clients.ts";
import { Cloud, epoch } from "./cloud.ts";
import { type FaultKind, Faults } from "./faults.ts";
import { homed } from "./homed.ts";
import { firstDifference, Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import { Process } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { Supervisor } from "./supervisor.ts";
import { simulateTimers } from "./timers.ts";
import { Watcher } from "./watcher.ts";
import { type Invariant, Violation, type World } from "./world.ts";

const names = ["aws", "azure", "gcp"];
const processesPerCloud = 2;
const sessions = 8;
/** Few, so that they conflict; in a namespace that every cloud knows, in one that some forget for a while, and in one that may have a home. */
const paths = [
  ...Array.from({ length: 11 }, (_, i) => `default/value-${i}`),
  ...Array.from({ length: 6 }, (_, i) => `default/counter-${i}`),
  ...Array.from({ length: 3 }, (_, i) => `default/once-${i}`),
  ...Array.from({ length: 4 }, (_, i) => `late/value-${i}`),
  ...Array.from({ length: 3 }, (_, i) => `${homed}/value-${i}`),
  `${homed}/counter-0`,
  ...Array.from({ length: 2 }, (_, i) => `${homed}/once-${i}`),
];
/** Milliseconds of simulated time: under fire, at least and at most, and until everything has arrived. */
const underFire = 22_000;
const underFireAtMost = 120_000;
const patience = 120_000;
/** What a run must have at least: requests that were answered, the keys that they are about, and faults. */
const operationsAtLeast = 300;
const pathsAtLeast = 20;
const strikesAtLeast = 5;

/** When a kind strikes that was asked for, if not once towards the end. */
const occasions: Partial<Record<FaultKind, readonly (readonly [from: number, to: number])[]>> = {
  // From no home to one, and on.
  "home moved": [
    [500, 4000],
    [7000, 12_000],
    [12_000, 20_000],
  ],
  "cloud expelled": [[5000, 14_000]],
};

export type Plan = {
  readonly seed: number;
  /** A kind that strikes in this run whatever else does; null for none. */
  readonly fault: FaultKind | null;
  readonly withHistory: boolean;
};

/** Plain data: it travels between threads. */
export type Result = {
  readonly seed: number;
  /** What broke an invariant; null when nothing did. */
  readonly violation: string | null;
  readonly operations: number;
  readonly keys: number;
  readonly writes: number;
  readonly faults: number;
  readonly collected: number;
  readonly events: number;
  /** Milliseconds of simulated time from the end of the faults until all clouds were equal. */
  readonly healed: number;
  /** How often each thing happened, and each invariant was looked at. */
  readonly counts: ReadonlyMap<string, number>;
  readonly checks: ReadonlyMap<Invariant, number>;
  readonly history: readonly string[];
};

/** One run: three clouds of two processes each, clients, and faults, all chosen by the seed. */
export async function simulate({ seed, fault, withHistory }: Plan): Promise<Result> {
  const scheduler = new Scheduler(seed);
  const restoreTimers = simulateTimers(scheduler);
  const violations: Error[] = [];
  const fail = (error: unknown) => void (error instanceof Violation && violations.push(error));
  const catchAll = (error: Error) => violations.push(error);
  process.on("uncaughtException", catchAll);
  try {
    return await new Simulation(scheduler, violations, fail, withHistory).run(seed, fault);
  } finally {
    process.off("uncaughtException", catchAll);
    restoreTimers();
  }
}

class Simulation {
  readonly #scheduler: Scheduler;
  readonly #violations: Error[];
  readonly #world: World;
  readonly #counts = new Map<string, number>();
  readonly #checks = new Map<Invariant, number>();
  readonly #history: string[] = [];
  readonly #clouds = new Map<string, Cloud>();
  readonly #processes = new Map<string, Process[]>();
  readonly #faults: Faults;
  #collected = 0;

  constructor(scheduler: Scheduler, violations: Error[], fail: (error: unknown) => void, withHistory: boolean) {
    this.#scheduler = scheduler;
    this.#violations = violations;
    const add =
      <Key>(counts: Map<Key, number>) =>
      (key: Key) =>
        void counts.set(key, (counts.get(key) ?? 0) + 1);
    const count = add(this.#counts);
    const check = add(this.#checks);
    const network = new Network(scheduler, this.#processes, count, fail);
    this.#world = {
      scheduler,
      ledger: new Ledger(check),
      network: () => network,
      names: [...names],
      count,
      check,
      note: (text) => {
        if (withHistory) this.#history.push(`${(scheduler.now / 1000).toFixed(3).padStart(8)} ${text}`);
      },
      fail,
      repairInterval: scheduler.chance(0.5) ? 15_000 : 1e15,
      cacheBytes: scheduler.chance(0.5) ? 6000 : 1e6,
      hasSharedCache: scheduler.chance(0.7),
      restores: 0,
      losses: 0,
      hintLoss: 0.1,
      connectionLoss: 0,
    };
    for (const name of names) this.#clouds.set(name, new Cloud(name, this.#world));
    this.#faults = new Faults(this.#world, this.#clouds, new Supervisor(this.#world, this.#processes), network);
  }

  async run(seed: number, fault: FaultKind | null): Promise<Result> {
    const scheduler = this.#scheduler;
    this.#start();
    scheduler.after(500, () => {
      this.#world.connectionLoss = 0.001;
    });
    const watchers = [...this.#clouds.values()].map(
      (cloud) => new Watcher(cloud, this.#world, () => this.#processes.get(cloud.name)!),
    );
    for (const watcher of watchers) this.#guard(watcher.run());
    const activity = new Activity();
    const isOver = () => {
      const isDone = activity.operations >= operationsAtLeast && activity.paths.size >= pathsAtLeast;
      return scheduler.now >= (isDone ? underFire : underFireAtMost);
    };
    for (let i = 0; i < sessions; i++)
      this.#guard(new Session(this.#world, this.#processes, `s${i}.`, paths, activity).run(isOver));
    this.#faults.makeBackups();
    const strikes = strikesAtLeast + Math.floor(scheduler.random() * 8);
    for (let i = 0; i < strikes; i++) scheduler.after(scheduler.between(500, underFire), () => this.#faults.strike());
    for (const [from, to] of fault === null ? [] : (occasions[fault] ?? [[15_000, underFire]]))
      scheduler.after(scheduler.between(from, to), () => this.#faults.strike(fault!));

    let healed = 0;
    try {
      while (!isOver() && this.#violations.length === 0) {
        await scheduler.runUntil(scheduler.now + 1000);
        for (const cloud of this.#clouds.values()) cloud.checkTransactions();
      }
      // A write that was sent may take its time.
      await scheduler.runUntil(scheduler.now + 5000);
      healed = await this.#heal(watchers);
    } catch (error) {
      this.#violations.push(error as Error);
    }
    return {
      seed,
      violation: this.#violations[0]?.stack ?? null,
      operations: activity.operations,
      keys: activity.paths.size,
      writes: this.#world.ledger.count,
      faults: this.#faults.struck,
      collected: this.#collected,
      events: scheduler.events,
      healed,
      counts: this.#counts,
      checks: this.#checks,
      history: this.#history,
    };
  }

  #guard(running: Promise<unknown>): void {
    running.catch((error) => this.#violations.push(error));
  }

  #start(): void {
    const scheduler = this.#scheduler;
    for (const cloud of this.#clouds.values()) {
      cloud.db.namespaces.set("late", { epoch: 0n });
      addNamespace(cloud.db, homed);
      const started = Array.from(
        { length: processesPerCloud },
        (_, i) => new Process(cloud, `${cloud.name}${i}`, this.#world),
      );
      this.#processes.set(cloud.name, started);
      for (const process of started) this.#guard(process.start());
      const collect = () => {
        this.#collected += cloud.collect();
        this.#guard(cloud.collectBlobs());
        scheduler.after(scheduler.between(300, 6000), collect);
      };
      scheduler.after(scheduler.between(0, 6000), collect);
    }
  }

  /** Ends all faults. Resolves with the milliseconds until all clouds were equal and all watchers told. */
  async #heal(watchers: readonly Watcher[]): Promise<number> {
    const scheduler = this.#scheduler;
    this.#faults.heal();
    this.#world.note("all faults end");
    const start = scheduler.now;
    let difference: string | null = "not looked yet";
    while (difference !== null && this.#violations.length === 0 && scheduler.now < start + patience) {
      await scheduler.runUntil(scheduler.now + 1000);
      this.#faults.heal();
      const living = [...this.#clouds.values()].filter(({ isOut }) => !isOut);
      difference = firstDifference(this.#world, living, epoch + scheduler.now);
      for (const watcher of watchers) difference ??= watcher.behind();
      if (this.#faults.operators.underWay > 0) difference ??= "a command is not through";
    }
    if (this.#violations.length === 0 && difference !== null)
      throw new Violation(`after ${patience / 1000} s without faults: ${difference}`);
    return scheduler.now - start;
  }
}
