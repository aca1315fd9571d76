/** The guide to the rules, made of the rules: `docs/policies.md`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tableRow } from "../../markdown.ts";
import { admissionRules, kubernetesRules, neverOfCluster, typesAtAdmission } from "../admission.ts";
import { levelOf, levelsIn } from "../levels.ts";
import type { Rule } from "../rule.ts";
import { concerns, rules } from "../rules/rules.ts";

const folder = join(import.meta.dirname, "..");

/** The whole text. Order and width of its tables follow the rules alone, so that the same rules give the same bytes. */
export function guide(): string {
  const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8")
    .replace("COUNT", `${rules.length}`)
    .replace("ADMISSION", `${admissionRules.length}`)
    .replace("NEVER", [...never, ...partly].join("\n"));
  const tables = Object.entries(concerns).map(([concern, some]) => table(concern, some));
  return `${introduction}\n${tables.join("\n\n")}\n`;
}

const never = kubernetesRules.flatMap(({ rule, never }) => (never === null ? [] : [`- \`${rule.name}\`: ${never}.`]));
const partly = admissionRules.flatMap((rule) =>
  rule.types
    .filter((type) => !typesAtAdmission(rule).includes(type))
    .map((type) => `- \`${rule.name}\` of a ${type.split(":").at(-1)}: ${neverOfCluster}.`),
);
const [production, small] = ["production.json", "small.json"].map((file) => levelsIn(join(folder, file)));

/** Of one concern, with a column on admission where any of its rules is asked there. */
function table(concern: string, some: readonly Rule[]): string {
  const atAdmission = new Set<Rule>(admissionRules);
  const admission = some.some((rule) => atAdmission.has(rule));
  const head = ["rule", "protects from", "to do", "standard", "severity", "production", "small"];
  const rows = some.map((rule) => [
    `\`${rule.name}\``,
    ...[rule.protects, rule.fix, rule.standard, rule.severity],
    ...[levelOf(production!, rule.name), levelOf(small!, rule.name)],
    ...(admission ? [atAdmission.has(rule) ? "yes" : "no"] : []),
  ]);
  const columns = admission ? [...head, "admission"] : head;
  return [`## ${concern}`, "", tableRow(columns), tableRow(columns.map(() => "---")), ...rows.map(tableRow)].join("\n");
}
