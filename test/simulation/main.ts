/** `npm run simulate -- --seeds N --seed S`: N runs from seed S on. Prints what happened; a failing seed with its history. */
import { parseArgs } from "node:util";
import { mutate, mutations } from "./mutations.ts";
import type { Result } from "./simulate.ts";

const help = `npm run simulate -- [--seeds N] [--seed S] [--history] [--mutation NAME]

Runs three simulated clouds under faults, once per seed, and checks that nothing is lost.
  --seeds N   how many runs (default 100)
  --seed S    the first seed (default: random); a seed repeats its run
  --history   print what happened, also when all is well
  --mutation  put one of these faults into the program first, which some seed must notice:
${Object.keys(mutations)
  .map((name) => `                "${name}"`)
  .join("\n")}
Exit codes: 0 all invariants held, 1 one did not, 2 bad arguments.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    history: { type: "boolean" },
    mutation: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const seeds = Number(values.seeds ?? 100);
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(first) || first < 0) {
  process.stderr.write(`expected whole numbers as --seeds and --seed, found ${values.seeds} and ${values.seed}\n`);
  process.exit(2);
}

if (values.mutation !== undefined) mutate(values.mutation);
// Loaded only now, with the fault in it.
const { simulate } = await import("./simulate.ts");
const startedAt = performance.now();
const results: Result[] = [];
let failed: Result | null = null;
for (let seed = first; seed < first + seeds && failed === null; seed++) {
  const result = await simulate(seed, values.history);
  results.push(result);
  if (result.violation !== null) failed = values.history ? result : await simulate(seed, true);
}

const shown = failed ?? (values.history ? results.at(-1)! : null);
if (shown !== null) process.stdout.write(`${shown.history.join("\n")}\n`);
const counts = new Map<string, number>();
for (const result of results) for (const [what, n] of result.counts) counts.set(what, (counts.get(what) ?? 0) + n);
for (const [what, n] of [...counts].sort()) console.log(`${String(n).padStart(10)}  ${what}`);
const median = (of: (result: Result) => number) =>
  results.map(of).sort((a, b) => a - b)[Math.floor(results.length / 2)]!;
console.log(
  `${results.length} seeds from ${first} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s; medians: ` +
    `${median((r) => r.operations)} operations, ${median((r) => r.writes)} writes, ${median((r) => r.strikes)} faults, ` +
    `${median((r) => r.collected)} collected, equal after ${(median((r) => r.healed) / 1000).toFixed(0)} s, ${median((r) => r.events)} events`,
);
if (failed !== null) {
  console.log(`seed ${failed.seed} fails: ${failed.violation?.stack}`);
  process.exitCode = 1;
}
