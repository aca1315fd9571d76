import type * as pulumi from "@pulumi/pulumi";
import type { AwsConfig } from "../config/aws.ts";
import type { Tags } from "../tags.ts";

type Place = { readonly subnets: pulumi.Input<string>; readonly allocations: pulumi.Input<string> };

/**
 * What a Service must carry. Both kinds reach pods with the caller's own address, and each address answers as long as one
 * zone has pods. In Auto Mode EKS's own controller serves it; otherwise the cloud controller that EKS runs in its control
 * plane does: no further one is installed.
 */
export function balancerSettings(mode: AwsConfig["cluster"]["mode"], { subnets, allocations }: Place, tags: Tags) {
  const prefix = "service.beta.kubernetes.io/aws-load-balancer";
  const annotations = {
    [`${prefix}-subnets`]: subnets,
    [`${prefix}-eip-allocations`]: allocations,
    [`${prefix}-additional-resource-tags`]: Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  };
  if (mode === "managed-nodes") {
    return {
      annotations: {
        ...annotations,
        [`${prefix}-type`]: "nlb",
        [`${prefix}-cross-zone-load-balancing-enabled`]: "true",
      },
      loadBalancerClass: null,
    };
  }
  return {
    annotations: {
      ...annotations,
      [`${prefix}-scheme`]: "internet-facing",
      [`${prefix}-nlb-target-type`]: "ip",
      [`${prefix}-attributes`]: "load_balancing.cross_zone.enabled=true",
      [`${prefix}-target-group-attributes`]: "preserve_client_ip.enabled=true",
    },
    loadBalancerClass: "eks.amazonaws.com/nlb",
  };
}
