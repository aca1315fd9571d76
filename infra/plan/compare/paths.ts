/** Paths to properties, such as `spec.ports[0].name`, and the patterns that Pulumi and the facts use for them. */

import { isObject } from "../engine/values.ts";
import { Secret, Unknown, type Value } from "../resource.ts";

export type Path = readonly (string | number)[];

export type Difference = { readonly path: Path; readonly before: Value | undefined; readonly after: Value | undefined };

/**
 * Every leaf that differs. What is unknown, or secret, on both sides counts as the same: of neither is the content to
 * be had.
 */
export function differences(before: Value | undefined, after: Value | undefined, path: Path = []): Difference[] {
  if (before instanceof Unknown && after instanceof Unknown) return [];
  if (before instanceof Secret && after instanceof Secret) return [];
  // What is a secret in one plan is not told from the other.
  if (before instanceof Secret || after instanceof Secret)
    return [{ path, before: hidden(before), after: hidden(after) }];
  const [a, b] = namedParts(before, after) ?? [partsOf(before), partsOf(after)];
  const isLeaf = (a === null && before !== undefined) || (b === null && after !== undefined);
  const parts = new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])]);
  if (isLeaf || parts.size === 0) return isSame(before, after) ? [] : [{ path, before, after }];
  return [...parts].flatMap((part) => differences(a?.get(part), b?.get(part), [...path, part]));
}

function hidden(value: Value | undefined): Value | undefined {
  return value === undefined ? undefined : new Secret(value);
}

/** Paths of all that is unknown in a value. */
export function unknowns(value: Value | undefined, path: Path): Path[] {
  if (value instanceof Unknown) return [path];
  if (value instanceof Secret) return unknowns(value.value, path);
  return [...(partsOf(value) ?? [])].flatMap(([part, inner]) => unknowns(inner, [...path, part]));
}

/**
 * Whether a path is what a pattern names, or inside of it. In a pattern, `*` stands for one name, `[]` and `[*]` for one
 * index, and a lone `*` for everything.
 */
export function matches(pattern: string, path: Path): boolean {
  const wanted = parsePattern(pattern);
  return wanted.length <= path.length && wanted.every((part, index) => part === "*" || part === `${path[index]}`);
}

export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

function parsePattern(pattern: string): string[] {
  const parts = pattern.matchAll(/\["([^"]*)"\]|\[(\d+|\*)?\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, name]) => quoted ?? name ?? index ?? "*");
}

type Parts = Map<string | number, Value>;

/**
 * Lists whose elements have names, such as environment variables, by name: one more at the front is one more, and not
 * another value for each. Null for other lists, and where what stays has changed its order.
 */
function namedParts(before: Value | undefined, after: Value | undefined): [Parts, Parts] | null {
  const [a, b] = [partsByName(before), partsByName(after)];
  if (a === null || b === null) return null;
  const inBoth = (these: Parts, those: Parts) => [...these.keys()].filter((name) => those.has(name)).join();
  return inBoth(a, b) === inBoth(b, a) ? [a, b] : null;
}

function partsByName(value: Value | undefined): Parts | null {
  if (!Array.isArray(value)) return null;
  const parts: Parts = new Map();
  for (const element of value) {
    if (!isObject(element) || typeof element.name !== "string" || parts.has(element.name)) return null;
    parts.set(element.name, element);
  }
  return parts;
}

/** Null for a leaf. */
function partsOf(value: Value | undefined): Parts | null {
  if (Array.isArray(value)) return new Map(value.entries());
  return isObject(value) ? new Map(Object.entries(value)) : null;
}

function isSame(before: Value | undefined, after: Value | undefined): boolean {
  if (partsOf(before) !== null && partsOf(after) !== null) return Array.isArray(before) === Array.isArray(after);
  return before === after;
}
