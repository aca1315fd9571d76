import type { Price, Tier } from "../price.ts";
import { awsApi, awsApiDate, infracost, read, reported } from "./sources.ts";

const price = (usd: number | readonly Tier[], unit: string, source: string, date: string): Price => ({
  usd,
  unit,
  region: "us-east-1",
  source,
  date,
});

/** AWS's calculator of Aurora's capacity, `acu_calculator.py`, has the prices that it works with. */
const aurora = "https://github.com/aws/agent-toolkit-for-aws";
const cacheList =
  "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonElastiCache/current/us-east-1/index.json";
/** Nodes of Valkey cost four fifths of those of Redis OSS: https://aws.amazon.com/elasticache/pricing/ */
const valkey = 0.8;

const egress = [
  { upTo: 100, usd: 0 },
  { upTo: 10_240, usd: 0.09 },
  { upTo: 51_200, usd: 0.085 },
  { upTo: 153_600, usd: 0.07 },
  { upTo: Number.POSITIVE_INFINITY, usd: 0.05 },
];

// biome-ignore format: a table, one line for each price
export const aws = {
  "aws EKS cluster": price(0.1, "hour", awsApi, awsApiDate),
  "aws EKS Auto Mode": { ...price(0.12, "USD of instances", "https://aws.amazon.com/eks/pricing/", read), ...reported },
  "aws m5.large": price(0.096, "hour", infracost("aws/eks_node_group"), read),
  "aws m7g, a vCPU": price(0.0816 / 2, "vCPU-hour", awsApi, awsApiDate),
  "aws EBS gp3": price(0.08, "GB-month", infracost("aws/ebs_volume"), read),
  "aws Aurora capacity unit": price(0.12, "ACU-hour", aurora, "2026-03-28"),
  "aws Aurora storage": price(0.1, "GB-month", aurora, "2026-03-28"),
  "aws Aurora I/O": price(0.2, "million requests", aurora, "2026-03-28"),
  "aws Aurora backups": price(0.021, "GB-month", aurora, "2026-03-28"),
  "aws Valkey cache.t4g.micro": price(valkey * 0.016, "hour", cacheList, "2026-10-02"),
  "aws Valkey cache.m7g.large": price(0.1264, "hour", awsApi, awsApiDate),
  "aws Valkey cache.r7g.xlarge": price(valkey * 2 * 0.219, "hour", cacheList, "2026-10-02"),
  "aws Amazon MQ mq.m5.large": price(0.288, "hour", infracost("aws/mq_broker"), read),
  "aws Redis cache.m5.large": price(0.156, "hour", cacheList, "2026-10-02"),
  "aws Aurora db.r5.large": price(0.29, "hour", aurora, "2026-03-28"),
  "aws ALB": price(0.0225, "hour", infracost("aws/lb"), read),
  "aws ALB capacity unit": price(0.008, "LCU-hour", infracost("aws/lb"), read),
  "aws SQS requests": price(0.4, "million requests", awsApi, awsApiDate),
  "aws NAT gateway": price(0.045, "hour", infracost("aws/nat_gateway"), read),
  "aws NAT gateway data": price(0.045, "GB", infracost("aws/nat_gateway"), read),
  "aws public IPv4 address": price(0.005, "hour", infracost("aws/eip"), read),
  "aws interface endpoint": price(0.01, "hour", infracost("aws/vpc_endpoint"), read),
  "aws NLB": price(0.0225, "hour", infracost("aws/lb"), read),
  "aws NLB capacity unit": price(0.006, "NLCU-hour", infracost("aws/lb"), read),
  "aws egress": price(egress, "GB", infracost("aws/data_transfer"), read),
  "aws traffic between zones": price(0.01, "GB each way", infracost("aws/data_transfer"), read),
  "aws S3": price(0.023, "GB-month", awsApi, awsApiDate),
  "aws S3 writes": price(5, "million requests", awsApi, awsApiDate),
  "aws ECR": price(0.1, "GB-month", awsApi, awsApiDate),
  "aws KMS key": price(1, "month", infracost("aws/kms_key"), read),
  "aws Secrets Manager secret": price(0.4, "month", awsApi, awsApiDate),
  "aws CloudWatch logs": price(0.5, "GB", awsApi, awsApiDate),
  "aws CloudWatch alarm": price(0.1, "month", awsApi, awsApiDate),
} satisfies Record<string, Price>;
