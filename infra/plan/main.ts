/** `npm run plan`: what `pulumi up` would ask for, in seconds, with no account and no network. */
import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileCache } from "./engine/compile-cache.ts";
import { PlanError } from "./engine/error.ts";

const help = `npm run plan -- STACK [options]

Shows all that the Pulumi program asks of a stack: runs it with Pulumi's own runtime on Pulumi.STACK.yaml, and answers
as an engine does in a preview. Needs no Pulumi CLI, no account and no network; compares with nothing that is deployed.

  STACK            aws, gcp, azure, global, local: there is an infra/Pulumi.STACK.yaml for it
  --profile P      small, standard or large, whatever the stack's configuration says
  --config K=V     another value for a key of the configuration, such as domain=kv.example.com; may be repeated
  --unknown-refs   what other stacks export is unknown, as before they were ever deployed
  --json           prints JSON, the same bytes for the same input; secrets are left out
  --against FILE   prints what differs from an earlier plan that --json printed; works with --json too
  --svg FILE       also draws the architecture
  --no-policy      leaves the policies out: docs/policies.md
  --no-cost        leaves the monthly cost out: docs/cost.md
  --sarif FILE     also writes what the policies say, for code review
  --help           prints this

Exit codes: 0 there is a plan, every mandatory policy holds and so does the budget, 1 there is no plan, since the
configuration or the command line is wrong or the program fails, 2 there is a plan and a mandatory policy does not hold, 3
there is a plan and it costs more than the budget.
`;

const install = `The Pulumi SDKs are not installed. Run: npm ci --prefix infra (500 MB, about a minute)\n`;

class UsageError extends Error {}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  if (!existsSync(join(import.meta.dirname, "../node_modules/@pulumi/pulumi"))) {
    process.stderr.write(install);
    return 1;
  }
  // Neither before here: without the SDKs it cannot be loaded.
  enableCompileCache(compileCache);
  const { plan } = await import("./plan.ts");
  const { output, violated, overBudget } = await plan(options);
  process.stdout.write(output);
  return violated ? 2 : overBudget ? 3 : 0;
}

function readOptions() {
  const { values, positionals } = parse();
  const [stack = "", ...others] = positionals;
  if (!values.help && (stack === "" || others.length > 0)) {
    throw new UsageError(`expected one STACK, found ${positionals.length === 0 ? "none" : positionals.join(" ")}`);
  }
  const config = Object.fromEntries((values.config ?? []).map(readSetting));
  if (values.profile !== undefined) config.profile = values.profile;
  return { ...values, stack, config };
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        profile: { type: "string" },
        config: { type: "string", multiple: true },
        "unknown-refs": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        against: { type: "string" },
        svg: { type: "string" },
        "no-policy": { type: "boolean", default: false },
        "no-cost": { type: "boolean", default: false },
        sarif: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    // After the first sentence, Node advises on what nobody meant.
    throw new UsageError((error as Error).message.split(". ")[0]!);
  }
}

function readSetting(text: string): [string, string] {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`expected --config KEY=VALUE, found ${text}`);
  return [key, value!];
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (!(error instanceof PlanError || error instanceof UsageError)) throw error;
    const hint = error instanceof UsageError ? "; --help lists what there is" : "";
    process.stderr.write(`${error.message}${hint}\n`);
    process.exitCode = 1;
  },
);
