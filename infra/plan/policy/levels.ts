/** Files of levels, in the form that `pulumi preview --policy-pack-config` reads. */
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";
import { type Level, levels } from "../../policies/levels.ts";
import { PlanError } from "../engine/error.ts";

const level = z.enum(levels);
const day = z.iso.date();
const exception = z.strictObject({
  resource: z.string().regex(/^[^ ]+:[^ ]+::.+$/),
  reason: z.string().min(10),
  until: day,
});
const entry = z.union([
  level,
  z.strictObject({ enforcementLevel: level.optional(), exceptions: z.array(exception).optional() }),
]);

export type Setting = { readonly level?: Level | undefined; readonly exceptions: readonly z.infer<typeof exception>[] };

/** Settings by rule; `all` is for the rules that the file does not name. Rejects with a `PlanError` on any other form. */
export async function readLevels(file: string, rules: readonly string[]): Promise<ReadonlyMap<string, Setting>> {
  const name = relative("", file);
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new PlanError([`expected levels of policies in ${name}: ${error.message}`]);
  });
  const { data, error } = z.record(z.string(), entry).safeParse(parse(text, name));
  if (error !== undefined) {
    throw new PlanError(error.issues.map(({ path, message }) => `${name}: ${path.join(".")}: ${message}`));
  }
  const strangers = Object.keys(data).filter((rule) => rule !== "all" && !rules.includes(rule));
  if (strangers.length > 0) throw new PlanError(strangers.map((rule) => `${name}: there is no rule ${rule}`));
  return new Map(Object.entries(data).map(([rule, setting]) => [rule, settingOf(setting)]));
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PlanError([`${name}: ${(error as Error).message}`]);
  }
}

function settingOf(setting: z.infer<typeof entry>): Setting {
  if (typeof setting === "string") return { level: setting, exceptions: [] };
  return { level: setting.enforcementLevel, exceptions: setting.exceptions ?? [] };
}
