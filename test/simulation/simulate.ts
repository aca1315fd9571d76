import { stateText } from "../../service/kv/carried.ts";
import { normal } from "../../service/kv/entry.ts";
import { Session } from "./clients.ts";
import { Cloud, epoch } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { agrees, Ledger, show, Violation } from "./ledger.ts";
import { Network } from "./network.ts";
import { Process, type World } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { simulateTimers } from "./timers.ts";
import { Watcher } from "./watcher.ts";

const names = ["aws", "azure", "gcp"];
const processesPerCloud = 2;
const sessions = 8;
/** Few, so that they conflict; in a namespace that every cloud knows, and in one that some forget for a while. */
const paths = [
  ...Array.from({ length: 12 }, (_, i) => `default/value-${i}`),
  ...Array.from({ length: 6 }, (_, i) => `default/counter-${i}`),
  ...Array.from({ length: 4 }, (_, i) => `late/value-${i}`),
];
/** Milliseconds of simulated time: under fire, and at most until everything has arrived. */
const underFire = 22_000;
const patience = 120_000;

export type Result = {
  readonly seed: number;
  readonly violation: Error | null;
  readonly operations: number;
  readonly writes: number;
  readonly strikes: number;
  readonly collected: number;
  readonly events: number;
  /** Milliseconds of simulated time from the end of the faults until all clouds were equal. */
  readonly healed: number;
  /** How often each thing happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly history: readonly string[];
};

/** One run: three clouds of two processes each, clients, and faults, all chosen by the seed. */
export async function simulate(seed: number, withHistory = false): Promise<Result> {
  const scheduler = new Scheduler(seed);
  const ledger = new Ledger();
  const counts = new Map<string, number>();
  const history: string[] = [];
  const violations: Error[] = [];
  const note = (text: string) => {
    if (withHistory) history.push(`${(scheduler.now / 1000).toFixed(3).padStart(8)} ${text}`);
  };
  const guard = (running: Promise<unknown>) => void running.catch((error) => violations.push(error));
  const clouds = new Map(names.map((name) => [name, new Cloud(name, scheduler, ledger, note)]));
  const processes = new Map<string, Process[]>();
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const network = new Network(scheduler, processes, count);
  const repairInterval = scheduler.chance(0.5) ? 15_000 : 1e15;
  const world: World = { scheduler, ledger, network: () => network, names, count, note, hintLoss: 0.1, repairInterval };
  for (const cloud of clouds.values()) {
    cloud.db.namespaces.set("late", { epoch: 0n });
    const started = Array.from({ length: processesPerCloud }, (_, i) => new Process(cloud, `${cloud.name}${i}`, world));
    processes.set(cloud.name, started);
    for (const process of started) guard(process.start());
  }
  const watchers = [...clouds.values()].map((cloud) => new Watcher(cloud, scheduler, ledger));
  for (const watcher of watchers) guard(watcher.run());
  const clients = Array.from({ length: sessions }, (_, i) => new Session(world, processes, `s${i}.`, paths));
  for (const client of clients) guard(client.run(underFire));

  let collected = 0;
  for (const cloud of clouds.values()) {
    const collect = () => {
      collected += cloud.collect();
      scheduler.after(scheduler.between(300, 6000), collect);
    };
    scheduler.after(scheduler.between(0, 6000), collect);
  }
  const faults = new Faults(world, clouds, processes, network);
  faults.makeBackups();
  const strikes = 5 + Math.floor(scheduler.random() * 8);
  for (let i = 0; i < strikes; i++) scheduler.after(scheduler.between(500, underFire), () => faults.strike());

  let healed = 0;
  const restoreTimers = simulateTimers(scheduler);
  const catchViolations = (error: Error) => violations.push(error);
  process.on("uncaughtException", catchViolations);
  try {
    for (let time = 1000; time <= underFire && violations.length === 0; time += 1000) await scheduler.runUntil(time);
    // A write that was sent may take its time.
    await scheduler.runUntil(underFire + 5000);
    faults.heal();
    note("all faults end");
    const start = scheduler.now;
    let difference: string | null = "not looked yet";
    while (difference !== null && violations.length === 0 && scheduler.now < start + patience) {
      await scheduler.runUntil(scheduler.now + 1000);
      faults.heal();
      difference = firstDifference(ledger, clouds, scheduler);
      for (const watcher of watchers) difference ??= watcher.behind();
    }
    healed = scheduler.now - start;
    if (violations.length === 0 && difference !== null)
      throw new Violation(`after ${patience / 1000} s without faults: ${difference}`);
  } catch (error) {
    violations.push(error as Error);
  } finally {
    restoreTimers();
    process.off("uncaughtException", catchViolations);
  }
  const operations = clients.reduce((sum, client) => sum + client.operations, 0);
  const { events } = scheduler;
  return {
    seed,
    violation: violations[0] ?? null,
    operations,
    writes: ledger.count,
    strikes,
    collected,
    events,
    healed,
    counts,
    history,
  };
}

/** What keeps the clouds from being equal, byte by byte, to each other and to what was written; null for nothing. */
function firstDifference(ledger: Ledger, clouds: ReadonlyMap<string, Cloud>, scheduler: Scheduler): string | null {
  const now = epoch + scheduler.now;
  const floor = [...clouds.values()].reduce(
    (highest, { db }) => (db.cluster.floor > highest ? db.cluster.floor : highest),
    0n,
  );
  for (const path of ledger.paths()) {
    const expected = ledger.expected(path);
    const texts = new Set<string>();
    for (const { name, db } of clouds.values()) {
      const found = db.entries.get(path)?.entry ?? null;
      const isRight = ledger.uncertain.has(path)
        ? ledger.isNoOlder(path, expected, found && ledger.trueForm(path, found, floor), floor, now)
        : agrees(expected, found, floor, now);
      if (!isRight) return `${path} is ${show(found)} in ${name}, expected ${show(expected)}`;
      const state = normal(found, floor, now);
      texts.add(state === null ? "" : stateText(path, state));
    }
    if (texts.size > 1) return `${path} differs between the clouds`;
  }
  return null;
}
