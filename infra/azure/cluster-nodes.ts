import type * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { poolName, poolOf, scaled } from "./cluster-profile.ts";
import type { EntityArgs } from "./entity.ts";
import { located } from "./place.ts";

/** The nodes that the workload runs on, where AKS does not choose them itself. */
export function workloadNodes(
  cluster: azure.containerservice.ManagedCluster,
  { config, network, place }: EntityArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const { nodes } = config.cluster;
  const { resourceGroupName, tags } = located(place);
  const pool = poolName(nodes.type);
  return new azure.containerservice.AgentPool(
    pool,
    {
      resourceGroupName,
      resourceName: cluster.name,
      tags,
      agentPoolName: pool,
      mode: "User",
      vmSize: nodes.type,
      ...scaled(nodes),
      ...poolOf(network.subnets.nodes),
    },
    // As many as there are pods for.
    { ...opts, ignoreChanges: ["count"] },
  );
}
