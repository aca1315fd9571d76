import type { KeyKind } from "./keys.ts";
import { document, type Statement } from "./policy.ts";

type Place = { readonly accountId: string; readonly region: string };

const useKey = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];

/**
 * Who may use the key of a kind of data. Identities of the account may as far as their own policies say so; services that
 * act by themselves may for this account's resources alone. Services that act for their caller (RDS, ElastiCache, SQS,
 * ECR, Secrets Manager) need nothing here: they come with the caller's rights.
 */
export function keyPolicy(kind: KeyKind, place: Place): string {
  return document([accountDecides(place), ...(byService[kind]?.(place) ?? [])]);
}

/** Without it nobody could ever change the key's policy again. */
function accountDecides({ accountId }: Place): Statement {
  return {
    Sid: "AccountDecides",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${accountId}:root` },
    Action: "kms:*",
    Resource: "*",
  };
}

const byService: Partial<Record<KeyKind, (place: Place) => readonly Statement[]>> = {
  cluster: disksOfNodes,
  blobs: writersThroughS3,
  logs: (place) => [logGroups(place), trail(place), logDelivery(place)],
  alarms: alarmsToTopic,
};

/**
 * Auto Scaling starts the nodes of mode managed-nodes. Its service-linked role may not exist yet, and a policy that names
 * a principal that does not exist is refused: hence the condition instead of the principal.
 */
function disksOfNodes({ accountId }: Place): readonly Statement[] {
  const role = `arn:aws:iam::${accountId}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
  const isAutoScaling = { "kms:CallerAccount": accountId, "aws:PrincipalArn": role };
  const common = { Effect: "Allow", Principal: "*", Resource: "*" } as const;
  return [
    { ...common, Sid: "DisksOfNodes", Action: useKey, Condition: { StringEquals: isAutoScaling } },
    {
      ...common,
      Sid: "DisksOfNodesAttach",
      Action: "kms:CreateGrant",
      Condition: { StringEquals: isAutoScaling, Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

/**
 * Whoever S3 lets into a bucket of this account, for which it calls with the caller's name. So roles of other clouds that
 * put backups here need no right to the key itself.
 */
function writersThroughS3({ accountId, region }: Place): readonly Statement[] {
  return [
    {
      Sid: "WritersThroughS3",
      Effect: "Allow",
      Principal: "*",
      // Parts of an upload are decrypted to be joined.
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: "*",
      Condition: {
        StringEquals: { "kms:CallerAccount": accountId, "kms:ViaService": `s3.${region}.amazonaws.com` },
      },
    },
  ];
}

function logGroups({ accountId, region }: Place): Statement {
  return {
    Sid: "LogGroups",
    Effect: "Allow",
    Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: useKey,
    Resource: "*",
    Condition: {
      ArnLike: { "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:${region}:${accountId}:log-group:*` },
    },
  };
}

function trail({ accountId, region }: Place): Statement {
  return {
    Sid: "Trail",
    Effect: "Allow",
    Principal: { Service: "cloudtrail.amazonaws.com" },
    Action: ["kms:GenerateDataKey*", "kms:DescribeKey"],
    Resource: "*",
    Condition: { ArnLike: { "aws:SourceArn": `arn:aws:cloudtrail:${region}:${accountId}:trail/*` } },
  };
}

/** Flow logs on their way to a bucket. */
function logDelivery({ accountId }: Place): Statement {
  return {
    Sid: "LogDelivery",
    Effect: "Allow",
    Principal: { Service: "delivery.logs.amazonaws.com" },
    Action: useKey,
    Resource: "*",
    Condition: { StringEquals: { "aws:SourceAccount": accountId } },
  };
}

/**
 * CloudWatch calls by itself, and drops alarms without a word when it may not. It is not documented to say for which alarm:
 * whose alarms the topic takes is for the topic's policy to say.
 */
function alarmsToTopic(): readonly Statement[] {
  return [
    {
      Sid: "AlarmsToTopic",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
      Resource: "*",
    },
  ];
}
