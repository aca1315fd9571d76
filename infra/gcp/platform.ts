import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { GcpConfig } from "../config/gcp.ts";
import { type Component, components } from "../names.ts";
import { physicalName } from "../physical-name.ts";
import type { Platform, Identity as PodIdentity } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { k8s } from "../sdk/k8s.cjs";
import { Alarms } from "./alarms.ts";
import { Audit } from "./audit.ts";
import { Blobs } from "./blobs.ts";
import { Cache } from "./cache.ts";
import { cacheUser } from "./cache-args.ts";
import { Cluster } from "./cluster.ts";
import { Database } from "./database.ts";
import { databaseUser } from "./database-args.ts";
import { Identity } from "./identity.ts";
import { Ingress } from "./ingress.ts";
import { Keys } from "./keys.ts";
import { labelsOf } from "./labels.ts";
import { Network } from "./network.ts";
import { Queue } from "./queue.ts";
import { Registry } from "./registry.ts";
import { Secrets } from "./secrets.ts";
import { Services } from "./services.ts";

/** The platform on Google Cloud: one region of one project. */
export class GcpPlatform extends pulumi.ComponentResource implements Platform {
  readonly cloud = "gcp";
  readonly region: string;
  readonly kubernetes: k8s.Provider;
  readonly database: Platform["database"];
  readonly cache: Platform["cache"];
  readonly queue: Platform["queue"];
  readonly blobs: Platform["blobs"];
  readonly registry: Platform["registry"];
  readonly identities: Platform["identities"];
  readonly ingress: Platform["ingress"];
  readonly secrets: Platform["secrets"];
  readonly scaler: Platform["scaler"];
  readonly egressAddresses: Platform["egressAddresses"];
  readonly oidcIssuer: Platform["oidcIssuer"];
  readonly backups: Platform["backups"];
  readonly ready: Platform["ready"];

  constructor(name: string, args: PlatformArgs<GcpConfig>, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Platform", name, {}, opts);
    const { config, tags, protect } = args;
    const { project, region } = config;
    const provider = new gcp.Provider("gcp", { project, region }, { parent: this });
    const options = { parent: this, providers: [provider] };
    const labels = labelsOf(tags);
    const nameOf = (longest: number, word: string) => physicalName(longest, tags.project, tags.stack, word);

    const services = new Services("services", options);
    const keys = new Keys("keys", { config, labels, protect, services }, options);
    const entity = { config, labels, protect, nameOf, services, keys };
    const network = new Network("network", entity, options);
    const ingress = new Ingress("ingress", entity, options);
    const registry = new Registry("registry", entity, options);
    const cluster = new Cluster("cluster", { ...entity, network, registry }, options);
    const identity = new Identity("identity", { ...entity, cluster }, options);
    const database = new Database("database", { ...entity, network, identity }, options);
    const cache = new Cache("cache", { ...entity, network, identity }, options);
    const queue = config.queue === "pubsub" ? new Queue("queue", { ...entity, identity }, options) : null;
    const blobs = new Blobs("blobs", { ...entity, identity }, options);
    const secrets = new Secrets("secrets", { ...entity, identity, values: args.secrets }, options);
    new Audit("audit", entity, options);
    new Alarms("alarms", { ...entity, database, cache, queue }, options);

    this.region = region;
    this.kubernetes = cluster.kubernetes;
    this.database = database.contract;
    this.cache = cache.contract;
    this.queue = queue === null ? { kind: "postgres" } : queue.contract;
    this.blobs = blobs.contract;
    this.registry = registry.contract;
    this.identities = identitiesOf(identity);
    this.ingress = ingress.contract;
    this.secrets = secrets.contract;
    // KEDA is somebody by its ServiceAccount alone.
    this.scaler = { managed: false, annotations: {}, clientId: null };
    this.egressAddresses = network.place.egressAddresses;
    this.oidcIssuer = cluster.oidcIssuer;
    this.backups = blobs.backups;
    this.ready = [cluster, identity, database, cache, blobs, secrets, ...(queue === null ? [] : [queue])];
    this.registerOutputs({});
  }
}

function identitiesOf(identity: Identity): Record<Component, PodIdentity> {
  const podIdentity = (component: Component): PodIdentity => ({
    annotations: identity.annotations(component),
    podLabels: {},
    databaseUser: identity.email(component).apply(databaseUser),
    cacheUser,
  });
  return Object.fromEntries(components.map((component) => [component, podIdentity(component)])) as Record<
    Component,
    PodIdentity
  >;
}
