import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import { report } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import type { EntityArgs } from "./entity.ts";
import { KeyUser } from "./key.ts";
import { located } from "./place.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";
import { registryArgs } from "./registry-profile.ts";
import { grant } from "./roles.ts";

export type RegistryArgs = EntityArgs & {
  /** Its nodes pull. */
  readonly cluster: Cluster;
};

/** Images of the service. They can be built again, so it is not protected. */
export class Registry extends pulumi.ComponentResource {
  readonly contract: Platform["registry"];
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Registry", name, {}, opts);
    const { config, place, network, dns, cluster } = args;
    const { subscriptionId, workspaceId } = place;
    const { administratorsGroupId, endpoint: from } = config.cluster;
    const key = args.keys.for.registry;
    const user = new KeyUser(name, { place, key }, { parent: this });
    const registry = new azure.containerregistry.Registry(
      name,
      {
        ...located(place),
        ...registryArgs(from.cidrs, key, user),
      },
      { parent: this, dependsOn: [user] },
    );
    const endpoint = new PrivateEndpoint(
      name,
      {
        place,
        target: registry.id,
        groupId: "registry",
        subnetId: network.subnets.endpoints,
        zone: dns.zones.registry,
      },
      { parent: this },
    );
    const pull = grant(
      `${name}-nodes`,
      {
        subscriptionId,
        role: "acrPull",
        scope: registry.id,
        principalId: cluster.kubeletId,
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    grant(
      `${name}-administrators`,
      {
        subscriptionId,
        role: "acrPush",
        scope: registry.id,
        principalId: administratorsGroupId,
        principalType: "Group",
      },
      { parent: this },
    );
    report(name, { target: registry.id, workspaceId, logs: "audit", metrics: true }, { parent: this });

    // `az acr login` gives Docker a token for some hours; the registry has no user.
    this.contract = {
      id: registry.id,
      repository: pulumi.interpolate`${registry.loginServer}/skykv`,
      credentials: null,
    };
    this.ready = [...endpoint.ready, pull];
    this.registerOutputs({});
  }
}
