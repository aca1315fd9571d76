import { by, companions, named } from "../../companion.ts";
import { contains, is, isAtLeast, isNot, isSet, test } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap } from "../../value.ts";

const bucket = "aws:s3/bucket:Bucket";

export const awsEncryption: readonly Rule[] = [
  {
    name: "aws-eks-secrets-key",
    types: ["aws:eks/cluster:Cluster"],
    severity: "high",
    protects: "Kubernetes secrets that are readable in a copy of the control plane's store",
    standard: "CKV_AWS_58, FSBP EKS.3",
    fix: 'encryptionConfig: { resources: ["secrets"], provider: { keyArn } }',
    conditions: [contains("encryptionConfig.resources", "secrets"), isSet("encryptionConfig.provider.keyArn")],
  },
  {
    name: "aws-rds-customer-key",
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    severity: "critical",
    protects: "data that is readable in a copied disk or snapshot, and that nobody can make unreadable",
    standard: "CKV_AWS_16, CKV_AWS_96, CKV_AWS_327",
    fix: "storageEncrypted: true, and kmsKeyId of a key of your own",
    conditions: [is("storageEncrypted", true), isSet("kmsKeyId")],
  },
  {
    name: "aws-rds-password-key",
    types: ["aws:rds/cluster:Cluster"],
    severity: "medium",
    protects: "an administrator's password under a key that you cannot revoke",
    standard: "",
    fix: "masterUserSecretKmsKeyId of a key of your own",
    conditions: [isSet("masterUserSecretKmsKeyId")],
  },
  {
    name: "aws-rds-insights-key",
    types: ["aws:rds/clusterInstance:ClusterInstance"],
    severity: "low",
    protects: "recorded queries under a key that you cannot revoke, and slow queries that nobody can explain",
    standard: "CKV_AWS_353, CKV_AWS_354",
    fix: "performanceInsightsEnabled: true, and performanceInsightsKmsKeyId",
    conditions: [is("performanceInsightsEnabled", true), isSet("performanceInsightsKmsKeyId")],
  },
  {
    name: "aws-rds-tls",
    severity: "high",
    protects: "queries and passwords that travel in plain text",
    standard: "CKV2_AWS_69",
    fix: 'a ClusterParameterGroup with rds.force_ssl = "1", named by the cluster',
    ...companions({
      of: "aws:rds/cluster:Cluster",
      type: "aws:rds/clusterParameterGroup:ClusterParameterGroup",
      linked: named("dbClusterParameterGroupName"),
      conditions: [
        test(
          "parameters",
          'contain rds.force_ssl = "1"',
          (parameters) =>
            isList(parameters) &&
            parameters.some((one) => isMap(one) && one.name === "rds.force_ssl" && String(one.value) === "1"),
          {
            right: [{ name: "rds.force_ssl", value: "1" }],
            wrong: [[{ name: "rds.force_ssl", value: "0" }]],
          },
        ),
      ],
    }),
  },
  {
    name: "aws-cache-encrypted",
    types: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    severity: "high",
    protects: "values and logins that are readable on the network of the cache, or in its backups",
    standard: "CKV_AWS_29, CKV_AWS_30, CKV_AWS_191",
    fix: 'atRestEncryptionEnabled: true, kmsKeyId, transitEncryptionEnabled: true, transitEncryptionMode: "required"',
    conditions: [
      is("atRestEncryptionEnabled", true),
      is("transitEncryptionEnabled", true),
      is("transitEncryptionMode", "required"),
      isSet("kmsKeyId"),
    ],
  },
  {
    name: "aws-serverless-cache-key",
    types: ["aws:elasticache/serverlessCache:ServerlessCache"],
    severity: "high",
    protects: "values under a key that you cannot revoke, and a cache that everybody may read",
    standard: "",
    fix: "kmsKeyId, and userGroupId",
    conditions: [isSet("kmsKeyId"), isSet("userGroupId")],
  },
  {
    name: "aws-memorydb-encrypted",
    types: ["aws:memorydb/cluster:Cluster"],
    severity: "high",
    protects: "values that are readable on the network, and a database that everybody may read",
    standard: "CKV_AWS_201, CKV_AWS_202",
    fix: "kmsKeyArn, an aclName of your own, and tlsEnabled left at true",
    conditions: [isNot("tlsEnabled", false), isSet("kmsKeyArn"), isSet("aclName"), isNot("aclName", "open-access")],
  },
  {
    name: "aws-sqs-customer-key",
    types: ["aws:sqs/queue:Queue"],
    severity: "medium",
    protects: "messages under a key that you cannot revoke",
    standard: "CKV_AWS_27, CKV2_AWS_73",
    fix: "kmsMasterKeyId of a key of your own",
    conditions: [ownKey("kmsMasterKeyId", "alias/aws/sqs")],
  },
  {
    name: "aws-sns-customer-key",
    types: ["aws:sns/topic:Topic"],
    severity: "medium",
    protects: "notices under a key that you cannot revoke",
    standard: "CKV_AWS_26",
    fix: "kmsMasterKeyId of a key of your own",
    conditions: [ownKey("kmsMasterKeyId", "alias/aws/sns")],
  },
  {
    name: "aws-secret-customer-key",
    types: ["aws:secretsmanager/secret:Secret"],
    severity: "high",
    protects: "secrets under a key that you cannot revoke",
    standard: "CKV_AWS_149",
    fix: "kmsKeyId of a key of your own",
    conditions: [isSet("kmsKeyId")],
  },
  {
    name: "aws-trail-customer-key",
    types: ["aws:cloudtrail/trail:Trail"],
    severity: "high",
    protects: "a record of what administrators did that others can read, or change unseen",
    standard: "CKV_AWS_35, CKV_AWS_36",
    fix: "kmsKeyId, and enableLogFileValidation: true",
    conditions: [isSet("kmsKeyId"), is("enableLogFileValidation", true)],
  },
  {
    name: "aws-logs-customer-key",
    types: ["aws:cloudwatch/logGroup:LogGroup"],
    severity: "medium",
    protects: "logs under a key that you cannot revoke",
    standard: "CKV_AWS_158",
    fix: "kmsKeyId of a key of your own",
    conditions: [isSet("kmsKeyId")],
  },
  {
    name: "aws-ecr-customer-key",
    types: ["aws:ecr/repository:Repository"],
    severity: "medium",
    protects: "images under a key that you cannot revoke",
    standard: "CKV_AWS_136",
    fix: 'encryptionConfigurations: [{ encryptionType: "KMS", kmsKey }]',
    conditions: [is("encryptionConfigurations[].encryptionType", "KMS"), isSet("encryptionConfigurations[].kmsKey")],
  },
  {
    name: "aws-s3-customer-key",
    severity: "high",
    protects: "objects under a key that you cannot revoke",
    standard: "CKV_AWS_145",
    fix: "a BucketServerSideEncryptionConfiguration with aws:kms, kmsMasterKeyId and bucketKeyEnabled",
    ...companions({
      of: bucket,
      type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      linked: by("bucket"),
      conditions: [
        is("rules[].applyServerSideEncryptionByDefault.sseAlgorithm", "aws:kms"),
        isSet("rules[].applyServerSideEncryptionByDefault.kmsMasterKeyId"),
        is("rules[].bucketKeyEnabled", true),
      ],
    }),
  },
  {
    name: "aws-kms-rotation",
    types: ["aws:kms/key:Key"],
    severity: "medium",
    protects: "a key that is as old as all the data under it, and one that is gone before anybody notices",
    standard: "CKV_AWS_7",
    fix: "enableKeyRotation: true, and deletionWindowInDays of 14 or more",
    conditions: [is("enableKeyRotation", true), isAtLeast("deletionWindowInDays", 14)],
  },
  {
    name: "aws-node-disks-key",
    types: ["kubernetes:eks.amazonaws.com/v1:NodeClass"],
    severity: "medium",
    protects: "what pods write to the disks of nodes, under a key that you cannot revoke",
    standard: "",
    fix: "spec.ephemeralStorage.kmsKeyID of a key of your own",
    conditions: [isSet("spec.ephemeralStorage.kmsKeyID")],
  },
];

function ownKey(path: string, awsKey: string) {
  return test(path, `be a key of your own, not ${awsKey}`, (key) => key !== "" && key !== awsKey, {
    right: "alias/own",
    wrong: [awsKey, ""],
    unknown: true,
  });
}
