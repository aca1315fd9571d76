/** Setting what a rule demands, where only one value will do. */
import { type Condition, problemOf } from "./condition.ts";
import type { ResourceRule } from "./rule.ts";
import type { Values } from "./value.ts";

/** Inputs as Pulumi hands them over, to be changed in place. */
type Inputs = Record<string, unknown>;

/** True for a rule that can set anything. Elements of lists and options of Pulumi are left to people. */
export function canRemedy({ conditions }: ResourceRule): boolean {
  return conditions.some(isRemedy);
}

/** Sets in `inputs` what the rule demands and `values` lack. False where nothing was to set. */
export function remedy({ conditions }: ResourceRule, values: Values, inputs: Inputs): boolean {
  const failing = conditions.filter((condition) => isRemedy(condition) && problemOf(condition, values) !== null);
  for (const { path, remedy } of failing) set(inputs, path.split("."), remedy);
  return failing.length > 0;
}

function isRemedy({ path, remedy }: Condition): boolean {
  return remedy !== undefined && !/[$[]/.test(path);
}

function set(inputs: Inputs, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    inputs[name] = value;
    return;
  }
  if (inputs[name] === undefined) inputs[name] = {};
  set(inputs[name] as Inputs, rest, value);
}
