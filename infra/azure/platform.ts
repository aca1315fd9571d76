import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { AzureConfig } from "../config/azure.ts";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import type { k8s } from "../sdk/k8s.cjs";
import { Alarms } from "./alarms.ts";
import { Audit } from "./audit.ts";
import { Backups } from "./backups.ts";
import { Blobs } from "./blobs.ts";
import { Cache } from "./cache.ts";
import { Cluster } from "./cluster.ts";
import { Database } from "./database.ts";
import { FlowLogs } from "./flow-logs.ts";
import { Identities } from "./identities.ts";
import { Ingress } from "./ingress.ts";
import { Keys } from "./keys.ts";
import { existingNetwork, NewNetwork } from "./network.ts";
import { PrivateDns } from "./private-dns.ts";
import { Queue } from "./queue.ts";
import { Registry } from "./registry.ts";
import { Secrets } from "./secrets.ts";

/** The platform on Azure: one region of one subscription. */
export class AzurePlatform extends pulumi.ComponentResource implements Platform {
  readonly cloud = "azure";
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

  constructor(name: string, args: PlatformArgs<AzureConfig>, opts: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Platform", name, {}, opts);
    const { config, tags, protect, peerAddresses, secrets: values } = args;
    const { subscriptionId, tenantId, region } = config;
    const provider = new azure.Provider(name, { subscriptionId, tenantId }, { parent: this });
    const options = { parent: this, providers: [provider] };

    const group = new azure.resources.ResourceGroup("skykv", { location: region, tags }, { parent: this, provider });
    const audit = new Audit("audit", { place: { subscriptionId, tenantId, region, group, tags, protect } }, options);
    const place = { subscriptionId, tenantId, region, group, tags, protect, workspaceId: audit.workspaceId };
    const network =
      "existing" in config.network
        ? existingNetwork(config.network.existing)
        : new NewNetwork("network", { config, place, cidr: config.network.cidr }, options);
    const dns = new PrivateDns("dns", { place, networkId: network.id }, options);
    const keys = new Keys("keys", { config, place, network, dns }, options);
    // A network that was brought has logs of its own.
    if (network instanceof NewNetwork) new FlowLogs("flows", { place, network, keys }, options);
    const entity = { config, place, network, dns, keys };
    const cluster = new Cluster("cluster", entity, options);
    const identities = new Identities("identities", { config, place, oidcIssuer: cluster.oidcIssuer }, options);
    const ingress = new Ingress("ingress", { ...entity, cluster }, options);
    const database = new Database("database", { ...entity, identities }, options);
    const cache = new Cache("cache", { ...entity, identities }, options);
    const queue = config.queue === "servicebus" ? new Queue("queue", { ...entity, identities }, options) : null;
    const blobs = new Blobs("blobs", { ...entity, identities }, options);
    const backups = new Backups("backups", { ...entity, peerAddresses }, options);
    const registry = new Registry("registry", { ...entity, cluster }, options);
    const secrets = new Secrets("secrets", { ...entity, identities, values }, options);
    new Alarms("alarms", { config, place, database, cache, queue, blobs }, options);

    this.region = region;
    this.kubernetes = cluster.kubernetes;
    this.database = database.contract;
    this.cache = cache.contract;
    this.queue = queue === null ? { kind: "postgres" } : queue.contract;
    this.blobs = blobs.contract;
    this.registry = registry.contract;
    this.identities = identities.contract;
    this.ingress = ingress.contract;
    this.secrets = secrets.contract;
    this.scaler = {
      managed: true,
      annotations: {},
      clientId: identities.scaler === null ? null : identities.scaler.clientId,
    };
    this.egressAddresses = network.egressAddresses;
    this.oidcIssuer = cluster.oidcIssuer;
    this.backups = backups.containerId;
    this.ready = [
      database,
      cache,
      blobs,
      registry,
      secrets,
      identities,
      ingress,
      ...(queue === null ? [] : [queue]),
    ].flatMap(({ ready }) => ready);
    this.registerOutputs({});
  }
}
