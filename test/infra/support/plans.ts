import { urnOf } from "../../../infra/plan/engine/urn.ts";
import type { Plan, PlannedResource } from "../../../infra/plan/resource.ts";

type Given = Partial<PlannedResource> & Pick<PlannedResource, "type" | "name">;

const stack: PlannedResource = planned({ type: "pulumi:pulumi:Stack", name: "skykv-aws", parent: null, custom: false });
export const root = planned({ type: "skykv:index:SkyKV", name: "skykv", parent: stack.urn, custom: false });

/** A resource of a plan by hand, a custom one under the root unless said otherwise. */
export function planned(given: Given): PlannedResource {
  const parent = given.parent === undefined ? root.urn : given.parent;
  return {
    urn: urnOf("aws", "skykv", parent ?? "", given.type, given.name),
    parent,
    custom: true,
    external: false,
    inputs: {},
    dependencies: [],
    propertyDependencies: {},
    protect: false,
    retainOnDelete: false,
    ignoreChanges: [],
    replaceOnChanges: [],
    deleteBeforeReplace: false,
    provider: "",
    ...given,
  };
}

/** A plan of the stack `aws`, with its stack and root before the given resources. */
export function planOf(...resources: readonly PlannedResource[]): Plan {
  return { stack: "aws", mode: "up", resources: [stack, root, ...resources], outputs: {}, messages: [] };
}
