import * as pulumi from "@pulumi/pulumi";
import { components } from "../names.ts";
import type { Database as Contract } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import { databaseUser, hostName, loginCondition, settingsOf, zoneName } from "./database-args.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identity } from "./identity.ts";
import type { Network } from "./network.ts";

export type DatabaseArgs = EntityArgs & { readonly network: Network; readonly identity: Identity };

/** PostgreSQL that only our network reaches, over TLS, and into which service accounts log in; it knows no password. */
export class Database extends pulumi.ComponentResource {
  readonly contract: Contract;
  /** Of Cloud SQL: what alarms name it by. */
  readonly instance: pulumi.Output<string>;

  constructor(name: string, args: DatabaseArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Database", name, {}, opts);
    const { config, labels, protect, services } = args;
    const key = args.keys.of("database");
    const instance = new gcp.sql.DatabaseInstance(
      "postgres",
      {
        region: config.region,
        databaseVersion: config.database.version,
        encryptionKeyName: key.id,
        settings: settingsOf(config, labels, protect),
        deletionProtection: protect,
      },
      {
        parent: this,
        protect,
        // The disk grows by itself. To set it back to what it was at first, the instance would be replaced.
        ignoreChanges: ["settings.diskSize"],
        // The agent encrypts with the key while the instance is made.
        dependsOn: [...services.of("sqladmin"), ...key.grants],
      },
    );
    const database = new gcp.sql.Database(
      "skykv",
      // It goes with the instance; by itself it cannot go while somebody is connected.
      { name: "skykv", instance: instance.name, deletionPolicy: "ABANDON" },
      { parent: this, protect },
    );
    privateEndpoint(args, instance, this);
    logins(args, instance, this);

    this.instance = instance.name;
    this.contract = {
      host: instance.dnsName.apply(hostName),
      port: 5432,
      name: "skykv",
      ca: instance.serverCaCerts.apply((certificates) => certificates.map(({ cert }) => cert).join("\n")),
      login: "gcp-iam",
    };
    this.registerOutputs({ database: database.name });
  }
}

/** An address in our network that leads to the instance, under the name that the server's certificate has. */
function privateEndpoint(args: DatabaseArgs, instance: gcp.sql.DatabaseInstance, parent: Database): void {
  const { config, labels, services, network } = args;
  const { region } = config;
  const address = new gcp.compute.Address(
    "endpoint",
    { region, addressType: "INTERNAL", subnetwork: network.place.endpoints, labels },
    { parent, dependsOn: services.of("compute") },
  );
  const endpoint = new gcp.compute.ForwardingRule(
    "endpoint",
    {
      region,
      network: network.place.network,
      ipAddress: address.selfLink,
      target: instance.pscServiceAttachmentLink,
      // Empty: the provider's default is a load balancer.
      loadBalancingScheme: "",
      labels,
    },
    { parent, dependsOn: services.of("servicedirectory") },
  );
  const zone = new gcp.dns.ManagedZone(
    "endpoint",
    {
      dnsName: instance.dnsName.apply(zoneName),
      visibility: "private",
      privateVisibilityConfig: { networks: [{ networkUrl: network.place.network }] },
      description: "Leads to the database's private endpoint",
      labels,
    },
    { parent, dependsOn: services.of("dns") },
  );
  new gcp.dns.RecordSet(
    "endpoint",
    { managedZone: zone.name, name: zone.dnsName, type: "A", ttl: 60, rrdatas: [address.address] },
    // Whoever resolves the name must find something behind it.
    { parent, dependsOn: [endpoint] },
  );
}

/** Each component may log in to this instance, as a user of its own. */
function logins(
  { config, identity, services }: DatabaseArgs,
  instance: gcp.sql.DatabaseInstance,
  parent: Database,
): void {
  for (const component of components) {
    new gcp.projects.IAMMember(
      component,
      {
        project: config.project,
        role: "roles/cloudsql.instanceUser",
        member: identity.member(component),
        condition: instance.name.apply((name) => loginCondition(config.project, name)),
      },
      { parent, dependsOn: services.of("cloudresourcemanager") },
    );
    new gcp.sql.User(
      component,
      {
        instance: instance.name,
        name: identity.email(component).apply(databaseUser),
        type: "CLOUD_IAM_SERVICE_ACCOUNT",
        // The migration makes the tables and lets the others use them.
        ...(component === "migration" ? { databaseRoles: ["cloudsqlsuperuser"] } : {}),
        // A user who owns something cannot be dropped; all go with the instance.
        deletionPolicy: "ABANDON",
      },
      { parent },
    );
  }
}
