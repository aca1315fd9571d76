import type { Plan } from "../../../../infra/plan/resource.ts";
import { assertNone } from "./offenders.ts";

const rootType = "skykv:index:SkyKV";

/**
 * Every resource lies in the root component. One that does not has lost its parent: the third argument of a component's
 * `super` is its arguments, not its options, and the compiler takes either. Only what is read may lie elsewhere.
 */
export function everyResourceDescendsFromTheRoot(plan: Plan, root = rootType): void {
  const [stack, ...others] = plan.resources;
  const inside = new Set<string>();
  for (const { urn, type, parent } of others) {
    const isRoot = type === root && parent === stack?.urn;
    if (isRoot || inside.has(parent!)) inside.add(urn);
  }
  const outside = others.filter(({ urn, external }) => !inside.has(urn) && !external);
  assertNone(
    outside.map(({ urn, parent }) => `${urn} has the parent ${parent}`),
    `every resource has to descend from the root component ${root}`,
  );
}
