import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { levelsFileFor } from "../policies/levels.ts";
import { compare } from "./compare/compare.ts";
import type { Cost } from "./cost/cost.ts";
import { PlanError } from "./engine/error.ts";
import { infra, type RunOptions, runProgram } from "./engine/run.ts";
import { readStackConfig } from "./engine/stack-config.ts";
import { configure, judge, judgeResource } from "./policy/judge.ts";
import { startPack } from "./policy/pack.ts";
import { toSarif } from "./policy/sarif.ts";
import type { Verdict } from "./policy/verdict.ts";
import { providerTables } from "./providers/index.ts";
import type { Plan, PlannedResource } from "./resource.ts";
import { changesText } from "./view/changes.ts";
import { fromJson, given, stringify, toJson } from "./view/json.ts";
import { terminalStyle } from "./view/style.ts";
import { type Look, treeText } from "./view/tree.ts";
import { verdictList, verdictSummary } from "./view/verdicts.ts";

export type PlanOptions = {
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  readonly "unknown-refs": boolean;
  readonly json: boolean;
  /** File with the JSON of an earlier plan. */
  readonly against?: string | undefined;
  /** File to draw into. */
  readonly svg?: string | undefined;
  readonly "no-policy": boolean;
  readonly "no-cost": boolean;
  /** File to write verdicts into. */
  readonly sarif?: string | undefined;
};

export type Planned = {
  /** What to print. */
  readonly output: string;
  /** True where a mandatory rule does not hold. */
  readonly violated: boolean;
  /** True where the budget of the configuration is exceeded. */
  readonly overBudget: boolean;
};

type Program = Pick<RunOptions, "program" | "world">;

/** Makes a plan and has it judged. `program` is another one than ours. Rejects with a `PlanError`. */
export async function plan(options: PlanOptions, program: Program = {}): Promise<Planned> {
  const look = { width: Math.min(120, Math.max(80, process.stdout.columns ?? 120)), style: terminalStyle };
  const earlier = options.against === undefined ? null : await readPlan(options.against, options.stack);
  // What only looks at the plan loads while the program runs.
  const [{ now, verdicts }, costing] = await Promise.all([
    runAndJudge(options, program),
    options["no-cost"] ? null : loadCosting(),
  ]);
  if (options.svg !== undefined) {
    // Its layout library is large, and not asked for by most.
    const { toSvg } = await import("./picture/picture.ts");
    await writeFile(options.svg, await toSvg(now));
  }
  if (options.sarif !== undefined) {
    await writeFile(options.sarif, toSarif(verdicts ?? [], `infra/Pulumi.${options.stack}.yaml`));
  }
  const [cost, priced] = costing === null ? [null, []] : await price(now, costing, { options, program, look });
  const failures = {
    violated: verdicts?.some(({ level }) => level === "mandatory") ?? false,
    overBudget: cost !== null && cost.excess > 0,
  };
  if (earlier === null) {
    const output = options.json ? toJson(now, { verdicts, cost }) : treeText(now, look, verdicts, priced);
    return { output: options.json ? output : `${output}\n`, ...failures };
  }
  const comparison = await compare(earlier, now, program.world?.tables ?? providerTables);
  if (options.json) return { output: stringify({ ...comparison, ...given({ verdicts, cost }) }), ...failures };
  const judged = verdicts === null ? [] : ["", ...verdictList(verdicts, look), verdictSummary(verdicts, look)];
  return { output: `${[changesText(comparison, look), ...judged, ...priced].join("\n")}\n`, ...failures };
}

async function loadCosting() {
  const [{ costOf }, { readSettings }, { costText }] = await Promise.all([
    import("./cost/cost.ts"),
    import("./cost/settings.ts"),
    import("./view/cost.ts"),
  ]);
  return { costOf, readSettings, costText };
}

/** The cost, and how it is told. Null where the program is another one than ours. */
async function price(
  now: Plan,
  { costOf, readSettings, costText }: Awaited<ReturnType<typeof loadCosting>>,
  { options: { stack, config }, program: { program }, look }: { options: PlanOptions; program: Program; look: Look },
): Promise<[cost: Cost | null, text: readonly string[]]> {
  const settings = readSettings(await readStackConfig(program === undefined ? infra : dirname(program), stack, config));
  if (settings === null) return [null, []];
  const cost = costOf(now, settings);
  return [cost, ["", ...costText(cost, look)]];
}

/** Verdicts are null where none were asked for. Resources are judged while the program runs. */
async function runAndJudge(
  options: PlanOptions,
  program: Program,
): Promise<{ now: Plan; verdicts: readonly Verdict[] | null }> {
  const { stack, config } = options;
  const run: RunOptions = {
    stack,
    mode: "preview",
    config,
    unknownReferences: options["unknown-refs"],
    ...program,
  };
  if (options["no-policy"]) return { now: await runProgram(run), verdicts: null };
  const starting = startPack();
  const configured = starting.then(async (pack) => {
    await configure(pack, await levelsFor(options, program));
    return pack;
  });
  /** By URN. */
  const begun = new Map<string, Promise<readonly Verdict[]>>();
  const onResource = (resource: PlannedResource) => {
    if (resource.external) return;
    const judging = configured.then((pack) => judgeResource(pack, resource));
    // Nobody asks for it where there is no plan in the end.
    judging.catch(() => {});
    begun.set(resource.urn, judging);
  };
  try {
    const [now, pack] = await Promise.all([runProgram({ ...run, onResource }), configured]);
    return { now, verdicts: await judge(pack, now, ({ urn }) => begun.get(urn)!) };
  } finally {
    await starting.then(
      (pack) => pack.stop(),
      () => {},
    );
  }
}

async function levelsFor({ stack, config }: PlanOptions, { program }: Program): Promise<string> {
  const { project, values } = await readStackConfig(program === undefined ? infra : dirname(program), stack, config);
  return levelsFileFor(stack, values[`${project}:profile`]);
}

async function readPlan(file: string, stack: string) {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new PlanError([`expected --against to be a readable file: ${error.message}`]);
  });
  const earlier = fromJson(text, file);
  if (earlier.stack !== stack)
    throw new PlanError([`${file}: expected a plan of ${stack}, found one of ${earlier.stack}`]);
  return earlier;
}
