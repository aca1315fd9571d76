import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { PlanError } from "./error.ts";
import { unknownText } from "./values.ts";

/** A stack's configuration as Pulumi hands it to the program: texts by full key, such as `skykv:domain`. */
export type StackConfig = {
  readonly project: string;
  readonly values: Readonly<Record<string, string>>;
  /** Keys of `values` that hold a secret. */
  readonly secretKeys: readonly string[];
};

/**
 * Reads `Pulumi.yaml` and `Pulumi.STACK.yaml` of a folder. `overrides` replace whole keys; the project's name may be left
 * out of a key. What is not text is passed as JSON, as Pulumi does; undefined removes the key.
 */
export async function readStackConfig(
  folder: string,
  stack: string,
  overrides: Readonly<Record<string, unknown>>,
): Promise<StackConfig> {
  const project = await readProject(folder);
  const file = join(folder, `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8").catch(async () => {
    const stacks = (await stacksIn(folder)).join(", ");
    throw new PlanError([`expected a stack among ${stacks}, found ${stack}: there is no ${relative("", file)}`]);
  });
  const { config } = readYaml<{ config?: Record<string, unknown> }>(file, text);
  const secretKeys: string[] = [];
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries({
    ...withProject(project, config ?? {}),
    ...withProject(project, overrides),
  })) {
    const [plain, secret] = withoutSecrets(value);
    if (plain === undefined) continue;
    values[key] = typeof plain === "string" ? plain : JSON.stringify(plain);
    if (secret) secretKeys.push(key);
  }
  return { project, values, secretKeys };
}

/** Names of the stacks that have a configuration in a folder. */
async function stacksIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}

async function readProject(folder: string): Promise<string> {
  const file = join(folder, "Pulumi.yaml");
  return readYaml<{ name: string }>(file, await readFile(file, "utf8")).name;
}

function readYaml<Shape>(file: string, text: string): Shape {
  try {
    return (parse(text) ?? {}) as Shape;
  } catch (error) {
    throw new PlanError([`${relative("", file)}: ${(error as Error).message}`]);
  }
}

function withProject(project: string, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.includes(":") ? key : `${project}:${key}`, value]),
  );
}

/** Nothing here can decrypt `secure: …`: what it holds is unknown. The second is true where there was any. */
function withoutSecrets(value: unknown): [plain: unknown, secret: boolean] {
  if (typeof value !== "object" || value === null) return [value, false];
  if (Object.keys(value).join() === "secure") return [unknownText, true];
  const parts = Object.entries(value).map(([name, part]) => [name, withoutSecrets(part)] as const);
  const secret = parts.some(([, [, isSecret]]) => isSecret);
  if (Array.isArray(value)) return [parts.map(([, [plain]]) => plain), secret];
  return [Object.fromEntries(parts.map(([name, [plain]]) => [name, plain])), secret];
}
