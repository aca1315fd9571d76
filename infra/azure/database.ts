import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../physical-name.ts";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import type { Tags } from "../tags.ts";
import { report } from "./audit.ts";
import { DatabaseContents } from "./database-contents.ts";
import { databaseArgs } from "./database-profile.ts";
import type { EntityArgs } from "./entity.ts";
import { GeoBackupKey } from "./geo-backup-key.ts";
import type { Identities } from "./identities.ts";
import { KeyUser } from "./key.ts";
import { lock } from "./lock.ts";
import { located } from "./place.ts";
import { PrivateDnsZone } from "./private-dns-zone.ts";

export type DatabaseArgs = EntityArgs & { readonly identities: Identities };

/** PostgreSQL Flexible Server, inside of the network, for Entra identities alone. */
export class Database extends pulumi.ComponentResource {
  readonly contract: Platform["database"];
  /** Resource id of the server. */
  readonly id: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Database", name, {}, opts);
    const { config, place, network, keys, identities } = args;
    const { protect, tags, tenantId, workspaceId } = place;
    const zone = databaseZone(tags);
    const dns = new PrivateDnsZone(name, { place, zone, networkId: network.id }, { parent: this });
    const key = keys.for.database;
    const user = new KeyUser(name, { place, key }, { parent: this });
    const geo = config.database.geoBackups
      ? new GeoBackupKey(`${name}-backup`, { config, place }, { parent: this })
      : null;
    const server = new azure.dbforpostgresql.Server(
      name,
      {
        ...located(place),
        ...databaseArgs(config.database, { tenantId, key, user, geo }),
        network: { delegatedSubnetResourceId: network.subnets.database, privateDnsZoneArmResourceId: dns.id },
      },
      {
        parent: this,
        protect,
        // Without the link the server cannot write its own name, and is not made; without the rights it cannot use its keys.
        dependsOn: [dns.link, user, ...(geo ? [geo.user] : [])],
        // After a failover the two have changed places, and putting them back would be another one.
        ignoreChanges: ["availabilityZone", "highAvailability.standbyAvailabilityZone"],
      },
    );
    const contents = new DatabaseContents(
      name,
      { config, place, server, database, migration: identities.of.migration },
      { parent: this },
    );
    report(name, { target: server.id, workspaceId, logs: "audit", metrics: true }, { parent: this });
    if (protect) lock(name, server.id, { parent: this });

    this.id = server.id;
    this.contract = {
      host: server.fullyQualifiedDomainName,
      port: 5432,
      name: database,
      // Signed by authorities that every operating system knows.
      ca: null,
      login: "entra",
    };
    this.ready = [dns.link, contents];
    this.registerOutputs({ id: this.id });
  }
}

const database = "skykv";

/**
 * The zone of a stack's database. Azure wants it to end so, and to begin otherwise than the server; two stacks in one
 * network need two.
 */
export function databaseZone({ project, stack }: Pick<Tags, "project" | "stack">): string {
  return `${physicalName(63, project, stack)}.private.postgres.database.azure.com`;
}
