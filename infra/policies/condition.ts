/** What a rule demands of one property. */
import { isList, unknown, type Value, type Values, valuesAt } from "./value.ts";

export type Condition = {
  /** See `valuesAt`. What starts with `$` is no input of the resource: see `subject.ts`. */
  readonly path: string;
  /** Ends the sentence "PATH must …". */
  readonly must: string;
  /** Whether it holds where the property is absent. */
  readonly absent: boolean;
  /** Whether it holds where the value is not known yet. */
  readonly unknown: boolean;
  readonly holds: (known: Value) => boolean;
  /** `holds` in CEL, made for an expression of the value. Conditions that are asked at admission have it: see `cel.ts`. */
  readonly cel?: (value: string) => string;
  /** A value for which it holds, and those for which it does not: what the tests try. */
  readonly right: Value;
  readonly wrong: readonly Value[];
  /** The one value that would do, where there is just one: a policy at the level `remediate` sets it. */
  readonly remedy?: Scalar;
  /** It is asked only where this property has this value, or one that is not known yet. */
  readonly where?: { readonly path: string; readonly equals: Scalar };
};

type Scalar = boolean | number | string;

/** Null where the condition holds, otherwise what is wrong. It shows no value: one may be a secret. */
export function problemOf(condition: Condition, values: Values): string | null {
  if (!isAsked(condition, values)) return null;
  const failing = valuesAt(values, condition.path).filter((value) => !holdsFor(condition, value));
  if (failing.length === 0) return null;
  const [value] = failing;
  const found =
    value === undefined ? "nothing" : value === unknown ? "a value that only up will know" : "another value";
  return `${demandOf(condition)}, found ${found}`;
}

/** `spec.replicas must be at least 2` */
export function demandOf({ path, must }: Condition): string {
  return `${path.replace(/^\$(options\.|pod\.)?(\$containers\[\]\.)?/, "")} must ${must}`;
}

function isAsked({ where }: Condition, values: Values): boolean {
  if (where === undefined) return true;
  return valuesAt(values, where.path).some((value) => value === where.equals || value === unknown);
}

function holdsFor(condition: Condition, value: Value): boolean {
  if (value === undefined) return condition.absent;
  return value === unknown ? condition.unknown : condition.holds(value);
}

export function is(path: string, expected: Scalar): Condition {
  const wrong =
    typeof expected === "boolean" ? !expected : typeof expected === "number" ? expected + 1 : `not-${expected}`;
  return {
    path,
    must: `be ${JSON.stringify(expected)}`,
    absent: false,
    unknown: false,
    holds: (value) => value === expected,
    cel: (value) => `${value} == ${JSON.stringify(expected)}`,
    right: expected,
    wrong: [wrong],
    remedy: expected,
  };
}

/** For a default that is right: only saying otherwise is wrong. */
export function isNot(path: string, refused: Scalar): Condition {
  return {
    path,
    must: `not be ${JSON.stringify(refused)}`,
    absent: true,
    unknown: false,
    holds: (value) => value !== refused,
    cel: (value) => `${value} != ${JSON.stringify(refused)}`,
    right: typeof refused === "boolean" ? !refused : `not-${refused}`,
    wrong: [refused],
  };
}

/** There is a value, which may be one that only `up` will know: the id of a key of the same stack, for one. */
export function isSet(path: string): Condition {
  return {
    path,
    must: "be set",
    absent: false,
    unknown: true,
    holds: (value) => value !== "" && !(isList(value) && value.length === 0),
    cel: (value) => `dyn(${value}) != "" && dyn(${value}) != []`,
    right: "something",
    wrong: [""],
  };
}

/** `wrong` is a value as somebody would set it. */
export function isUnset(path: string, wrong: Value = "x"): Condition {
  return {
    path,
    must: "not be set",
    absent: true,
    unknown: false,
    holds: () => false,
    cel: () => "false",
    right: undefined,
    wrong: [wrong],
  };
}

/** For a type that nobody may use at all. */
export const isNotUsed: Condition = { ...isUnset("$type"), must: "not be used" };

export function isOneOf(path: string, ...accepted: readonly Scalar[]): Condition {
  return {
    path,
    must: `be one of ${accepted.join(", ")}`,
    absent: false,
    unknown: false,
    holds: (value) => accepted.includes(value as Scalar),
    cel: (value) => `${value} in ${JSON.stringify(accepted)}`,
    right: accepted[0],
    wrong: ["another"],
  };
}

export function isAtLeast(path: string, least: number): Condition {
  return {
    path,
    must: `be at least ${least}`,
    absent: false,
    unknown: false,
    holds: (value) => typeof value === "number" && value >= least,
    cel: (value) => `${value} >= ${least}`,
    right: least,
    wrong: [least - 1],
  };
}

/** A list has all of these. */
export function contains(path: string, ...all: readonly string[]): Condition {
  return {
    path,
    must: `contain ${all.join(", ")}`,
    absent: false,
    unknown: false,
    holds: (value) => isList(value) && all.every((one) => value.includes(one)),
    cel: (value) => `${JSON.stringify(all)}.all(one, one in ${value})`,
    right: all,
    wrong: [all.slice(1)],
  };
}

/** Any other condition. Unless said otherwise, neither absent nor unknown values will do. */
export function test(
  path: string,
  must: string,
  holds: Condition["holds"],
  examples: Pick<Condition, "right" | "wrong"> & Partial<Pick<Condition, "absent" | "unknown" | "cel">>,
): Condition {
  return { absent: false, unknown: false, path, must, holds, ...examples };
}

/** The condition, asked only where another property has a value. */
export function where(path: string, equals: Scalar, condition: Condition): Condition {
  return { ...condition, where: { path, equals } };
}
