/** A plan as JSON: for machines, for `--against`, and to be kept. Secrets are marked and left out. */

import type { Cost } from "../cost/cost.ts";
import { PlanError } from "../engine/error.ts";
import { isObject } from "../engine/values.ts";
import type { Verdict } from "../policy/verdict.ts";
import { type Plan, Secret, Unknown, type Value } from "../resource.ts";

// Raised when a reader of the old form would misread the new one.
const format = "skykv-plan/1";
const secretMark = { $secret: true };
const unknownMark = { $unknown: true };

/** What is said of a plan beside its resources; null where it was not asked for. */
export type Said = { readonly verdicts?: readonly Verdict[] | null; readonly cost?: Cost | null };

/** The same plan gives the same bytes: names are sorted. */
export function toJson(plan: Plan, said: Said = {}): string {
  return stringify({ format, ...plan, ...given(said) });
}

/** Without what was not asked for. */
export function given(said: Said): Partial<Said> {
  return Object.fromEntries(Object.entries(said).filter(([, part]) => part !== null));
}

/** Any part of a plan, or what was made of one. */
export function stringify(part: unknown): string {
  return `${JSON.stringify(marked(part as Value), null, 2)}\n`;
}

function marked(value: Value): unknown {
  if (value instanceof Unknown) return unknownMark;
  if (value instanceof Secret) return secretMark;
  if (Array.isArray(value)) return value.map(marked);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, marked(value[name]!)]));
}

/** Reads what `toJson` wrote. What was a secret is one of unknown content. */
export function fromJson(text: string, file: string): Plan {
  let plan: (Plan & { format?: unknown }) | null;
  try {
    plan = JSON.parse(text, unmark);
  } catch (error) {
    throw new PlanError([`${file}: expected JSON from "npm run plan -- STACK --json": ${(error as Error).message}`]);
  }
  if (plan?.format !== format) {
    throw new PlanError([`${file}: expected a plan in the format ${format}, from "npm run plan -- STACK --json"`]);
  }
  return plan;
}

function unmark(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$unknown" in value) return Unknown.value;
  if ("$secret" in value) return new Secret(Unknown.value);
  return value;
}
