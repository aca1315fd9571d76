/** The guide to the rules, made of the rules: `docs/policies.md`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Rule } from "../rule.ts";
import { concerns, rules } from "../rules/rules.ts";

const folder = join(import.meta.dirname, "..");

type Levels = Readonly<Record<string, string | { readonly enforcementLevel?: string }>>;

/** The whole text. Order and width of its tables follow the rules alone, so that the same rules give the same bytes. */
export function guide(): string {
  const [production, small] = ["production", "small"].map((name) => levelsOf(`${name}.json`)) as [Levels, Levels];
  const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8");
  const tables = Object.entries(concerns).flatMap(([concern, some]) => [
    `## ${concern}`,
    "",
    "| rule | protects from | to do | standard | severity | production | small |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...some.map((rule) => row(rule, levelOf(production, rule), levelOf(small, rule))),
    "",
  ]);
  return `${introduction.replace("COUNT", `${rules.length}`)}\n${tables.join("\n").trimEnd()}\n`;
}

function levelsOf(file: string): Levels {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Levels;
}

function levelOf(levels: Levels, { name }: Rule): string {
  const all = typeof levels.all === "string" ? levels.all : "mandatory";
  const setting = levels[name] ?? all;
  return typeof setting === "string" ? setting : (setting.enforcementLevel ?? all);
}

function row({ name, protects, fix, standard, severity }: Rule, production: string, small: string): string {
  const cells = [`\`${name}\``, protects, fix, standard, severity, production, small];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
