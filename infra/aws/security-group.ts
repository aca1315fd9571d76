import type * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import type { Tags } from "../tags.ts";

export type Admission = {
  readonly group: aws.ec2.SecurityGroup;
  /** Security group of those who may connect. */
  readonly clients: pulumi.Output<string>;
  readonly port: number;
  readonly description: string;
  readonly tags: Tags;
};

/** The one way into a service: from the clients' security group, on its port. */
export function admit(
  name: string,
  { group, clients, port, description, tags }: Admission,
  opts: pulumi.CustomResourceOptions,
) {
  return new aws.vpc.SecurityGroupIngressRule(
    name,
    {
      securityGroupId: group.id,
      referencedSecurityGroupId: clients,
      description,
      ipProtocol: "tcp",
      fromPort: port,
      toPort: port,
      tags,
    },
    opts,
  );
}
