import * as pulumi from "@pulumi/pulumi";
import type { Database as DatabaseAnswer } from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import { databaseAuthorities } from "./database-authorities.ts";
import type { EntityArgs } from "./entity.ts";
import { named, stackName } from "./names.ts";
import type { Network } from "./network.ts";
import { admit } from "./security-group.ts";

export type DatabaseArgs = EntityArgs & {
  readonly network: Network;
  /** Security group of the pods. */
  readonly clients: pulumi.Output<string>;
  readonly keys: { readonly database: pulumi.Output<string>; readonly logs: pulumi.Output<string> };
};

/** Aurora PostgreSQL Serverless: it grows with the load by itself, and a standby takes over within a minute. */
export class Database extends pulumi.ComponentResource {
  readonly answer: DatabaseAnswer;
  readonly clusterName: string;
  /** What policies call the cluster when they say who may log in. */
  readonly resourceId: pulumi.Output<string>;
  /** The secret with the administrator's password, which RDS makes and changes. */
  readonly adminSecretArn: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Database", name, {}, opts);
    const { config, keys, network, protect, tags } = args;
    const { version, minCapacity, maxCapacity, instances, backupDays } = config.database;
    const parent = { parent: this };
    const port = 5432;
    this.clusterName = stackName(63);

    const subnetIds = Object.values(network.intraSubnets);
    const subnets = new aws.rds.SubnetGroup(name, { description: "Without a way out", subnetIds, tags }, parent);
    const group = new aws.ec2.SecurityGroup(
      name,
      { vpcId: network.vpcId, description: "The database, from pods", tags: named(tags, name) },
      parent,
    );
    const admission = admit(
      name,
      { group, clients: args.clients, port, description: "PostgreSQL from pods", tags },
      parent,
    );
    const parameters = new aws.rds.ClusterParameterGroup(
      `${name}-${major(version)}`,
      { family: `aurora-postgresql${major(version)}`, description: "SkyKV", parameters: settings, tags },
      parent,
    );
    const logs = new aws.cloudwatch.LogGroup(
      name,
      { name: `/aws/rds/cluster/${this.clusterName}/postgresql`, kmsKeyId: keys.logs, retentionInDays: 90, tags },
      { ...parent, protect },
    );
    const cluster = new aws.rds.Cluster(
      name,
      {
        clusterIdentifier: this.clusterName,
        engine: "aurora-postgresql",
        engineVersion: version,
        allowMajorVersionUpgrade: true,
        databaseName,
        port,
        masterUsername: "skykv_admin",
        manageMasterUserPassword: true,
        masterUserSecretKmsKeyId: keys.database,
        iamDatabaseAuthenticationEnabled: true,
        storageEncrypted: true,
        kmsKeyId: keys.database,
        serverlessv2ScalingConfiguration: { minCapacity, maxCapacity },
        dbSubnetGroupName: subnets.name,
        vpcSecurityGroupIds: [group.id],
        dbClusterParameterGroupName: parameters.name,
        backupRetentionPeriod: backupDays,
        copyTagsToSnapshot: true,
        enabledCloudwatchLogsExports: ["postgresql"],
        deletionProtection: protect,
        deleteAutomatedBackups: !protect,
        skipFinalSnapshot: !protect,
        finalSnapshotIdentifier: stackName(200, "final"),
        // What `pulumi up` says is done is done, not put off to the next window.
        applyImmediately: true,
        tags,
      },
      // RDS would make the log group itself, without our key.
      { ...parent, protect, dependsOn: [logs] },
    );
    const servers = instanceWords.slice(0, instances).map(
      (word) =>
        new aws.rds.ClusterInstance(
          `${name}-${word}`,
          {
            clusterIdentifier: cluster.id,
            engine: "aurora-postgresql",
            instanceClass: "db.serverless",
            dbSubnetGroupName: subnets.name,
            // Standbys of this tier are as large as the writer, and so can take over at once.
            promotionTier: 1,
            publiclyAccessible: false,
            performanceInsightsEnabled: true,
            performanceInsightsKmsKeyId: keys.database,
            // The configuration says which version runs; otherwise the next `pulumi up` would go back.
            autoMinorVersionUpgrade: false,
            copyTagsToSnapshot: true,
            applyImmediately: true,
            tags,
          },
          { ...parent, protect },
        ),
    );
    this.ready = [...servers, admission];
    const ca = databaseAuthorities(config.region);
    this.answer = { host: cluster.endpoint, port, name: databaseName, ca, login: "aws-iam" };
    this.resourceId = cluster.clusterResourceId;
    this.adminSecretArn = cluster.masterUserSecrets.apply((secrets) => secrets[0]!.secretArn);
    this.registerOutputs({ host: cluster.endpoint });
  }
}

const databaseName = "skykv";

/** Writer and standbys change places, so that none is called by its part. Which zone each is in Aurora chooses. */
const instanceWords = ["first", "second", "third", "fourth", "fifth"] as const;

const settings = [
  { name: "rds.force_ssl", value: "1" },
  { name: "log_min_duration_statement", value: "1000" },
];

function major(version: string): string {
  return version.split(".", 1)[0]!;
}
