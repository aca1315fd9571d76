import * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import { azure } from "../sdk/azure.cjs";
import type { Identity } from "./identity.ts";
import type { Place } from "./place.ts";

export type DatabaseContentsArgs = {
  readonly config: AzureConfig;
  readonly place: Place;
  readonly server: azure.dbforpostgresql.Server;
  readonly database: string;
  /** Makes the roles of the other components, before they log in for the first time. */
  readonly migration: Identity;
};

/** What is set up inside of a server: its parameters, the database, who may log in before anybody else can. */
export class DatabaseContents extends pulumi.ComponentResource {
  constructor(name: string, args: DatabaseContentsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:DatabaseContents", name, {}, opts);
    const { config, place, server, database, migration } = args;
    const at = { resourceGroupName: place.group.name, serverName: server.name };
    // A server takes one change at a time, and refuses others with ServerBusy.
    let previous: pulumi.Resource = server;
    const next = () => ({ parent: this, dependsOn: [previous] });

    for (const [parameter, value] of Object.entries(parameters)) {
      const given = { ...at, configurationName: parameter, value, source: "user-override" };
      previous = new azure.dbforpostgresql.Configuration(parameter, given, next());
    }
    previous = new azure.dbforpostgresql.Database(
      database,
      { ...at, databaseName: database, charset: "UTF8", collation: "en_US.utf8" },
      { ...next(), protect: place.protect },
    );
    // Azure wants the kinds of principals written so; the constants of the SDK are in small letters.
    const administrators = {
      migration: { objectId: migration.principalId, principalName: migration.name, principalType: "ServicePrincipal" },
      group: {
        objectId: config.cluster.administratorsGroupId,
        principalName: config.cluster.administratorsGroupName,
        principalType: "Group",
      },
    };
    for (const [word, administrator] of Object.entries(administrators)) {
      const given = { ...at, ...administrator, tenantId: place.tenantId };
      previous = new azure.dbforpostgresql.Administrator(word, given, next());
    }
    this.registerOutputs({});
  }
}

/** Of the server. All can be changed without a restart. */
export const parameters = {
  require_secure_transport: "on",
  ssl_min_protocol_version: "TLSv1.2",
  log_connections: "on",
  log_disconnections: "on",
} as const;
