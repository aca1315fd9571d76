import type * as pulumi from "@pulumi/pulumi";
import type { azure } from "../sdk/azure.cjs";
import type { Tags } from "../tags.ts";

/** Where everything of one stack is, and what all of it carries. */
export type Place = {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly region: string;
  readonly group: azure.resources.ResourceGroup;
  /** The Log Analytics workspace that every service reports to. */
  readonly workspaceId: pulumi.Output<string>;
  readonly tags: Tags;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;
};

/** The arguments that nearly every resource takes. */
export function located({ group, region, tags }: Pick<Place, "group" | "region" | "tags">) {
  return { resourceGroupName: group.name, location: region, tags };
}
