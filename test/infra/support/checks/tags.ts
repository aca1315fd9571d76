import { isObject } from "../../../../infra/plan/engine/values.ts";
import { factsOf, providerTables, type Tables } from "../../../../infra/plan/providers/index.ts";
import { type Plan, type PlannedResource, Unknown, type Value } from "../../../../infra/plan/resource.ts";
import { inputAt } from "./inputs.ts";
import { assertNone } from "./offenders.ts";

const required = ["project", "stack", "owner", "data-class"];

/** Every resource that can carry tags or labels carries all of ours, its own or by default of its provider. */
export async function everythingIsTagged(plan: Plan, tables: Tables = providerTables): Promise<void> {
  const byUrn = new Map(plan.resources.map((resource) => [resource.urn, resource]));
  const offenders: string[] = [];
  for (const resource of plan.resources.filter(({ custom, external }) => custom && !external)) {
    const facts = await factsOf(tables, resource.type);
    const path = facts?.tags ?? null;
    if (path === null) continue;
    const tags = [...tagNames(inputAt(resource, path)), ...defaultTags(byUrn.get(resource.provider))];
    const missing = required.filter((name) => !tags.includes(name));
    if (missing.length > 0) offenders.push(`${resource.urn}: ${path} lacks ${missing.join(", ")}`);
  }
  assertNone(offenders, "what can be tagged has to be tagged");
}

/** Names of tags in any form: a map, `{key, value}` or `name:value` in a list. Kubernetes puts a domain before them. */
function tagNames(tags: Value | undefined): string[] {
  if (Array.isArray(tags)) {
    return tags.flatMap((tag) =>
      typeof tag === "string" ? [tag.split(":")[0]!] : isObject(tag) ? [`${tag.key}`] : [],
    );
  }
  return isObject(tags) ? Object.keys(tags).map((name) => name.split("/").at(-1)!) : [];
}

/** Of AWS (`defaultTags`) and Google Cloud (`defaultLabels`). Inputs of a provider that are no text come as JSON. */
function defaultTags(provider: PlannedResource | undefined): string[] {
  const parse = (value: Value | undefined) =>
    typeof value === "string" ? (JSON.parse(value) as Value) : value instanceof Unknown ? undefined : value;
  const tags = parse(provider?.inputs.defaultTags);
  return [...tagNames(isObject(tags) ? tags.tags : undefined), ...tagNames(parse(provider?.inputs.defaultLabels))];
}
