import { factsOf, providerTables, type Tables } from "../../../../infra/plan/providers/index.ts";
import type { Plan } from "../../../../infra/plan/resource.ts";
import { assertNone } from "./offenders.ts";

/** What holds data cannot be deleted by mistake. Not for the profile `small`, which is made to be thrown away. */
export async function statefulResourcesAreProtected(plan: Plan, tables: Tables = providerTables): Promise<void> {
  const created = plan.resources.filter(({ custom, external }) => custom && !external);
  const offenders: string[] = [];
  for (const { urn, type, protect } of created) {
    const facts = await factsOf(tables, type);
    if (facts?.stateful && !protect) offenders.push(urn);
  }
  assertNone(offenders, "what holds data has to be protected (protect: true)");
}
