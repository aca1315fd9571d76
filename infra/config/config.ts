/**
 * The configuration of one stack. It is parsed once, here; inside of the program nothing is missing and nothing has a
 * default. `Pulumi.<stack>.yaml` holds it under `skykv:`, and each of those files shows every key.
 */
import { z } from "zod";
import { type AwsConfig, awsConfig } from "./aws.ts";
import { type AzureConfig, azureConfig } from "./azure.ts";
import { checkEdge } from "./edge.ts";
import { type GcpConfig, gcpConfig } from "./gcp.ts";
import { type GlobalConfig, globalConfig } from "./global.ts";
import { type LocalConfig, localConfig } from "./local.ts";
import { type Profile, profiles } from "./shared.ts";

export type Config = AwsConfig | GcpConfig | AzureConfig | GlobalConfig | LocalConfig;
export type Kind = Config["kind"];
/** The stacks that are a whole platform of a cloud. */
export type CloudConfig = AwsConfig | GcpConfig | AzureConfig;

const schemas: { readonly [K in Kind]: (profile: Profile) => z.ZodType<Extract<Config, { kind: K }>> } = {
  aws: awsConfig,
  gcp: gcpConfig,
  azure: azureConfig,
  global: globalConfig,
  local: localConfig,
};

/** Everything that is wrong with a stack's configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`the configuration has ${count}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

/**
 * @param given keys without their `skykv:`, values as in `Pulumi.<stack>.yaml`
 * @throws ConfigError with all problems at once, each with the path of its key and what was expected
 */
export function parseConfig(given: Readonly<Record<string, unknown>>): Config {
  const { kind, profile = "standard" } = given;
  const kinds = Object.keys(schemas) as Kind[];
  if (!kinds.includes(kind as Kind)) {
    throw new ConfigError([`skykv:kind: expected one of ${kinds.join(", ")}, found ${show(kind)}`]);
  }
  // A wrong profile is reported with the rest, which need some profile to be looked at.
  const known = profiles.includes(profile as Profile) ? (profile as Profile) : "standard";
  const schema = schemas[kind as Kind](known).superRefine(checkEdge, { when: () => true });
  const parsed = schema.safeParse(given, { error: missing });
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.flatMap((issue) => problemsOf(issue, given)));
}

/** Says what a key is for when it is not there. */
function missing({ input, inst }: z.core.$ZodRawIssue): string | undefined {
  const meaning = inst === undefined ? undefined : z.globalRegistry.get(inst as z.ZodType)?.description;
  return input === undefined ? meaning : undefined;
}

function problemsOf(issue: z.core.$ZodIssue, given: unknown): string[] {
  const path = `skykv:${issue.path.map(String).join(".")}`;
  const found = issue.path.reduce<unknown>((value, name) => (value as Record<PropertyKey, unknown>)?.[name], given);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map(
        (key) =>
          `${issue.path.length === 0 ? `skykv:${key}` : `${path}.${key}`}: is not a key; remove it or correct its name`,
      );
    case "invalid_union": {
      const strange = (issues: readonly z.core.$ZodIssue[]) => issues.some(({ code }) => code === "unrecognized_keys");
      // Of several forms, the one that was most likely meant: its keys are known.
      const [closest = []] = issue.errors.toSorted(
        (a, b) => Number(strange(a)) - Number(strange(b)) || a.length - b.length,
      );
      return closest.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, given));
    }
    case "custom":
      return [`${path}: ${issue.message}`];
    default:
      return [
        found === undefined
          ? `${path}: is missing: ${expectation(issue)}`
          : `${path}: ${expectation(issue)}, found ${show(found)}`,
      ];
  }
}

/** Zod's own messages begin with `Invalid …: expected`. */
function expectation({ message }: z.core.$ZodIssue): string {
  const [expected = message] = /expected .*$/.exec(message) ?? [];
  return expected.replace(/, received .*$/, "");
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
