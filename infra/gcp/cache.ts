import * as pulumi from "@pulumi/pulumi";
import type { Cache as Contract } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import { connectCondition, discoveryAddress } from "./cache-args.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identity } from "./identity.ts";
import type { Network } from "./network.ts";

export type CacheArgs = EntityArgs & { readonly network: Network; readonly identity: Identity };

/** Valkey. What it holds is in the database too: losing it costs time, no data. */
export class Cache extends pulumi.ComponentResource {
  readonly contract: Contract;
  /** Of Memorystore: what alarms name it by. */
  readonly instance: pulumi.Output<string>;

  constructor(name: string, args: CacheArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Cache", name, {}, opts);
    const { config, labels, protect, services, network, identity } = args;
    const key = args.keys.of("cache");
    const valkey = new gcp.memorystore.Instance(
      "valkey",
      {
        location: config.region,
        instanceId: args.nameOf(63, "cache"),
        engineVersion: "VALKEY_8_0",
        nodeType: config.cache.nodeType,
        shardCount: config.cache.shards,
        replicaCount: config.cache.replicas,
        ...immutable,
        kmsKey: key.id,
        desiredAutoCreatedEndpoints: [{ network: network.place.network, projectId: config.project }],
        // Entries without an expiry too: it is a cache.
        engineConfigs: { "maxmemory-policy": "allkeys-lru" },
        persistenceConfig: { mode: "DISABLED" },
        maintenancePolicy: { weeklyMaintenanceWindows: [{ day: "SUNDAY", startTime: { hours: 3 } }] },
        deletionProtectionEnabled: protect,
        labels,
      },
      {
        parent: this,
        protect,
        // Its endpoints are made by the network's policy, and its memory is written to disks under the key.
        dependsOn: [...services.of("memorystore"), ...network.place.endpointPolicy, ...key.grants],
      },
    );
    for (const component of ["api", "replicator"] as const) {
      new gcp.projects.IAMMember(
        component,
        {
          project: config.project,
          role: "roles/memorystore.dbConnectionUser",
          member: identity.member(component),
          condition: valkey.instanceId.apply((id) => connectCondition(config.region, id)),
        },
        { parent: this, dependsOn: services.of("cloudresourcemanager") },
      );
    }
    this.instance = valkey.instanceId;
    this.contract = {
      host: valkey.endpoints.apply(discoveryAddress),
      port: 6379,
      cluster: true,
      tls: true,
      ca: valkey.managedServerCas.apply((authorities) =>
        authorities.flatMap(({ caCerts }) => caCerts.flatMap(({ certificates }) => certificates)).join("\n"),
      ),
      login: "gcp-iam",
    };
    this.registerOutputs({});
  }
}

/** What cannot be changed later, so it is the same in every profile. */
const immutable = {
  mode: "CLUSTER",
  authorizationMode: "IAM_AUTH",
  transitEncryptionMode: "SERVER_AUTHENTICATION",
  zoneDistributionConfig: { mode: "MULTI_ZONE" },
};
