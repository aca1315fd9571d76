/** Rules on whatever there is, on every cloud. */
import { is, isSet } from "../condition.ts";
import type { Resource, Rule } from "../rule.ts";

/** What holds data: nothing can bring it back once it is gone. */
const stateful = [
  "aws:rds/cluster:Cluster",
  "aws:elasticache/replicationGroup:ReplicationGroup",
  "aws:s3/bucket:Bucket",
  "aws:secretsmanager/secret:Secret",
  "aws:ecr/repository:Repository",
  "aws:rds/clusterInstance:ClusterInstance",
  "aws:eks/cluster:Cluster",
  "aws:kms/key:Key",
  "aws:cloudwatch/logGroup:LogGroup",
  "gcp:sql/databaseInstance:DatabaseInstance",
  "gcp:sql/database:Database",
  "gcp:container/cluster:Cluster",
  "gcp:artifactregistry/repository:Repository",
  "gcp:memorystore/instance:Instance",
  "gcp:storage/bucket:Bucket",
  "gcp:kms/cryptoKey:CryptoKey",
  "gcp:secretmanager/secret:Secret",
  "azure-native:dbforpostgresql:Server",
  "azure-native:storage:StorageAccount",
  "azure-native:keyvault:Vault",
  "azure-native:keyvault:Key",
  "azure-native:dbforpostgresql:Database",
  "azure-native:storage:BlobContainer",
  "azure-native:compute:DiskEncryptionSet",
  "azure-native:containerservice:ManagedCluster",
  "azure-native:operationalinsights:Workspace",
  // Others have their addresses, and everything lies in them.
  "azure-native:network:PublicIPAddress",
  "azure-native:network:VirtualNetwork",
  "azure-native:network:Subnet",
];

const tagged = {
  tags: [
    "aws:rds/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:eks/cluster:Cluster",
    "aws:s3/bucket:Bucket",
    "aws:sqs/queue:Queue",
    "aws:kms/key:Key",
    "azure-native:dbforpostgresql:Server",
    "azure-native:redisenterprise:RedisEnterprise",
    "azure-native:containerservice:ManagedCluster",
    "azure-native:storage:StorageAccount",
    "azure-native:servicebus:Namespace",
  ],
  labels: [
    "gcp:memorystore/instance:Instance",
    "gcp:storage/bucket:Bucket",
    "gcp:pubsub/topic:Topic",
    "gcp:kms/cryptoKey:CryptoKey",
  ],
};

const stackUrn = "urn:pulumi:aws::skykv::pulumi:pulumi:Stack::skykv-aws";
const stack = resource("pulumi:pulumi:Stack", stackUrn, null);
const root = resource("skykv:index:SkyKV", "urn:pulumi:aws::skykv::skykv:index:SkyKV::skykv", stackUrn);
const child = (type: string, parent: string) => resource(type, `urn:pulumi:aws::skykv::${type}::child`, parent);

export const everywhere: readonly Rule[] = [
  {
    name: "all-stateful-protected",
    types: stateful,
    severity: "high",
    protects: "data that Pulumi deletes, or replaces, after one wrong line",
    standard: "",
    fix: "the option protect: true",
    conditions: [is("$options.protect", true)],
  },
  ...Object.entries(tagged).map(
    ([property, types]): Rule => ({
      name: `all-${property}`,
      types,
      severity: "low",
      protects: "things that nobody knows the owner, the purpose or the data of",
      standard: "",
      fix: `${property} with project, stack, owner and data-class`,
      conditions: ["project", "stack", "owner", "data-class"].map((name) => isSet(`${property}.${name}`)),
    }),
  ),
  {
    name: "all-below-the-root",
    types: [],
    severity: "low",
    protects: "resources that no component owns: they lose the options that all others inherit",
    standard: "",
    fix: "the option parent; in a component, super(type, name, args, opts)",
    judge: (resources) => {
      const stacks = resources.filter(({ type }) => type === "pulumi:pulumi:Stack").map(({ urn }) => urn);
      return resources
        .filter(
          ({ type, parent }) =>
            !type.startsWith("pulumi:") && type !== root.type && (parent === null || stacks.includes(parent)),
        )
        .map(({ urn }) => ({ urn, text: "the parent must be the root component or below it, found the stack" }));
    },
    examples: {
      right: [stack, root, child("aws:sqs/queue:Queue", root.urn)],
      wrong: [stack, root, child("aws:sqs/queue:Queue", stack.urn)],
      absent: { stack: [stack, root, { ...child("aws:sqs/queue:Queue", stack.urn), parent: null }], holds: false },
      unknown: { stack: [stack, root], holds: true },
    },
  },
  {
    name: "all-finished-versions",
    types: [],
    severity: "medium",
    protects: "interfaces of Azure that may change or end without notice",
    standard: "",
    fix: "the type without a version, which is a finished one",
    judge: (resources) =>
      resources
        .filter(({ type }) => /^azure-native:.*preview/.test(type))
        .map(({ urn }) => ({ urn, text: "the version of the type must not be a preview" })),
    examples: {
      right: [child("azure-native:dbforpostgresql:Server", root.urn)],
      wrong: [child("azure-native:dbforpostgresql/v20250101preview:Server", root.urn)],
      absent: { stack: [], holds: true },
      unknown: { stack: [stack, root], holds: true },
    },
  },
];

function resource(type: string, urn: string, parent: string | null): Resource {
  return { type, urn, values: {}, parent, sources: {} };
}
