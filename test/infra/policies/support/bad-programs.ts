/** For each rule a small program that breaks it, made of what the rule itself says is wrong. */
import type { PlannedResource } from "../../../../infra/plan/resource.ts";
import { isStackRule, type Rule, type StackRule } from "../../../../infra/policies/rule.ts";
import { rules } from "../../../../infra/policies/rules/rules.ts";
import { casesOf, toPlan } from "./cases.ts";

export type BadProgram = {
  readonly rule: string;
  readonly resources: readonly BadResource[];
};

export type BadResource = Pick<PlannedResource, "type" | "name" | "inputs" | "protect"> & {
  /** By property, names of resources of the same program that its value comes from. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  /** Whether it lies in no component. */
  readonly orphan: boolean;
};

export const badPrograms: readonly BadProgram[] = rules.map((rule) => ({
  rule: rule.name,
  resources: isStackRule(rule) ? severalOf(rule) : [oneOf(rule)],
}));

function oneOf(rule: Exclude<Rule, StackRule>): BadResource {
  const { resource } = casesOf(rule).find(({ kind }) => kind === "violating")!;
  const { type, inputs, protect } = resource;
  return { type, name: rule.name, inputs, protect, sources: {}, orphan: false };
}

/** Stack and root are every program's own. Whoever others come from is made before them. */
function severalOf({ name, examples }: StackRule): readonly BadResource[] {
  const own = examples.wrong.filter(({ type }) => !/^(pulumi:|skykv:)/.test(type));
  const names = new Map(own.map(({ urn }, index) => [urn, `${name}-${index}`]));
  const stacks = examples.wrong.filter(({ type }) => type === "pulumi:pulumi:Stack").map(({ urn }) => urn);
  return own
    .map(({ type, urn, values, parent, sources }) => ({
      type,
      name: names.get(urn)!,
      inputs: toPlan(values) as PlannedResource["inputs"],
      protect: false,
      sources: Object.fromEntries(
        Object.entries(sources).map(([property, urns]) => [property, urns.map((source) => names.get(source)!)]),
      ),
      orphan: parent !== null && stacks.includes(parent),
    }))
    .toSorted((a, b) => Object.keys(a.sources).length - Object.keys(b.sources).length);
}
