import { document, type Statement, tlsOnly } from "./policy.ts";

/**
 * Backups can be added, and that is all, whatever the writer's own rights are: an upload must say that it replaces nothing
 * (`If-None-Match: *`), and nobody deletes or unlocks. What is too old S3 removes by itself.
 */
export function createOnly(bucketArn: string): readonly Statement[] {
  return [
    {
      Sid: "ReplacesNothing",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: `${bucketArn}/*`,
      // The parts of an upload create nothing yet; its completion does, and says so.
      Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
    },
    {
      Sid: "DeletesNothing",
      Effect: "Deny",
      Principal: "*",
      Action: [
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:BypassGovernanceRetention",
      ],
      Resource: `${bucketArn}/*`,
    },
  ];
}

/** CloudTrail looks whether it may write, and writes. */
export function trailWrites(bucketArn: string, accountId: string, trailArn: string): readonly Statement[] {
  const from = { Effect: "Allow", Principal: { Service: "cloudtrail.amazonaws.com" } } as const;
  return [
    {
      ...from,
      Sid: "TrailLooks",
      Action: "s3:GetBucketAcl",
      Resource: bucketArn,
      Condition: { StringEquals: { "aws:SourceArn": trailArn } },
    },
    {
      ...from,
      Sid: "TrailWrites",
      Action: "s3:PutObject",
      Resource: `${bucketArn}/AWSLogs/${accountId}/*`,
      Condition: { StringEquals: { "aws:SourceArn": trailArn, "s3:x-amz-acl": "bucket-owner-full-control" } },
    },
  ];
}

/** Flow logs are delivered by a service of their own. */
export function flowWrites(bucketArn: string, accountId: string, region: string): readonly Statement[] {
  const from = { Effect: "Allow", Principal: { Service: "delivery.logs.amazonaws.com" } } as const;
  const ofThisAccount = {
    StringEquals: { "aws:SourceAccount": accountId },
    ArnLike: { "aws:SourceArn": `arn:aws:logs:${region}:${accountId}:*` },
  };
  return [
    { ...from, Sid: "FlowsLook", Action: "s3:GetBucketAcl", Resource: bucketArn, Condition: ofThisAccount },
    {
      ...from,
      Sid: "FlowsWrite",
      Action: "s3:PutObject",
      Resource: `${bucketArn}/AWSLogs/${accountId}/*`,
      Condition: {
        ...ofThisAccount,
        StringEquals: { ...ofThisAccount.StringEquals, "s3:x-amz-acl": "bucket-owner-full-control" },
      },
    },
  ];
}

/** Alarms of this account may be told here, and by TLS alone. */
export function topicPolicy(topicArn: string, accountId: string): string {
  return document([
    {
      Sid: "AlarmsOfThisAccount",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: "sns:Publish",
      Resource: topicArn,
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    },
    { ...tlsOnly("sns", topicArn), Action: "sns:Publish" },
  ]);
}
