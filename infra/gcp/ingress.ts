import * as pulumi from "@pulumi/pulumi";
import type { Ingress as Contract, LoadBalancer } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";

/** Fixed public addresses of the two load balancers, which GKE makes for the Services. */
export class Ingress extends pulumi.ComponentResource {
  readonly contract: Contract;

  constructor(
    name: string,
    { config, labels, services }: Pick<EntityArgs, "config" | "labels" | "services">,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("skykv:gcp:Ingress", name, {}, opts);
    const loadBalancer = (word: string): LoadBalancer => {
      const address = new gcp.compute.Address(
        word,
        { region: config.region, addressType: "EXTERNAL", networkTier: "PREMIUM", labels },
        { parent: this, dependsOn: services.of("compute") },
      );
      return {
        addresses: { region: address.address },
        // By its name, not by the address: `spec.loadBalancerIP` is deprecated.
        annotations: { "networking.gke.io/load-balancer-ip-addresses": address.name },
        // A passthrough load balancer of backend services: packets come with the client's address.
        loadBalancerClass: "networking.gke.io/l4-regional-external",
      };
    };
    this.contract = {
      api: config.ingress.mode === "tunnel" ? null : loadBalancer("api"),
      peers: loadBalancer("peers"),
    };
    this.registerOutputs({});
  }
}
