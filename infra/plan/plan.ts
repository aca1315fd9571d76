import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { levelsFileFor } from "../policies/levels.ts";
import { compare } from "./compare/compare.ts";
import { PlanError } from "./engine/error.ts";
import { infra, type RunOptions, runProgram } from "./engine/run.ts";
import { readStackConfig } from "./engine/stack-config.ts";
import { configure, judge } from "./policy/judge.ts";
import { startPack } from "./policy/pack.ts";
import { toSarif } from "./policy/sarif.ts";
import type { Verdict } from "./policy/verdict.ts";
import { providerTables } from "./providers/index.ts";
import type { Plan } from "./resource.ts";
import { changesText } from "./view/changes.ts";
import { fromJson, stringify, toJson } from "./view/json.ts";
import { terminalStyle } from "./view/style.ts";
import { treeText } from "./view/tree.ts";
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
  /** File to write verdicts into. */
  readonly sarif?: string | undefined;
};

export type Planned = {
  /** What to print. */
  readonly output: string;
  /** True where a mandatory rule does not hold. */
  readonly violated: boolean;
};

type Program = Pick<RunOptions, "program" | "world">;

/** Makes a plan and has it judged. `program` is another one than ours. Rejects with a `PlanError`. */
export async function plan(options: PlanOptions, program: Program = {}): Promise<Planned> {
  const earlier = options.against === undefined ? null : await readPlan(options.against, options.stack);
  const { now, verdicts } = await runAndJudge(options, program);
  if (options.svg !== undefined) {
    // Its layout library is large, and not asked for by most.
    const { toSvg } = await import("./picture/picture.ts");
    await writeFile(options.svg, await toSvg(now));
  }
  if (options.sarif !== undefined) {
    await writeFile(options.sarif, toSarif(verdicts ?? [], `infra/Pulumi.${options.stack}.yaml`));
  }
  const violated = verdicts?.some(({ level }) => level === "mandatory") ?? false;
  const look = { width: Math.min(120, Math.max(80, process.stdout.columns ?? 120)), style: terminalStyle };
  if (earlier === null) {
    return { output: options.json ? toJson(now, verdicts) : `${treeText(now, look, verdicts)}\n`, violated };
  }
  const comparison = await compare(earlier, now, program.world?.tables ?? providerTables);
  if (options.json)
    return { output: stringify(verdicts === null ? comparison : { ...comparison, verdicts }), violated };
  const judged = verdicts === null ? [] : ["", ...verdictList(verdicts, look), verdictSummary(verdicts, look)];
  return { output: `${[changesText(comparison, look), ...judged].join("\n")}\n`, violated };
}

/** Verdicts are null where none were asked for. The pack loads, and gets its levels, while the program runs. */
async function runAndJudge(
  options: PlanOptions,
  program: Program,
): Promise<{ now: Plan; verdicts: readonly Verdict[] | null }> {
  const { stack, config } = options;
  const running = runProgram({
    stack,
    mode: "preview",
    config,
    unknownReferences: options["unknown-refs"],
    ...program,
  });
  if (options["no-policy"]) return { now: await running, verdicts: null };
  const starting = startPack();
  try {
    const configuring = starting.then(async (pack) => configure(pack, await levelsFor(options, program)));
    const [now, pack] = await Promise.all([running, starting, configuring]);
    return { now, verdicts: await judge(pack, now) };
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
