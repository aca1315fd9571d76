import * as pulumi from "@pulumi/pulumi";
import type { ZoneLetter } from "../config/aws.ts";
import { aws } from "../sdk/aws.cjs";
import { named } from "./names.ts";
import type { OwnNetworkArgs } from "./network.ts";
import { document } from "./policy.ts";
import type { Zone } from "./zone.ts";

/** What pods and nodes call all the time; all else may go through NAT. */
const services = ["ecr.api", "ecr.dkr", "eks-auth", "secretsmanager", "sts"] as const;

export type PrivateEndpointsArgs = OwnNetworkArgs & {
  readonly vpcId: pulumi.Output<string>;
  readonly zones: readonly (readonly [ZoneLetter, Zone])[];
};

/** Services of AWS inside of the network. The one for S3 costs nothing, so that it is always there. */
export class PrivateEndpoints extends pulumi.ComponentResource {
  constructor(name: string, args: PrivateEndpointsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:PrivateEndpoints", name, {}, opts);
    const { config, network, vpcId, tags } = args;
    const zones = args.zones.map(([, zone]) => zone);
    const parent = { parent: this };
    const serviceName = (service: string) => `com.amazonaws.${config.region}.${service}`;

    new aws.ec2.VpcEndpoint(
      "s3",
      {
        vpcId,
        serviceName: serviceName("s3"),
        vpcEndpointType: "Gateway",
        // No policy: layers of images lie in buckets of AWS, which are read under its name.
        routeTableIds: zones.map((zone) => zone.privateRoutes),
        tags: named(tags, "s3"),
      },
      parent,
    );
    if (network.endpoints) {
      const description = "Private endpoints, from inside of the network";
      const group = new aws.ec2.SecurityGroup(name, { vpcId, description, tags: named(tags, name) }, parent);
      new aws.vpc.SecurityGroupIngressRule(
        name,
        {
          securityGroupId: group.id,
          description: "HTTPS from inside of the network",
          cidrIpv4: network.cidr,
          ipProtocol: "tcp",
          fromPort: 443,
          toPort: 443,
          tags,
        },
        parent,
      );
      for (const service of [...services, ...(config.queue === "sqs" ? ["sqs"] : [])]) {
        new aws.ec2.VpcEndpoint(
          service,
          {
            vpcId,
            serviceName: serviceName(service),
            vpcEndpointType: "Interface",
            privateDnsEnabled: true,
            subnetIds: zones.map((zone) => zone.subnets.intra),
            securityGroupIds: [group.id],
            policy: ownAccount(config.accountId),
            tags: named(tags, service),
          },
          parent,
        );
      }
    }
    this.registerOutputs({});
  }
}

/** Nobody carries data out with the credentials of another account. */
function ownAccount(accountId: string): string {
  return document([
    {
      Sid: "OwnAccount",
      Effect: "Allow",
      Principal: "*",
      Action: "*",
      Resource: "*",
      Condition: { StringEquals: { "aws:PrincipalAccount": accountId } },
    },
  ]);
}
