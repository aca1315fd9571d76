import * as pulumi from "@pulumi/pulumi";
import type { CloudConfig } from "../config/config.ts";
import type { LocalConfig } from "../config/local.ts";
import { type Cloud, type Component, dataNamespace, workloadNamespace } from "../names.ts";
import type { WorkloadPlatform } from "../platform.ts";
import { levelsFileFor, levelsIn } from "../policies/levels.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";
import type { Tags } from "../tags.ts";
import { Admission } from "./admission.ts";
import { Api } from "./api.ts";
import { Authorities } from "./authorities.ts";
import { Connector } from "./connector.ts";
import { type EnvironmentArgs, environment } from "./environment.ts";
import { Image } from "./image.ts";
import { Migration } from "./migration.ts";
import { Namespace } from "./namespace.ts";
import { NetworkPolicies } from "./network-policies.ts";
import { Operators } from "./operators.ts";
import { bundlesOf } from "./pod.ts";
import { Replicator } from "./replicator.ts";
import { Secrets, type SecretValues } from "./secrets.ts";
import { ServiceAccounts } from "./service-accounts.ts";
import { Services } from "./services.ts";
import { Storage } from "./storage.ts";

export type WorkloadArgs = {
  readonly config: CloudConfig | LocalConfig;
  readonly tags: Tags;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;
  readonly platform: WorkloadPlatform;
  /** What the secrets hold, where the platform has no store for them; else null. */
  readonly secrets: SecretValues | null;
  /** URL of each other cloud's peers' port. */
  readonly peers: Readonly<Partial<Record<Cloud, string>>>;
  /** Certificates in PEM that sign those of callers; null where there are none, and the service speaks HTTP. */
  readonly authorities: { readonly originPull: pulumi.Input<string>; readonly peers: pulumi.Input<string> } | null;
  /** From where peers call. */
  readonly peerAddresses: pulumi.Input<readonly string[]>;
};

/** The Kubernetes objects of the service, the same on every cloud. */
export class Workload extends pulumi.ComponentResource {
  constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Workload", name, {}, opts);
    const { config, tags, protect, platform } = args;
    const { identities, ingress } = platform;
    const parent = { parent: this };
    const tls = tlsOf(args);

    const admission = new Admission(
      "admission",
      {
        namespaces: platform.cloud === "local" ? [workloadNamespace, dataNamespace] : [workloadNamespace],
        levels: levelsIn(levelsFileFor(config.kind, config.profile)),
        tags,
      },
      parent,
    );
    const operators = new Operators("operators", { platform, tags }, parent);
    const { namespace } = new Namespace("namespace", { namespace: workloadNamespace, tags }, parent);
    const image = imageOf(args, parent);
    const storage =
      platform.blobs.kind === "volume"
        ? new Storage("storage", { namespace, volume: platform.blobs, protect, tags }, parent)
        : null;

    const { api, replicator } = config.workload;
    const environmentOf = (component: Component, memory: string) =>
      environment({ component, platform, peers: args.peers, tls, memory });
    const environments = {
      api: environmentOf("api", api.memory),
      replicator: environmentOf("replicator", replicator.memory),
      migration: environmentOf("migration", ""),
    };
    const used = [...bundlesOf(Object.values(environments)), ...(tls === "tunnel" ? (["tunnel"] as const) : [])];

    const edgeRanges = tls === "edge" ? cloudflare.getIpRangesOutput({}, parent).ipv4Cidrs : [];
    const traffic = { platform, ingress, tls, edgeRanges, peerAddresses: args.peerAddresses, namespace, tags };
    const policies = new NetworkPolicies("network-policies", traffic, parent);
    const accounts = new ServiceAccounts("service-accounts", { namespace, identities, tags }, parent);
    const certificates = certificatesOf(args, tls);
    const authorities =
      Object.keys(certificates).length === 0
        ? []
        : [new Authorities("authorities", { namespace, certificates, tags }, parent)];
    const secrets = new Secrets(
      "secrets",
      { namespace, store: platform.secrets, values: args.secrets, used, tags },
      // Without the operator nothing knows what an ExternalSecret is.
      { ...parent, dependsOn: [operators] },
    );

    // A pod that starts before these waits, or fails for want of a way out. Rules come before what they are about, laxer ones too.
    const prepared = { ...parent, dependsOn: [admission, policies, accounts, ...authorities, secrets] };
    const pod = (component: Component) => ({
      image,
      environment: environments[component],
      identity: identities[component],
      namespace,
      tags,
    });
    const migration = new Migration("migration", pod("migration"), prepared);
    const rollout = { ...parent, dependsOn: [...prepared.dependsOn, migration, operators] };
    const running = { zoned: platform.cloud !== "local", claim: storage === null ? null : storage.claim };
    new Api("api", { ...pod("api"), ...running, size: api, tls }, rollout);
    const { scaler } = platform;
    new Replicator("replicator", { ...pod("replicator"), ...running, size: replicator, platform, scaler }, rollout);
    if (tls === "tunnel" && config.kind !== "local") {
      new Connector("connector", { namespace, image: config.ingress.connectorImage, tags }, prepared);
    }
    new Services("services", traffic, parent);
    this.registerOutputs({});
  }
}

/** Where there is no load balancer the edge comes by the tunnel, whose connector shows no certificate: the tunnel is the proof. */
function tlsOf({ authorities, platform }: WorkloadArgs): EnvironmentArgs["tls"] {
  if (authorities === null) return null;
  return platform.ingress.api === null ? "tunnel" : "edge";
}

/** The image that is given, or one that is built. */
function imageOf({ config, platform }: WorkloadArgs, opts: pulumi.ComponentResourceOptions): pulumi.Input<string> {
  if (config.workload.image !== undefined) return config.workload.image;
  if (platform.registry === null) throw new RangeError("expected workload.image: there is no registry to push one to");
  return new Image("image", platform.registry, opts).reference;
}

function certificatesOf({ platform, authorities }: WorkloadArgs, tls: EnvironmentArgs["tls"]) {
  const { database, cache } = platform;
  return {
    ...(database.ca !== null && { database: database.ca }),
    ...(cache.ca !== null && { cache: cache.ca }),
    ...(authorities !== null && { peers: authorities.peers }),
    ...(authorities !== null && tls === "edge" && { "origin-pull": authorities.originPull }),
  };
}
