import * as pulumi from "@pulumi/pulumi";
import type { LoadBalancer, Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import type { Cluster } from "./cluster.ts";
import type { EntityArgs } from "./entity.ts";
import { publicAddress } from "./network.ts";
import { grant } from "./roles.ts";

export type IngressArgs = EntityArgs & {
  /** Its control plane puts the addresses on its load balancer. */
  readonly cluster: Cluster;
};

/**
 * The addresses of the two load balancers. They have a resource group of their own: the cluster looks an address up in
 * the list of its group, so it needs its right there on the whole group.
 */
export class Ingress extends pulumi.ComponentResource {
  readonly contract: Platform["ingress"];
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: IngressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Ingress", name, {}, opts);
    const { config, cluster } = args;
    const { region, subscriptionId, tags, protect } = args.place;
    const group = new azure.resources.ResourceGroup(`skykv-${name}`, { location: region, tags }, { parent: this });
    const right = grant(
      name,
      {
        subscriptionId,
        role: "networkContributor",
        scope: group.id,
        principalId: cluster.principalId,
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    const balancer = (word: string): LoadBalancer => {
      const at = { resourceGroupName: group.name, location: region, tags };
      const address = publicAddress(word, at, { parent: this, protect });
      return {
        addresses: { [word]: address.ipAddress.apply((it) => it!) },
        annotations: {
          "service.beta.kubernetes.io/azure-load-balancer-resource-group": group.name,
          "service.beta.kubernetes.io/azure-pip-name": address.name,
        },
        loadBalancerClass: null,
      };
    };
    this.contract = {
      api: config.ingress.mode === "loadbalancer" ? balancer("api") : null,
      peers: balancer("peers"),
    };
    this.ready = [right];
    this.registerOutputs({});
  }
}
