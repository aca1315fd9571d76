/** Who may take roles in AWS, and what they may do. Pure. */
import { audiences } from "../subjects.ts";

/** Exactly one subject of one issuer, with a token made out for AWS. */
export function trustPolicy(issuerArn: string, issuer: string, subject: string): string {
  // AWS names the claims by the issuer without its scheme; a trailing slash is part of it.
  const claims = issuer.replace(/^https:\/\//, "");
  return policy({
    Effect: "Allow",
    Principal: { Federated: issuerArn },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${claims}:sub`]: subject, [`${claims}:aud`]: audiences.aws } },
  });
}

/** Adds objects to a bucket, and does nothing else: it can neither read, replace nor delete. */
export function addBackups(bucket: string, region: string): string {
  const arn = `arn:aws:s3:::${bucket}`;
  return policy(
    { Sid: "Add", Effect: "Allow", Action: "s3:PutObject", Resource: `${arn}/*` },
    {
      // A put that may replace is refused: it must say `If-None-Match: *`. Parts of an upload create no object yet.
      Sid: "NeverReplace",
      Effect: "Deny",
      Action: "s3:PutObject",
      Resource: `${arn}/*`,
      Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
    },
    {
      // Decrypt, because S3 reads the data key anew for each part. Any key, but only as this bucket's.
      Sid: "BucketKey",
      Effect: "Allow",
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: "*",
      Condition: {
        StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` },
        StringLike: { "kms:EncryptionContext:aws:s3:arn": [arn, `${arn}/*`] },
      },
    },
  );
}

/** Pushes images to one repository. What a preview asks AWS for besides is the names of the zones. */
export function pushImages(repositoryArn: string): string {
  return policy(
    {
      Sid: "Push",
      Effect: "Allow",
      Action: [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ],
      Resource: repositoryArn,
    },
    {
      // Neither can be limited to a resource.
      Sid: "LogInAndPreview",
      Effect: "Allow",
      Action: ["ecr:GetAuthorizationToken", "ec2:DescribeAvailabilityZones"],
      Resource: "*",
    },
  );
}

function policy(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
