import { readFile, writeFile } from "node:fs/promises";
import { compare } from "./compare/compare.ts";
import { PlanError } from "./engine/error.ts";
import { type RunOptions, runProgram } from "./engine/run.ts";
import { providerTables } from "./providers/index.ts";
import { changesText } from "./view/changes.ts";
import { fromJson, stringify, toJson } from "./view/json.ts";
import { terminalStyle } from "./view/style.ts";
import { treeText } from "./view/tree.ts";

export type PlanOptions = {
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  readonly "unknown-refs": boolean;
  readonly json: boolean;
  /** File with the JSON of an earlier plan. */
  readonly against?: string | undefined;
  /** File to draw into. */
  readonly svg?: string | undefined;
};

/** Makes a plan and returns what to print of it. `program` is another one than ours. Rejects with a `PlanError`. */
export async function plan(options: PlanOptions, program: Pick<RunOptions, "program" | "world"> = {}): Promise<string> {
  const earlier = options.against === undefined ? null : await readPlan(options.against, options.stack);
  const { stack, config } = options;
  const unknownReferences = options["unknown-refs"];
  const now = await runProgram({ stack, mode: "preview", config, unknownReferences, ...program });
  if (options.svg !== undefined) {
    // Its layout library is large, and not asked for by most.
    const { toSvg } = await import("./picture/picture.ts");
    await writeFile(options.svg, await toSvg(now));
  }
  const look = { width: Math.min(120, Math.max(80, process.stdout.columns ?? 120)), style: terminalStyle };
  if (earlier === null) return options.json ? toJson(now) : `${treeText(now, look)}\n`;
  const comparison = await compare(earlier, now, program.world?.tables ?? providerTables);
  return options.json ? stringify(comparison) : `${changesText(comparison, look)}\n`;
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
