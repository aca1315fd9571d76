import { factsOf, providerTables, type Tables } from "../../../../infra/plan/providers/index.ts";
import { type Plan, type PlannedResource, Unknown } from "../../../../infra/plan/resource.ts";
import { inputAt } from "./inputs.ts";
import { assertNone } from "./offenders.ts";

type Named = {
  readonly resource: PlannedResource;
  readonly name: string;
  readonly pattern: RegExp;
  /** What the name is relative to; null where that is not known yet. */
  readonly place: string | null;
};

/** No two resources would be one in the cloud. Most names are known in `up` alone. */
export async function physicalNamesAreUnique(plan: Plan, tables: Tables = providerTables): Promise<void> {
  const named = await namedResources(plan, tables);
  const placed = named.filter(({ place }) => place !== null);
  const groups = Map.groupBy(placed, ({ resource, name, place }) => JSON.stringify([resource.type, place, name]));
  const twins = [...groups.values()].filter((group) => group.length > 1);
  assertNone(
    twins.map((group) => `${group[0]!.name}: ${group.map(({ resource }) => resource.urn).join(" and ")}`),
    "physical names have to differ",
  );
}

/** The cloud accepts every name: its length and its characters. */
export async function physicalNamesFit(plan: Plan, tables: Tables = providerTables): Promise<void> {
  const named = await namedResources(plan, tables);
  const misfits = named.filter(({ name, pattern }) => !pattern.test(name));
  assertNone(
    misfits.map(({ resource, name, pattern }) => `${resource.urn}: ${name} does not fit ${pattern}`),
    "physical names have to be such as the cloud accepts",
  );
}

async function namedResources(plan: Plan, tables: Tables): Promise<Named[]> {
  const created = plan.resources.filter(({ custom, external }) => custom && !external);
  const named = await Promise.all(
    created.map(async (resource) => {
      const rule = (await factsOf(tables, resource.type))?.physicalName;
      const name = rule && inputAt(resource, rule.input);
      if (rule === undefined || typeof name !== "string") return [];
      const within = (rule.within ?? []).map((input) => inputAt(resource, input) ?? null);
      const place = within.some((input) => input instanceof Unknown) ? null : JSON.stringify(within);
      return [{ resource, name, pattern: rule.pattern, place }];
    }),
  );
  return named.flat();
}
