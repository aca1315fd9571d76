import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type FaultKind, faultKinds } from "./faults.ts";
import type { Plan, Result } from "./simulate.ts";
import { type Invariant, invariants } from "./world.ts";

export type Campaign = {
  readonly seeds: number;
  readonly first: number;
  /** A fault in the program, by its name in mutations.ts; null for none. */
  readonly mutation: string | null;
  /** A kind of fault that strikes in each run; null: each of {@link regular} in every tenth. */
  readonly fault: FaultKind | null;
  readonly withHistory: boolean;
  readonly threads?: number;
  readonly onResult?: (done: number) => void;
};

/** What strikes in every tenth run, whatever else happens: in those whose seed ends with that digit. */
const regular: Readonly<Record<number, FaultKind>> = {
  0: "database restored",
  3: "cloud expelled",
  6: "home moved",
};

function planOf({ fault, withHistory }: Campaign, seed: number): Plan {
  return { seed, fault: fault ?? regular[seed % 10] ?? null, withHistory };
}

/**
 * Runs seeds side by side, one thread for each processor. Results are in the order of the seeds, and end with the first
 * one that fails; that one has its history.
 */
export async function runSeeds(campaign: Campaign): Promise<readonly Result[]> {
  const { seeds, first, mutation, threads = availableParallelism(), onResult } = campaign;
  const results: Result[] = [];
  let next = first;
  let end = first + seeds;
  const work = async () => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { mutation } });
    const ask = async (plan: Plan): Promise<Result> => {
      worker.postMessage(plan);
      return (await once(worker, "message"))[0];
    };
    try {
      while (next < end) {
        const plan = planOf(campaign, next++);
        let result = await ask(plan);
        if (result.violation !== null) {
          end = Math.min(end, plan.seed);
          if (!plan.withHistory) result = await ask({ ...plan, withHistory: true });
        }
        results.push(result);
        onResult?.(results.length);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, seeds) }, work));
  results.sort((a, b) => a.seed - b.seed);
  const failed = results.findIndex(({ violation }) => violation !== null);
  return failed === -1 ? results : results.slice(0, failed + 1);
}

/** How often each kind of fault struck and each invariant was looked at in all runs; zeros too. */
export function totals(results: readonly Result[]): { faults: Map<FaultKind, number>; checks: Map<Invariant, number> } {
  const sum = (of: (result: Result) => number | undefined) =>
    results.reduce((total, result) => total + (of(result) ?? 0), 0);
  const numbers = Object.keys(invariants).map(Number) as Invariant[];
  return {
    faults: new Map(faultKinds.map((kind) => [kind, sum(({ counts }) => counts.get(`fault: ${kind}`))])),
    checks: new Map(numbers.map((number) => [number, sum(({ checks }) => checks.get(number))])),
  };
}

/** What a campaign came to, for people. */
export function summary(results: readonly Result[], seconds: number): string {
  const sorted = (of: (result: Result) => number) => results.map(of).sort((a, b) => a - b);
  const spread = (name: string, of: (result: Result) => number) => {
    const values = sorted(of);
    return `${name} ${values[Math.floor(values.length / 2)]} (at least ${values[0]})`;
  };
  const counts = new Map<string, number>();
  for (const result of results) for (const [what, n] of result.counts) counts.set(what, (counts.get(what) ?? 0) + n);
  const { faults, checks } = totals(results);
  for (const [kind, n] of faults) counts.set(`fault: ${kind}`, n);
  const line = (n: number, what: string) => `${String(n).padStart(12)}  ${what}`;
  const failures = results.filter(({ violation }) => violation !== null).length;
  return [
    ...[...counts].sort().map(([what, n]) => line(n, what)),
    ...[...checks].map(([number, n]) => line(n, `checked: ${number} ${invariants[number]}`)),
    `${results.length} seeds from ${results[0]!.seed} in ${seconds.toFixed(1)} s. In a run, by the median: ` +
      [
        spread("operations", ({ operations }) => operations),
        spread("keys", ({ keys }) => keys),
        spread("faults", ({ faults: struck }) => struck),
        spread("writes", ({ writes }) => writes),
        spread("collected", ({ collected }) => collected),
        spread("events", ({ events }) => events),
        spread("seconds until equal", ({ healed }) => healed / 1000),
      ].join(", "),
    `${failures === 0 ? "no" : failures} invariant${failures === 1 ? "" : "s"} broken`,
  ].join("\n");
}
