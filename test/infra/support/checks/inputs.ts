import { isObject, reveal } from "../../../../infra/plan/engine/values.ts";
import type { PlannedResource, Value } from "../../../../infra/plan/resource.ts";

/** The input at a path such as `metadata.labels`, undefined where there is none. */
export function inputAt({ inputs }: Pick<PlannedResource, "inputs">, path: string): Value | undefined {
  let value: Value | undefined = inputs;
  for (const name of path.split(".")) value = isObject(value) ? value[name] : undefined;
  return value === undefined ? undefined : reveal(value);
}
