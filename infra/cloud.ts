import * as pulumi from "@pulumi/pulumi";
import { adminKey } from "./admin-key.ts";
import type { CloudConfig } from "./config/config.ts";
import { Endpoint } from "./edge/endpoint.ts";
import { Tunnel } from "./edge/tunnel.ts";
import { peersUrl } from "./names.ts";
import type { Platform, SecretName } from "./platform.ts";
import { SkyKV } from "./root.ts";
import type { CloudOutputs, GlobalOutputs } from "./stacks.ts";
import type { Tags } from "./tags.ts";
import { Workload } from "./workload/workload.ts";

/** What the platform of a cloud is made from. */
export type PlatformArgs<C extends CloudConfig> = {
  readonly config: C;
  readonly tags: Tags;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;
  /** What the platform puts into the cloud's secret store, beside what it makes itself. */
  readonly secrets: Readonly<Partial<Record<SecretName, pulumi.Output<string>>>>;
  /** From where the other clouds come, as far as they are known. */
  readonly peerAddresses: pulumi.Output<readonly string[]>;
};

type PlatformClass<C extends CloudConfig> = new (
  name: string,
  args: PlatformArgs<C>,
  opts: pulumi.ComponentResourceOptions,
) => Platform & pulumi.ComponentResource;

/** The stack of one cloud: its platform, its place at the edge, and what runs on it. */
export function deployCloud<C extends CloudConfig>(config: C, Platform: PlatformClass<C>): pulumi.Inputs {
  const root = new SkyKV(config);
  const { tags, protect } = root;
  const cloud = config.kind;
  const global = new GlobalStack(config.globalStack, root);
  const certificates = global.get("certificates").apply((all) => all[cloud]);

  const tunnel = config.ingress.mode === "tunnel" ? new Tunnel("tunnel", { config, protect }, { parent: root }) : null;

  const secrets = {
    "admin-key": adminKey(root),
    "server-certificate": certificates.apply(({ server }) => server.certificate),
    "server-key": certificates.apply(({ server }) => server.key),
    "peer-certificate": certificates.apply(({ peer }) => peer.certificate),
    "peer-key": certificates.apply(({ peer }) => peer.key),
    ...(tunnel && { "tunnel-token": tunnel.token }),
  };
  const others = config.peers.filter((peer) => peer !== cloud);
  // Until all stacks have run once, nobody is let in but those already known.
  const peerAddresses = global.get("egressAddresses").apply((known) => others.flatMap((peer) => known[peer] ?? []));
  const platform = new Platform(cloud, { config, tags, protect, secrets, peerAddresses }, { parent: root });
  const endpoint = new Endpoint("endpoint", { config, ingress: platform.ingress, tunnel }, { parent: root });

  new Workload(
    "workload",
    {
      config,
      tags,
      protect,
      platform,
      // The platform put them into the cloud's store.
      secrets: null,
      peers: Object.fromEntries(others.map((peer) => [peer, peersUrl(peer, config.domain)])),
      authorities: { originPull: global.get("originPullCa"), peers: global.get("peerCa") },
      peerAddresses,
    },
    { parent: root, provider: platform.kubernetes, dependsOn: [...platform.ready] },
  );

  return {
    poolId: endpoint.poolId,
    egressAddresses: platform.egressAddresses,
    oidcIssuer: platform.oidcIssuer,
    backups: platform.backups,
    registry: platform.registry.id,
  } satisfies Record<keyof CloudOutputs, unknown>;
}

/** The outputs of the stack of the edge, with their types. */
class GlobalStack extends pulumi.StackReference {
  constructor(stack: string, parent: pulumi.Resource) {
    super("global", { name: stack }, { parent });
  }

  get<K extends keyof GlobalOutputs>(name: K): pulumi.Output<GlobalOutputs[K]> {
    return this.requireOutput(name) as pulumi.Output<GlobalOutputs[K]>;
  }
}
