/** Names of Azure, taken apart. Pure. */

export type Container = {
  /** Resource id of the group that its account is in. */
  readonly group: string;
  readonly url: string;
};

/** @param id resource id of a blob container */
export function parseContainer(id: string): Container {
  const pattern =
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)\/providers\/Microsoft\.Storage\/storageAccounts\/([^/]+)\/blobServices\/default\/containers\/([^/]+)$/;
  const [, group, account, container] = pattern.exec(id) ?? [];
  if (group === undefined) throw new RangeError(`expected the resource id of a blob container, found ${id}`);
  return { group, url: `https://${account}.blob.core.windows.net/${container}` };
}

/** Resource id of the built-in role that pushes images to a registry, and pulls. */
export function acrPush(subscriptionId: string): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/8311e382-0749-4cb8-b61a-304f252e45ec`;
}
