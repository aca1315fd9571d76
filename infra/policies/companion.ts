/** Rules on what stands beside a resource: the encryption of a bucket, the parameters of a database. */
import { type Condition, problemOf } from "./condition.ts";
import type { Problem, Resource, StackRule } from "./rule.ts";
import { unknown, type Values, withValue } from "./value.ts";

export type Companion = {
  readonly of: string;
  /** Type of the companion. */
  readonly type: string;
  readonly linked: Link;
  readonly conditions: readonly Condition[];
  /** How many there must be for which the conditions hold. Default: 1. */
  readonly least?: number;
  /** A resource that has enough without any companion. */
  readonly unless?: (values: Values) => boolean;
};

/** True where the second resource is a companion of the first. */
export type Link = ((resource: Resource, companion: Resource) => boolean) & {
  readonly property: string;
  readonly back: boolean;
};

/** The companion names the resource in this property. */
export function by(property: string): Link {
  const linked = (resource: Resource, companion: Resource) => comesFrom(companion, property, resource);
  return Object.assign(linked, { property, back: false });
}

/** The resource names the companion in this property. */
export function named(property: string): Link {
  const linked = (resource: Resource, companion: Resource) => comesFrom(resource, property, companion);
  return Object.assign(linked, { property, back: true });
}

function comesFrom(resource: Resource, property: string, source: Resource): boolean {
  return (resource.sources[property] ?? []).includes(source.urn);
}

/** The judgement of a rule on companions, and what its tests try. */
export function companions(companion: Companion): Pick<StackRule, "types" | "judge" | "examples"> {
  return {
    types: [companion.of, companion.type],
    judge: (resources) =>
      resources.filter(({ type }) => type === companion.of).flatMap((one) => judge(one, resources, companion)),
    examples: examplesOf(companion),
  };
}

function judge(resource: Resource, all: readonly Resource[], companion: Companion): Problem[] {
  const { type, linked, conditions, least = 1, unless } = companion;
  if (unless?.(resource.values)) return [];
  const linkedOnes = all.filter((other) => other.type === type && linked(resource, other));
  const wrongs = linkedOnes.map(({ values }) =>
    conditions.map((condition) => problemOf(condition, values)).filter((text) => text !== null),
  );
  if (wrongs.filter(({ length }) => length === 0).length >= least) return [];
  const kind = type.split(":").at(-1)!;
  const text =
    linkedOnes.length < least
      ? `there must be ${least === 1 ? "a" : `at least ${least}`} ${kind} for it, found ${linkedOnes.length}`
      : `${kind}: ${wrongs.flat()[0]}`;
  return [{ urn: resource.urn, text }];
}

/** Resources by hand, made of the conditions. */
function examplesOf({ of, type, linked, conditions, least = 1 }: Companion): StackRule["examples"] {
  const urn = (kind: string, name: string) => `urn:pulumi:aws::skykv::${kind}::${name}`;
  const names = Array.from({ length: least }, (_, index) => `companion-${index}`);
  const resource: Resource = {
    type: of,
    urn: urn(of, "subject"),
    values: {},
    parent: null,
    sources: linked.back ? { [linked.property]: names.map((name) => urn(type, name)) } : {},
  };
  const stack = (values: Values) => [
    resource,
    ...names.map((name): Resource => {
      return {
        type,
        urn: urn(type, name),
        values,
        parent: null,
        sources: linked.back ? {} : { [linked.property]: [resource.urn] },
      };
    }),
  ];
  const right = withAll(conditions, ({ right }) => right);
  return {
    right: stack(right),
    wrong: conditions.length === 0 ? [resource] : stack(withAll(conditions, ({ wrong }) => wrong[0])),
    absent: { stack: [resource], holds: false },
    unknown: {
      stack: stack(withAll(conditions, () => unknown)),
      holds: conditions.every((condition) => condition.unknown),
    },
  };
}

function withAll(conditions: readonly Condition[], choose: (condition: Condition) => Values[string]): Values {
  return conditions.reduce<Values>((values, condition) => withValue(values, condition.path, choose(condition)), {});
}
