import * as pulumi from "@pulumi/pulumi";
import { ports } from "../names.ts";
import type { Ingress, LoadBalancer } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { apiPort, type EnvironmentArgs } from "./environment.ts";
import { labelsOf, selectorOf } from "./labels.ts";
import { hosts, type Ranges } from "./traffic.ts";

export type ServicesArgs = {
  readonly namespace: pulumi.Input<string>;
  readonly ingress: Ingress;
  readonly tls: EnvironmentArgs["tls"];
  /** Cloudflare's, of IPv4: the load balancers have no other addresses. */
  readonly edgeRanges: Ranges;
  readonly peerAddresses: Ranges;
  readonly tags: Tags;
};

/** Where the API and the peers' port are found: on public load balancers where the platform has them, else inside alone. */
export class Services extends pulumi.ComponentResource {
  constructor(name: string, args: ServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Services", name, {}, opts);
    const { ingress, tls, edgeRanges, peerAddresses } = args;
    const port = tls === null ? 80 : 443;
    this.#service(name, args, "api", port, apiPort(tls), ingress.api, edgeRanges);
    if (tls !== null) {
      const ranges = pulumi.output(peerAddresses).apply(hosts);
      this.#service(name, args, "peers", ports.peers, ports.peers, ingress.peers, ranges);
    }
    this.registerOutputs({});
  }

  #service(
    name: string,
    { namespace, tags }: ServicesArgs,
    word: "api" | "peers",
    port: number,
    targetPort: number,
    balancer: LoadBalancer | null,
    ranges: Ranges,
  ) {
    new k8s.core.v1.Service(
      `${name}-${word}`,
      {
        metadata: {
          name: word,
          namespace,
          labels: labelsOf(tags, "api"),
          annotations: balancer === null ? {} : balancer.annotations,
        },
        spec: {
          selector: selectorOf("api"),
          ports: [{ name: word, port, targetPort, protocol: "TCP" }],
          ...(balancer === null ? { type: "ClusterIP" } : loadBalancerSpec(balancer, ranges)),
        },
      },
      { parent: this },
    );
  }
}

/** `Local`: a node passes on what it gets without changing from where it comes, so source ranges hold and pods see callers. */
function loadBalancerSpec({ loadBalancerClass }: LoadBalancer, ranges: Ranges): k8s.types.input.core.v1.ServiceSpec {
  return {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    loadBalancerSourceRanges: pulumi.output(ranges).apply((known) => [...known]),
    ...(loadBalancerClass !== null && { loadBalancerClass }),
  };
}
