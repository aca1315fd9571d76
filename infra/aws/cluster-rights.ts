import type { AwsConfig } from "../config/aws.ts";
import type { Statement } from "./policy.ts";

type Mode = AwsConfig["cluster"]["mode"];

/** What the control plane may do beside the policies that AWS has for it. `keyArn` is the key of the cluster. */
export function clusterRights(mode: Mode, keyArn: string): readonly Statement[] {
  const secrets: Statement = {
    Sid: "SecretsOfKubernetes",
    Effect: "Allow",
    Action: ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"],
    Resource: keyArn,
  };
  return mode === "automatic" ? [secrets, ...disksOfNodes(keyArn), ...tagsOfNodes, tagsOfBalancers] : [secrets];
}

/** Auto Mode starts nodes with these rights, and passes them on to EC2 by a grant for each disk. */
function disksOfNodes(keyArn: string): readonly Statement[] {
  return [
    {
      Sid: "DisksOfNodes",
      Effect: "Allow",
      Action: ["kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
      Resource: keyArn,
    },
    {
      Sid: "DisksOfNodesAttach",
      Effect: "Allow",
      Action: ["kms:CreateGrant", "kms:RevokeGrant"],
      Resource: keyArn,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

/** EKS marks what it makes with the name of the cluster, which is also a tag of the session that it works in. */
const ofThisCluster = {
  StringEquals: { "aws:RequestTag/eks:eks-cluster-name": `\${aws:PrincipalTag/eks:eks-cluster-name}` },
};

/** AWS's own policies refuse to make anything with a tag that EKS does not know. */
const tagsOfNodes: readonly Statement[] = [
  {
    Sid: "TagsOfNodes",
    Effect: "Allow",
    Action: ["ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateLaunchTemplate"],
    Resource: "*",
    Condition: {
      ...ofThisCluster,
      StringLike: {
        "aws:RequestTag/eks:kubernetes-node-class-name": "*",
        "aws:RequestTag/eks:kubernetes-node-pool-name": "*",
      },
    },
  },
  {
    Sid: "TagsOfInterfaces",
    Effect: "Allow",
    Action: "ec2:CreateNetworkInterface",
    Resource: "*",
    Condition: { ...ofThisCluster, StringLike: { "aws:RequestTag/eks:kubernetes-cni-node-name": "*" } },
  },
];

const tagsOfBalancers: Statement = {
  Sid: "TagsOfBalancers",
  Effect: "Allow",
  Action: [
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateTargetGroup",
    "elasticloadbalancing:CreateListener",
    "ec2:CreateSecurityGroup",
  ],
  Resource: "*",
  Condition: ofThisCluster,
};
