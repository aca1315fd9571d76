import type { PlannedResource } from "../resource.ts";

/** As a tree: each resource before its children, siblings by type and name. The program's own order varies from run to run. */
export function inTreeOrder(resources: readonly PlannedResource[]): PlannedResource[] {
  const children = Map.groupBy(resources, ({ parent }) => parent);
  const below = (parent: string | null): PlannedResource[] =>
    (children.get(parent) ?? []).sort(byTypeAndName).flatMap((resource) => [resource, ...below(resource.urn)]);
  return below(null);
}

function byTypeAndName(a: PlannedResource, b: PlannedResource): number {
  return compare(a.type, b.type) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
