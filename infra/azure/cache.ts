import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import { report } from "./audit.ts";
import { cacheArgs, databaseSettings, port } from "./cache-profile.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identities } from "./identities.ts";
import { KeyUser } from "./key.ts";
import { located } from "./place.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";

export type CacheArgs = EntityArgs & { readonly identities: Identities };

/** Azure Managed Redis. Nothing in it is the only copy, so it is not protected. */
export class Cache extends pulumi.ComponentResource {
  readonly contract: Platform["cache"];
  /** Resource id. */
  readonly id: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: CacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Cache", name, {}, opts);
    const { place, network, dns, identities } = args;
    const config = args.config.cache;
    const key = args.keys.for.cache;
    const user = new KeyUser(name, { place, key }, { parent: this });
    const redis = new azure.redisenterprise.RedisEnterprise(
      name,
      {
        ...located(place),
        ...cacheArgs(config, key, user),
      },
      { parent: this, dependsOn: [user] },
    );
    const at = { resourceGroupName: place.group.name, clusterName: redis.name };
    const database = new azure.redisenterprise.Database(
      name,
      { ...at, databaseName: "default", ...databaseSettings },
      { parent: this },
    );
    const endpoint = new PrivateEndpoint(
      name,
      {
        place,
        target: redis.id,
        groupId: "redisEnterprise",
        subnetId: network.subnets.endpoints,
        zone: dns.zones.cache,
      },
      { parent: this },
    );
    // The database takes one change at a time.
    const assignments: azure.redisenterprise.AccessPolicyAssignment[] = [];
    for (const word of ["api", "replicator"] as const) {
      const user = { objectId: identities.of[word].principalId };
      const given = { ...at, databaseName: database.name, accessPolicyName: "default", user };
      const dependsOn = assignments.slice(-1);
      assignments.push(new azure.redisenterprise.AccessPolicyAssignment(word, given, { parent: this, dependsOn }));
    }
    const { workspaceId } = place;
    report(name, { target: redis.id, workspaceId, logs: [], metrics: true }, { parent: this });
    report(
      "connections",
      { target: database.id, workspaceId, logs: ["ConnectionEvents"], metrics: false },
      { parent: this },
    );

    this.id = redis.id;
    // Signed by authorities that every operating system knows.
    this.contract = { host: redis.hostName, port, cluster: true, tls: true, ca: null, login: "entra" };
    this.ready = [...endpoint.ready, ...assignments];
    this.registerOutputs({ id: this.id });
  }
}
