/** What the tests try of a rule, made of its own conditions. */
import { type PlannedResource, type Value as PlanValue, Unknown } from "../../../../infra/plan/resource.ts";
import type { Condition } from "../../../../infra/policies/condition.ts";
import type { Resource, ResourceRule } from "../../../../infra/policies/rule.ts";
import { podPath } from "../../../../infra/policies/subject.ts";
import { unknown, type Value, type Values, withValue } from "../../../../infra/policies/value.ts";
import { planned } from "../../support/plans.ts";

export type Case = {
  readonly kind: "compliant" | "violating" | "absent" | "unknown" | "other type";
  /** Begins with what is tried, and is unlike that of all other cases. */
  readonly name: string;
  readonly resource: PlannedResource;
  /** Whether the rule has something to say. */
  readonly violated: boolean;
};

/** No rule is about it. */
const otherType = "random:index/randomPet:RandomPet";

export function casesOf(rule: ResourceRule): readonly Case[] {
  return rule.conditions.flatMap((condition, index) => casesOfCondition(rule, condition, index));
}

function casesOfCondition(rule: ResourceRule, condition: Condition, index: number): readonly Case[] {
  const right = exampleFor(rule, condition);
  const make = (kind: Case["kind"], violated: boolean, values: Values, type = rule.types[0]!, suffix = ""): Case => {
    const name = `${rule.name} ${index} ${kind}${suffix}`;
    return { kind, name, violated, resource: resourceOf(type, name, values) };
  };
  const other = make("other type", false, right, otherType);
  if (condition.path === "$type")
    return [other, ...rule.types.map((type) => make("violating", true, {}, type, ` ${type}`))];
  const samePath = asked(rule, condition).filter(({ path }) => path === condition.path);
  const set = (value: Value) => withValue(right, condition.path, value);
  return [
    other,
    ...rule.types.map((type) => make("compliant", false, right, type, ` ${type}`)),
    ...condition.wrong.map((wrong, number) => make("violating", true, set(wrong), undefined, ` ${number}`)),
    make(
      "absent",
      samePath.some(({ absent }) => !absent),
      set(undefined),
    ),
    // Neither options nor all inputs together can be unknown.
    ...(/^\$(options|inputs)/.test(condition.path)
      ? []
      : [
          make(
            "unknown",
            samePath.some((one) => !one.unknown),
            set(unknown),
          ),
        ]),
  ];
}

/** Conditions that are asked where this one is. */
function asked({ conditions }: ResourceRule, { where }: Condition): readonly Condition[] {
  return conditions.filter(
    (one) => one.where === undefined || (one.where.path === where?.path && one.where.equals === where.equals),
  );
}

/** Values for which the rule holds, and the condition is asked. */
function exampleFor(rule: ResourceRule, condition: Condition): Values {
  const all = asked(rule, condition).toSorted((a, b) => Number(a.where !== undefined) - Number(b.where !== undefined));
  const right = all.reduce<Values>((values, { path, right }) => withValue(values, path, right), {});
  const { where } = condition;
  return where === undefined ? right : withValue(right, where.path, where.equals);
}

function resourceOf(type: string, name: string, values: Values): PlannedResource {
  return planned({
    type,
    name,
    inputs: toPlan(inputsOf(type, values)) as PlannedResource["inputs"],
    protect: (values.$options as Values | undefined)?.protect === true,
  });
}

/** As a program would have made it: what `subject.ts` adds goes back to where it came from. */
export function inputsOf(type: string, { $options: _, $inputs, $pod, $type: __, ...inputs }: Values): Values {
  const { $containers = [], ...pod } = ($pod ?? {}) as Values;
  const containers = pod.containers === undefined ? $containers : pod.containers;
  const template = { ...inputs, ...($inputs as Values) };
  return $pod === undefined
    ? template
    : withValue(template, podPath(type), $pod === unknown ? unknown : { ...pod, containers });
}

/** What is absent is left out. */
export function toPlan(value: Value): PlanValue {
  if (value === unknown) return Unknown.value;
  if (Array.isArray(value)) return value.filter((one) => one !== undefined).map(toPlan) as PlanValue;
  if (typeof value !== "object" || value === null) return value as PlanValue;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries.map(([name, part]) => [name, toPlan(part)])) as PlanValue;
}

/** A resource of a stack rule's example. */
export function plannedOf({ type, urn, values, parent, sources }: Resource): PlannedResource {
  return {
    ...planned({
      type,
      name: urn,
      parent,
      inputs: toPlan(values) as PlannedResource["inputs"],
      propertyDependencies: sources,
    }),
    urn,
  };
}
