/** What a rule reads of a resource. A property is absent, known, or unknown until `pulumi up` has made what it comes from. */

/** Stands where a value is that only `pulumi up` will know. */
export const unknown: unique symbol = Symbol("unknown");

/** `undefined` is a property that is absent. */
export type Value =
  | null
  | boolean
  | number
  | string
  | typeof unknown
  | undefined
  | readonly Value[]
  | { readonly [name: string]: Value };

export type Values = { readonly [name: string]: Value };

/**
 * Values without the guard that Pulumi puts around them: it throws at the first unknown one that is read, and then has a
 * mandatory rule count as advisory. `isGuard` tells its error from others.
 */
export function unguarded(guarded: unknown, isGuard: (error: unknown) => boolean): Value {
  if (typeof guarded !== "object" || guarded === null) return guarded as Value;
  const read = (name: string) => {
    try {
      return unguarded((guarded as Record<string, unknown>)[name], isGuard);
    } catch (error) {
      if (isGuard(error)) return unknown;
      throw error;
    }
  };
  const names = Object.keys(guarded);
  return Array.isArray(guarded) ? names.map(read) : Object.fromEntries(names.map((name) => [name, read(name)]));
}

/**
 * All values at a path: `a.b` is a nested property, `a[].b` that of each element. What lies below something unknown is
 * unknown; an empty list has none, and counts as absent.
 */
export function valuesAt(values: Value, path: string): readonly Value[] {
  let found: readonly Value[] = [values];
  for (const step of path.split(".")) {
    const name = step.replace("[]", "");
    found = found.map((value) => (isMap(value) ? value[name] : value === unknown ? unknown : undefined));
    if (step.endsWith("[]"))
      found = found.flatMap((value) => (isList(value) && value.length > 0 ? value : [belowOf(value)]));
  }
  return found.map((value) => value ?? undefined);
}

function belowOf(value: Value): Value {
  return value === unknown ? unknown : undefined;
}

export function isMap(value: Value): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Values with another one at a path, as `valuesAt` reads it. Undefined takes it away. */
export function withValue(values: Values, path: string, value: Value): Values {
  const [step = "", ...rest] = path.split(".");
  const name = step.replace("[]", "");
  const inner = (old: Value) => (rest.length === 0 ? value : withValue(isMap(old) ? old : {}, rest.join("."), value));
  if (!step.endsWith("[]")) return { ...values, [name]: inner(values[name]) };
  const old = values[name];
  const list = isList(old) && old.length > 0 ? old : [undefined];
  return { ...values, [name]: list.map(inner) };
}
