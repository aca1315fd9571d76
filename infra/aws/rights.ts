import type { Component } from "../names.ts";
import type { Statement } from "./policy.ts";

/** What there is to have rights to, by ARN. Null: it does not exist in this configuration. */
export type Resources = {
  readonly region: string;
  readonly accountId: string;
  /** The id that RDS gives the cluster, such as `cluster-ABCD`. */
  readonly databaseId: string;
  readonly cache: string;
  readonly cacheUsers: Readonly<Record<"api" | "replicator", string>>;
  readonly queue: { readonly arn: string; readonly key: string } | null;
  readonly values: { readonly arn: string; readonly key: string };
};

/** What a component may do in AWS, and nothing more. */
export function rightsOf(component: Component, resources: Resources): readonly Statement[] {
  const { queue } = resources;
  switch (component) {
    case "api":
      return [
        ...dataRights(component, resources),
        ...(queue === null
          ? []
          : queueRights(["sqs:SendMessage"], ["kms:GenerateDataKey", "kms:Decrypt"], queue, resources)),
      ];
    case "replicator":
      return [
        ...dataRights(component, resources),
        ...(queue === null ? [] : queueRights(receive, ["kms:Decrypt"], queue, resources)),
      ];
    case "migration":
      return [databaseLogin(component, resources)];
  }
}

/** The name under which a component logs in to the database. */
export function databaseUser(component: Component): string {
  return `skykv_${component}`;
}

const receive = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"];

function dataRights(component: "api" | "replicator", resources: Resources): readonly Statement[] {
  const { cache, cacheUsers, region, values } = resources;
  const allow = { Effect: "Allow" } as const;
  return [
    databaseLogin(component, resources),
    { ...allow, Sid: "CacheLogin", Action: "elasticache:Connect", Resource: [cache, cacheUsers[component]] },
    {
      ...allow,
      Sid: "Values",
      Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
      Resource: `${values.arn}/*`,
    },
    // Without it, what is not there would be answered with 403 instead of 404; the collector lists, too.
    { ...allow, Sid: "ListValues", Action: "s3:ListBucket", Resource: values.arn },
    {
      ...allow,
      Sid: "KeyOfValues",
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: values.key,
      Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
    },
  ];
}

/** As its own user alone. */
function databaseLogin(component: Component, { accountId, databaseId, region }: Resources): Statement {
  return {
    Sid: "DatabaseLogin",
    Effect: "Allow",
    Action: "rds-db:connect",
    Resource: `arn:aws:rds-db:${region}:${accountId}:dbuser:${databaseId}/${databaseUser(component)}`,
  };
}

function queueRights(
  actions: readonly string[],
  keyActions: readonly string[],
  { arn, key }: NonNullable<Resources["queue"]>,
  { region }: Resources,
): readonly Statement[] {
  return [
    { Sid: "Hints", Effect: "Allow", Action: actions, Resource: arn },
    {
      Sid: "KeyOfHints",
      Effect: "Allow",
      Action: keyActions,
      Resource: key,
      Condition: { StringEquals: { "kms:ViaService": `sqs.${region}.amazonaws.com` } },
    },
  ];
}

/** The External Secrets Operator reads these secrets and no others. */
export function readSecrets(secrets: readonly string[], keys: readonly string[], region: string): readonly Statement[] {
  return [
    {
      Sid: "Secrets",
      Effect: "Allow",
      Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
      Resource: secrets,
    },
    {
      Sid: "KeysOfSecrets",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: [...new Set(keys)],
      Condition: { StringEquals: { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` } },
    },
  ];
}

/** KEDA asks how long the queue is. */
export function measureQueue(queueArn: string): readonly Statement[] {
  return [{ Sid: "QueueLength", Effect: "Allow", Action: "sqs:GetQueueAttributes", Resource: queueArn }];
}
