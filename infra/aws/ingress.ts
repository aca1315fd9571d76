import * as pulumi from "@pulumi/pulumi";
import type { Ingress as IngressAnswer, LoadBalancer } from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";
import { balancerSettings } from "./load-balancer.ts";
import { named } from "./names.ts";
import type { Subnets } from "./network.ts";

export type IngressArgs = Pick<EntityArgs, "config" | "tags"> & { readonly publicSubnets: Subnets };

/**
 * Public addresses of the two load balancers, one in each zone, which outlive both of them: names are given to addresses, and peers
 * admit them.
 */
export class Ingress extends pulumi.ComponentResource {
  readonly answer: IngressAnswer;

  constructor(name: string, args: IngressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Ingress", name, {}, opts);
    const { config, publicSubnets, tags } = args;
    const balancer = (port: "api" | "peers"): LoadBalancer => {
      const addresses = Object.keys(publicSubnets).map((zone) => {
        const word = `${port}-${zone}`;
        return [zone, new aws.ec2.Eip(word, { domain: "vpc", tags: named(tags, word) }, { parent: this })] as const;
      });
      const place = {
        subnets: joined(Object.values(publicSubnets)),
        allocations: joined(addresses.map(([, address]) => address.allocationId)),
      };
      return {
        addresses: Object.fromEntries(addresses.map(([zone, address]) => [zone, address.publicIp])),
        ...balancerSettings(config.cluster.mode, place, tags),
      };
    };
    this.answer = { api: config.ingress.mode === "tunnel" ? null : balancer("api"), peers: balancer("peers") };
    this.registerOutputs({});
  }
}

function joined(texts: readonly pulumi.Input<string>[]): pulumi.Output<string> {
  return pulumi.all([...texts]).apply((texts) => texts.join(","));
}
