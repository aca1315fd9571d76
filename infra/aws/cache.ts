import * as pulumi from "@pulumi/pulumi";
import type { Cache as CacheAnswer } from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import { cacheNodes } from "./cache-nodes.ts";
import { CacheUsers } from "./cache-users.ts";
import type { EntityArgs } from "./entity.ts";
import { named, stackName } from "./names.ts";
import type { Network } from "./network.ts";
import { admit } from "./security-group.ts";

export type CacheArgs = EntityArgs & {
  readonly network: Network;
  /** Security group of the pods. */
  readonly clients: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;
};

/** ElastiCache for Valkey. It speaks the cluster protocol in every profile, which could not be changed later. */
export class Cache extends pulumi.ComponentResource {
  readonly answer: CacheAnswer;
  readonly arn: pulumi.Output<string>;
  readonly users: CacheUsers;
  /** Names of the nodes, by the shard and their place in it. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: CacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Cache", name, {}, opts);
    const { config, key, network, protect, tags } = args;
    const { nodeType, shards, replicas } = config.cache;
    const parent = { parent: this };
    const port = 6379;
    const replicationGroupId = stackName(40);

    const subnets = new aws.elasticache.SubnetGroup(
      name,
      { description: "Without a way out", subnetIds: Object.values(network.intraSubnets), tags },
      parent,
    );
    const group = new aws.ec2.SecurityGroup(
      name,
      { vpcId: network.vpcId, description: "The cache, from pods", tags: named(tags, name) },
      parent,
    );
    const admission = admit(
      name,
      { group, clients: args.clients, port, description: "Valkey from pods", tags },
      parent,
    );
    this.users = new CacheUsers("users", { tags }, parent);
    const cache = new aws.elasticache.ReplicationGroup(
      name,
      {
        replicationGroupId,
        description: "Values that were read lately",
        engine: "valkey",
        engineVersion: "8.2",
        parameterGroupName: "default.valkey8.cluster.on",
        clusterMode: "enabled",
        numNodeGroups: shards,
        replicasPerNodeGroup: replicas,
        nodeType,
        port,
        // Cluster mode has it always; spreading over zones needs a second node.
        automaticFailoverEnabled: true,
        multiAzEnabled: replicas > 0,
        atRestEncryptionEnabled: true,
        kmsKeyId: key,
        transitEncryptionEnabled: true,
        transitEncryptionMode: "required",
        userGroupIds: [this.users.groupId],
        subnetGroupName: subnets.name,
        securityGroupIds: [group.id],
        snapshotRetentionLimit: 1,
        autoMinorVersionUpgrade: true,
        applyImmediately: true,
        tags,
      },
      { ...parent, protect },
    );
    this.ready = [cache, admission];
    this.arn = cache.arn;
    this.nodes = cacheNodes(replicationGroupId, shards, replicas);
    const host = cache.configurationEndpointAddress;
    // Amazon Trust Services signs the certificate, which Node.js knows.
    this.answer = { host, port, cluster: true, tls: true, ca: null, login: "aws-iam" };
    this.registerOutputs({ host });
  }
}
