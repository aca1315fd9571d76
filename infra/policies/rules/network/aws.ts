import { by, companions } from "../../companion.ts";
import { is, isSet, isUnset, test, where } from "../../condition.ts";
import { statementsOf } from "../../document.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

const bucket = "aws:s3/bucket:Bucket";

export const awsNetwork: readonly Rule[] = [
  {
    name: "aws-eks-private",
    types: ["aws:eks/cluster:Cluster"],
    severity: "critical",
    protects: "the API of Kubernetes being open to the internet",
    standard: "CKV_AWS_38, CKV_AWS_39, FSBP EKS.1",
    fix: "vpcConfig.endpointPrivateAccess: true, and endpointPublicAccess: false or publicAccessCidrs of your own",
    conditions: [
      is("vpcConfig.endpointPrivateAccess", true),
      { ...isSet("vpcConfig.endpointPublicAccess"), unknown: false },
      where(
        "vpcConfig.endpointPublicAccess",
        true,
        test(
          "vpcConfig.publicAccessCidrs",
          "not contain 0.0.0.0/0",
          (ranges) => isList(ranges) && !ranges.some(isWorld),
          {
            right: ["203.0.113.0/24"],
            wrong: [["203.0.113.0/24", "0.0.0.0/0"]],
          },
        ),
      ),
    ],
  },
  {
    name: "aws-rds-private",
    types: ["aws:rds/clusterInstance:ClusterInstance", "aws:rds/instance:Instance"],
    severity: "critical",
    protects: "a database with an address on the internet",
    standard: "CKV_AWS_17, FSBP RDS.2",
    fix: "publiclyAccessible: false",
    conditions: [is("publiclyAccessible", false)],
  },
  {
    name: "aws-rds-own-subnets",
    types: ["aws:rds/cluster:Cluster"],
    severity: "high",
    protects: "a database in the subnets of the default network, open to all that runs there",
    standard: "",
    fix: "dbSubnetGroupName and vpcSecurityGroupIds",
    conditions: [isSet("dbSubnetGroupName"), isSet("vpcSecurityGroupIds")],
  },
  {
    name: "aws-cache-own-subnets",
    types: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    severity: "high",
    protects: "a cache in the subnets of the default network, open to all that runs there",
    standard: "FSBP ElastiCache.7",
    fix: "subnetGroupName and securityGroupIds",
    conditions: [isSet("subnetGroupName"), isSet("securityGroupIds")],
  },
  {
    name: "aws-s3-not-public",
    severity: "critical",
    protects: "objects that anybody may read after one wrong policy",
    standard: "CKV2_AWS_6, FSBP S3.8",
    fix: "a BucketPublicAccessBlock with all four at true",
    ...companions({
      of: bucket,
      type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
      linked: by("bucket"),
      conditions: ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].map((name) =>
        is(name, true),
      ),
    }),
  },
  {
    name: "aws-s3-no-lists",
    severity: "medium",
    protects: "objects whose access lists grant what no policy says, to whoever wrote them",
    standard: "CKV2_AWS_65",
    fix: 'a BucketOwnershipControls with objectOwnership "BucketOwnerEnforced"',
    ...companions({
      of: bucket,
      type: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
      linked: by("bucket"),
      conditions: [is("rule.objectOwnership", "BucketOwnerEnforced")],
    }),
  },
  {
    name: "aws-s3-tls",
    severity: "high",
    protects: "objects that travel in plain text",
    standard: "CKV_AWS_379, FSBP S3.5",
    fix: "a BucketPolicy that denies all where aws:SecureTransport is false",
    ...companions({
      of: bucket,
      type: "aws:s3/bucketPolicy:BucketPolicy",
      linked: by("bucket"),
      conditions: [deniesPlainText()],
    }),
  },
  {
    name: "aws-queue-tls",
    types: ["aws:sqs/queuePolicy:QueuePolicy"],
    severity: "medium",
    protects: "messages that travel in plain text",
    standard: "",
    fix: "a statement that denies all where aws:SecureTransport is false",
    conditions: [deniesPlainText()],
  },
  {
    name: "aws-queue-policy",
    severity: "medium",
    protects: "a queue without any rule on who may use it and how",
    standard: "",
    fix: "a QueuePolicy for it",
    ...companions({
      of: "aws:sqs/queue:Queue",
      type: "aws:sqs/queuePolicy:QueuePolicy",
      linked: by("queueUrl"),
      conditions: [],
    }),
  },
  {
    name: "aws-ingress-narrow",
    types: ["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"],
    severity: "critical",
    protects: "ports other than HTTPS that are open to the internet",
    standard: "CKV_AWS_24, CKV_AWS_25, CKV_AWS_260",
    fix: "referencedSecurityGroupId, or the range of your network; and a description",
    conditions: [
      isSet("description"),
      where("cidrIpv4", "0.0.0.0/0", is("fromPort", 443)),
      where("cidrIpv4", "0.0.0.0/0", is("toPort", 443)),
      where("cidrIpv6", "::/0", is("fromPort", 443)),
      where("cidrIpv6", "::/0", is("toPort", 443)),
    ],
  },
  {
    name: "aws-security-group-rules",
    types: ["aws:ec2/securityGroup:SecurityGroup"],
    severity: "high",
    protects: "rules that no other rule sees, and groups that nobody can explain",
    standard: "CKV_AWS_23",
    fix: "description, and a SecurityGroupIngressRule for each rule",
    conditions: [isSet("description"), isUnset("ingress")],
  },
  {
    name: "aws-default-group-closed",
    types: ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
    severity: "high",
    protects: "traffic between all that names no group of its own",
    standard: "CKV2_AWS_12, FSBP EC2.2",
    fix: "neither ingress nor egress",
    conditions: [isUnset("ingress"), isUnset("egress")],
  },
  {
    name: "aws-vpc-closed-default",
    severity: "high",
    protects: "a default group that nobody closed",
    standard: "CKV2_AWS_12",
    fix: "a DefaultSecurityGroup for the network",
    ...companions({
      of: "aws:ec2/vpc:Vpc",
      type: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
      linked: by("vpcId"),
      conditions: [],
    }),
  },
  {
    name: "aws-endpoint-names",
    types: ["aws:ec2/vpcEndpoint:VpcEndpoint"],
    severity: "medium",
    protects: "calls to AWS that leave the network in spite of a private endpoint",
    standard: "",
    fix: "privateDnsEnabled: true",
    conditions: [where("vpcEndpointType", "Interface", is("privateDnsEnabled", true))],
  },
  {
    name: "aws-vpc-flow-logs",
    severity: "medium",
    protects: "traffic that nobody can look up after a break-in",
    standard: "CKV2_AWS_11, FSBP EC2.6",
    fix: 'a FlowLog with trafficType "ALL"',
    ...companions({
      of: "aws:ec2/vpc:Vpc",
      type: "aws:ec2/flowLog:FlowLog",
      linked: by("vpcId"),
      conditions: [is("trafficType", "ALL")],
    }),
  },
];

function isWorld(range: Value): boolean {
  return range === "0.0.0.0/0" || range === "::/0";
}

function deniesPlainText() {
  const deny = (condition: object) => JSON.stringify({ Statement: [{ Effect: "Deny", Action: "*", ...condition }] });
  return test(
    "policy",
    "deny all where aws:SecureTransport is false",
    (document) => statementsOf(document).some(isTlsOnly),
    {
      right: deny({ Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      wrong: [deny({})],
      // It names its bucket, which is made first.
      unknown: true,
    },
  );
}

function isTlsOnly({ allows, condition }: ReturnType<typeof statementsOf>[number]): boolean {
  const bool = isMap(condition) && isMap(condition.Bool) ? condition.Bool["aws:SecureTransport"] : undefined;
  return !allows && String(bool) === "false";
}
