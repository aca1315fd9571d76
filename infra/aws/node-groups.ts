import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { named } from "./names.ts";
import { imageType, share } from "./node-sizes.ts";
import type { NodesArgs } from "./nodes.ts";

export type NodeGroupsArgs = NodesArgs & {
  /** What nodes need to become ready. */
  readonly after: pulumi.Resource[];
};

/**
 * A group of nodes in each zone: a group cannot get another subnet, so that one over all zones would be replaced with each
 * further zone.
 */
export class NodeGroups extends pulumi.ComponentResource {
  readonly groups: readonly aws.eks.NodeGroup[];

  constructor(name: string, args: NodeGroupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:NodeGroups", name, {}, opts);
    const { cluster, config, keys, role, tags } = args;
    const { nodes } = config.cluster;
    const tagsOfNodes = named(tags, "node");
    const template = new aws.ec2.LaunchTemplate(
      name,
      {
        description: "Nodes of the cluster",
        // Here and not in the group, which would be replaced by another type.
        instanceType: nodes.type,
        // Pods cannot reach it over one hop more, nor with a plain GET.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        // Bottlerocket: the system on one disk, images and scratch on the other.
        blockDeviceMappings: [disk("/dev/xvda", 4, keys.cluster), disk("/dev/xvdb", 40, keys.cluster)],
        tagSpecifications: ["instance", "volume"].map((resourceType) => ({ resourceType, tags: tagsOfNodes })),
        tags,
      },
      { parent: this },
    );
    const subnets = Object.entries(args.network.privateSubnets);
    this.groups = subnets.map(
      ([word, subnet]) =>
        new aws.eks.NodeGroup(
          word,
          {
            clusterName: cluster.name,
            nodeRoleArn: role.arn,
            subnetIds: [subnet],
            amiType: imageType(nodes.type),
            version: config.cluster.version,
            launchTemplate: {
              id: template.id,
              version: template.latestVersion.apply((version) => `${version}`),
            },
            scalingConfig: share(nodes, subnets.length),
            updateConfig: { maxUnavailable: 1 },
            nodeRepairConfig: { enabled: true },
            tags,
          },
          // Whatever scales the nodes sets it too.
          { parent: this, dependsOn: args.after, ignoreChanges: ["scalingConfig.desiredSize"] },
        ),
    );
    this.registerOutputs({});
  }
}

function disk(deviceName: string, volumeSize: number, kmsKeyId: pulumi.Output<string>) {
  return {
    deviceName,
    ebs: { volumeSize, volumeType: "gp3", encrypted: "true", kmsKeyId, deleteOnTermination: "true" },
  };
}
