import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../config/global.ts";
import { SkyKV } from "../root.ts";
import type { CloudOutputs, GlobalOutputs } from "../stacks.ts";
import { Certificates } from "./certificates/certificates.ts";
import { OriginPulls } from "./certificates/origin-pulls.ts";
import { EdgeLoadBalancer } from "./load-balancer.ts";
import { Notifications } from "./notifications.ts";
import { Rules } from "./rules.ts";
import { mapClouds } from "./trust/receiver.ts";
import { type CloudStackOutputs, Trust } from "./trust/trust.ts";
import { Zone } from "./zone.ts";

/** The stack of the edge: Cloudflare in front of the clouds that it names, certificates, the trust between the clouds. */
export function deployGlobal(config: GlobalConfig): pulumi.Inputs {
  const root = new SkyKV(config);
  const parent = { parent: root };
  const { zoneId } = config.cloudflare;

  const { ds } = new Zone("zone", { config }, parent);
  const certificates = new Certificates("certificates", { config }, parent);
  new OriginPulls("origin-pulls", { zoneId, certificate: certificates.originPull }, parent);
  new Rules("rules", { config }, parent);

  const stacks = mapClouds(config.clouds, ({ stack }, cloud) => cloudStack(cloud, stack, root));
  const pools = mapClouds(stacks, ({ poolId }) => poolId);
  if (Object.keys(stacks).length > 0) new EdgeLoadBalancer("edge", { config, pools }, parent);
  const { webhookSecret } = new Notifications("notifications", { config, pools: Object.values(pools) }, parent);
  const trust = new Trust("trust", { config, tags: root.tags, stacks }, parent);

  const contract = {
    certificates: certificates.ofClouds,
    originPullCa: certificates.originPullCa,
    peerCa: certificates.peerCa,
    egressAddresses: mapClouds(stacks, ({ egressAddresses }) => egressAddresses),
    backups: trust.backups,
  } satisfies Record<keyof GlobalOutputs, unknown>;
  // For people: what the registrar, the webhook's receiver and the repository's workflows must know.
  return {
    ...contract,
    ds,
    ...(webhookSecret && { webhookSecret }),
    ...(config.github && { github: mapClouds(trust.receivers, ({ github }) => github) }),
  };
}

/** The outputs of a cloud's stack, with their types. */
function cloudStack(name: string, stack: string, parent: pulumi.Resource): CloudStackOutputs {
  const reference = new pulumi.StackReference(name, { name: stack }, { parent });
  const get = <K extends keyof CloudOutputs>(key: K) => reference.requireOutput(key) as pulumi.Output<CloudOutputs[K]>;
  return {
    poolId: get("poolId"),
    egressAddresses: get("egressAddresses"),
    oidcIssuer: get("oidcIssuer"),
    backups: get("backups"),
    registry: get("registry"),
  };
}
