/** `npm run simulate -- --seeds N --seed S`: N runs from seed S on. Prints what happened; a failing seed with its history. */
import { parseArgs } from "node:util";
import { runSeeds, summary } from "./campaign.ts";
import { type FaultKind, faultKinds } from "./faults.ts";
import { mutations } from "./mutations.ts";

const list = (names: readonly string[]) => names.map((name) => `                "${name}"`).join("\n");
const help = `npm run simulate -- [--seeds N] [--seed S] [--history] [--fault KIND] [--mutation NAME]

Runs three simulated clouds under faults, once per seed, and checks that nothing is lost.
  --seeds N     how many runs (default 100)
  --seed S      the first seed (default: random); a seed repeats its run
  --threads N   runs side by side (default: one for each processor)
  --history     print what happened, also when all is well
  --fault KIND  a fault that strikes in each run, beside those that the seed chooses:
${list(faultKinds)}
  --mutation NAME
                put one of these faults into the program first, which some seed must notice:
${list(Object.keys(mutations))}
Exit codes: 0 all invariants held, 1 one did not, 2 bad arguments.
`;

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function oneOf<Name extends string>(option: string, names: readonly Name[], value: string | undefined): Name | null {
  if (value === undefined) return null;
  if (!names.includes(value as Name)) refuse(`expected as --${option} one of ${names.join(", ")}; found ${value}`);
  return value as Name;
}

function whole(option: string, value: string | undefined, otherwise: number, least: number): number {
  const number = Number(value ?? otherwise);
  if (!Number.isSafeInteger(number) || number < least)
    refuse(`expected as --${option} a whole number of at least ${least}, found ${value}`);
  return number;
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    threads: { type: "string" },
    history: { type: "boolean" },
    fault: { type: "string" },
    mutation: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const seeds = whole("seeds", values.seeds, 100, 1);
const threads = values.threads === undefined ? {} : { threads: whole("threads", values.threads, 1, 1) };
const progress = process.stderr.isTTY ? (done: number) => process.stderr.write(`\r${done} of ${seeds}`) : () => {};
const startedAt = performance.now();
const results = await runSeeds({
  seeds,
  first: whole("seed", values.seed, Math.floor(Math.random() * 2 ** 31), 0),
  mutation: oneOf("mutation", Object.keys(mutations), values.mutation),
  fault: oneOf<FaultKind>("fault", faultKinds, values.fault),
  withHistory: values.history ?? false,
  onResult: progress,
  ...threads,
});
if (process.stderr.isTTY) process.stderr.write("\r");
const last = results.at(-1)!;
if (last.history.length > 0) process.stdout.write(`${last.history.join("\n")}\n`);
console.log(summary(results, (performance.now() - startedAt) / 1000));
if (last.violation !== null) {
  const fault = values.fault === undefined ? "" : ` --fault "${values.fault}"`;
  console.log(`npm run simulate -- --seeds 1 --seed ${last.seed}${fault} fails: ${last.violation}`);
  process.exitCode = 1;
}
