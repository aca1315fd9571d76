import assert from "node:assert/strict";
import type { Plan, PlannedResource } from "../../../../infra/plan/resource.ts";
import { assertNone } from "./offenders.ts";

/**
 * Every resource that `later` selects is created after every one that `earlier` selects, through however many others. A
 * selector is a type, or a type and a logical name: `azure-native:privatedns:VirtualNetworkLink database`. It is an error
 * when one selects nothing.
 */
export function mustComeAfter(plan: Plan, later: string, earlier: string): void {
  const first = select(plan, earlier);
  const offenders = select(plan, later).flatMap((resource) => {
    const before = predecessors(plan, resource);
    return first.filter(({ urn }) => !before.has(urn)).map(({ urn }) => `${resource.urn} does not wait for ${urn}`);
  });
  assertNone(offenders, `${later} has to come after ${earlier}`);
}

function select({ resources }: Plan, selector: string): PlannedResource[] {
  const [type, name] = selector.split(/ (.*)/s);
  const found = resources.filter(
    (resource) => resource.type === type && (name === undefined || resource.name === name),
  );
  assert.ok(found.length > 0, `expected ${selector} in the plan`);
  return found;
}

/** URNs of all that exists before a resource. A child waits for its parent, and so for what its parent waits for. */
function predecessors({ resources }: Plan, resource: PlannedResource): Set<string> {
  const byUrn = new Map(resources.map((each) => [each.urn, each]));
  const seen = new Set<string>();
  const visit = (urn: string | null): void => {
    if (urn === null || urn === "" || seen.has(urn)) return;
    seen.add(urn);
    const found = byUrn.get(urn);
    if (found !== undefined) for (const next of directly(found)) visit(next);
  };
  for (const urn of directly(resource)) visit(urn);
  return seen;
}

function directly({ dependencies, parent, provider }: PlannedResource): (string | null)[] {
  return [...dependencies, parent, provider];
}
