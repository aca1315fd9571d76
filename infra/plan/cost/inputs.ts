/** Reading inputs of planned resources. What is unknown or of another kind counts as not there. */
import { isObject } from "../engine/values.ts";
import type { PlannedResource, Value } from "../resource.ts";

export function at({ inputs }: Pick<PlannedResource, "inputs">, path: string): Value | undefined {
  return path
    .split(".")
    .reduce<Value | undefined>((value, name) => (isObject(value) ? value[name] : undefined), inputs);
}

export function numberAt(resource: Pick<PlannedResource, "inputs">, path: string, otherwise: number): number {
  const value = at(resource, path);
  return typeof value === "number" ? value : otherwise;
}

export function textAt(resource: Pick<PlannedResource, "inputs">, path: string): string {
  const value = at(resource, path);
  return typeof value === "string" ? value : "";
}

export function listAt(resource: Pick<PlannedResource, "inputs">, path: string): readonly Value[] {
  const value = at(resource, path);
  return Array.isArray(value) ? value : [];
}
