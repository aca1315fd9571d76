import type { gcp } from "../sdk/gcp.cjs";

/** Where clients learn of the nodes: one of the two endpoints that Memorystore makes. */
export function discoveryAddress(endpoints: readonly gcp.types.output.memorystore.InstanceEndpoint[]): string {
  const connections = endpoints.flatMap((endpoint) => endpoint.connections ?? []);
  const discovery = connections.find(
    ({ pscAutoConnection }) => pscAutoConnection?.connectionType === "CONNECTION_TYPE_DISCOVERY",
  );
  if (discovery?.pscAutoConnection === undefined) {
    throw new Error(
      "expected Memorystore to have made an endpoint of type CONNECTION_TYPE_DISCOVERY, found none; look whether the network has a service connection policy for gcp-memorystore in this region",
    );
  }
  return discovery.pscAutoConnection.ipAddress;
}

/**
 * Memorystore has no rights on one instance: a right on the project is narrowed down. By the end of the name, because that
 * begins with the project's id or its number.
 */
export function connectCondition(region: string, instance: string) {
  return {
    title: "skykv-cache",
    description: "This instance alone",
    expression: `resource.name.endsWith("/locations/${region}/instances/${instance}")`,
  };
}

/** All who come with a token of IAM are Valkey's default user. */
export const cacheUser = "default";
