import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { providerTables, type Tables } from "../providers/index.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import { exampleOutputs } from "../stacks.ts";
import { compileCache } from "./compile-cache.ts";
import { PlanError } from "./error.ts";
import { Monitor } from "./monitor.ts";
import { inTreeOrder } from "./order.ts";
import { type EngineServer, startEngine } from "./server.ts";
import { readStackConfig, type StackConfig } from "./stack-config.ts";
import { type ExampleOutputs, exampleStack, unknownStack } from "./stack-reference.ts";

export type RunOptions = {
  /** `Pulumi.STACK.yaml` beside the program is its configuration. */
  readonly stack: string;
  /** `preview` knows no output of any cloud; `up` makes plausible ones up. */
  readonly mode: Plan["mode"];
  /** Replaces whole keys of the configuration: see `readStackConfig`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** StackReferences read nothing, as before the other stacks were deployed. Default: example outputs. */
  readonly unknownReferences?: boolean;
  /** Hears of each resource when the program asks for it. */
  readonly onResource?: (resource: PlannedResource) => void;
  /** The program's file. Default: `infra/index.ts`. */
  readonly program?: string;
  /** Default: `infra/plan/providers` and `infra/plan/stacks.ts`. */
  readonly world?: World;
};

/** What stands in for the clouds. */
export type World = { readonly tables: Tables; readonly stacks: ExampleOutputs };

const ourWorld: World = { tables: providerTables, stacks: exampleOutputs };

/** The folder of the program. */
export const infra = join(import.meta.dirname, "../..");

/**
 * Runs a Pulumi program in a process of its own, with no cloud, no network and no credentials, and returns all that it
 * asked for. Rejects with a `PlanError` when the program fails, or asks for what the facts of the providers do not have.
 */
export async function runProgram(options: RunOptions): Promise<Plan> {
  const { stack, mode, onResource, program = join(infra, "index.ts"), world = ourWorld } = options;
  const config = await readStackConfig(dirname(program), stack, options.config ?? {});
  const readStack = options.unknownReferences ? unknownStack : exampleStack(world.stacks);
  const monitor = new Monitor({ project: config.project, stack, mode, tables: world.tables, readStack, onResource });
  const engine = await startEngine(monitor);
  try {
    const { failure, said } = await run(program, { stack, mode, config, engine });
    const problems = [...[...monitor.problems].sort(), ...(failure === null ? [] : [failure])];
    if (problems.length > 0) throw new PlanError(problems);
    const messages = [...engine.messages, ...said.map((text) => ({ severity: "info" as const, text }))];
    return { stack, mode, resources: inTreeOrder(monitor.resources), outputs: monitor.outputs, messages };
  } finally {
    await engine.close();
  }
}

type Run = {
  readonly stack: string;
  readonly mode: Plan["mode"];
  readonly config: StackConfig;
  readonly engine: EngineServer;
};

/** `failure` is in the program's own words, null when it did not fail; `said` is what it printed. */
async function run(
  program: string,
  { stack, mode, config, engine }: Run,
): Promise<{ readonly failure: string | null; readonly said: readonly string[] }> {
  const runtime = join(infra, "node_modules/@pulumi/pulumi/cmd/run");
  const folder = dirname(program);
  const child = spawn(
    process.execPath,
    [
      // In MB. A program allocates much that lives short; from the 1 MB that it starts with, a tenth of its time is collection.
      ...["--min-semi-space-size=32", "--max-semi-space-size=64"],
      ...["--require", join(import.meta.dirname, "quick-runtime.cjs")],
      runtime,
      ...["--monitor", engine.address, "--engine", engine.address],
      ...["--project", config.project, "--stack", stack, "--organization", "organization"],
      ...["--root-directory", folder, "--pwd", folder, "--parallel", "16"],
      ...(mode === "preview" ? ["--dry-run"] : []),
      program,
    ],
    { env: environment(config), stdio: ["ignore", "pipe", "pipe"] },
  );
  const [[code, signal], output, errors] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
  ]);
  const said = [output, errors].map(plain).filter((words) => words !== "");
  if (code === 0) return { failure: null, said };
  const logged = engine.messages.filter(({ severity }) => severity === "error").map((message) => plain(message.text));
  const words = logged.length > 0 ? logged : said;
  return { failure: words.join("\n") || `the program ended with ${code ?? signal} and said nothing`, said };
}

function plain(words: string): string {
  return stripVTControlCharacters(words).trim();
}

/** Nothing of the caller's: neither credentials nor settings that would have the program see another world. */
function environment(config: StackConfig): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    NODE_COMPILE_CACHE: compileCache,
    PULUMI_NODEJS_TYPESCRIPT: "false",
    PULUMI_CONFIG: JSON.stringify(config.values),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(config.secretKeys),
  };
}
