import type { Price, Tier } from "../price.ts";
import { googlePages, googlePagesDate, infracost, read, reported } from "./sources.ts";

const price = (
  usd: number | readonly Tier[],
  unit: string,
  source: string,
  date: string,
  region = "us-central1",
): Price => ({ usd, unit, region, source, date });

/** Of Memorystore for Redis Cluster, whose nodes have the same names: those for Valkey were found nowhere. */
const redisCluster = infracost("google/redis_cluster");
const tiers =
  "https://dev.to/suhas_mallesh/gcp-defaults-every-vm-to-premium-network-and-youre-paying-40-more-for-egress-you-dont-need-5bhm";

const egress = [
  { upTo: 1024, usd: 0.12 },
  { upTo: 10_240, usd: 0.11 },
  { upTo: Number.POSITIVE_INFINITY, usd: 0.08 },
];

const freeLogs = [
  { upTo: 50, usd: 0 },
  { upTo: Number.POSITIVE_INFINITY, usd: 0.5 },
];

// biome-ignore format: a table, one line for each price
export const gcp = {
  "gcp GKE cluster": price(0.1, "hour", googlePages, googlePagesDate),
  "gcp Autopilot CPU": price(0.0445, "vCPU-hour", infracost("google/container_cluster"), read),
  "gcp Autopilot memory": price(0.0049225, "GiB-hour", infracost("google/container_cluster"), read),
  "gcp e2, a vCPU": price(0.067 / 2, "vCPU-hour", googlePages, googlePagesDate),
  "gcp Cloud SQL Enterprise CPU": price(0.0413, "vCPU-hour", infracost("google/sql_database_instance"), read),
  "gcp Cloud SQL Enterprise memory": price(0.007, "GiB-hour", infracost("google/sql_database_instance"), read),
  "gcp Cloud SQL Enterprise Plus CPU": { ...price(0.0537, "vCPU-hour", "https://cloud.google.com/sql/pricing", read, "us-east1"), ...reported },
  "gcp Cloud SQL Enterprise Plus memory": { ...price(0.0091, "GiB-hour", "https://cloud.google.com/sql/pricing", read, "us-east1"), ...reported },
  "gcp Cloud SQL storage": price(0.17, "GB-month", infracost("google/sql_database_instance"), read),
  "gcp Cloud SQL backups": price(0.08, "GB-month", infracost("google/sql_database_instance"), read),
  "gcp Memorystore SHARED_CORE_NANO": { ...price(0.0318, "hour", redisCluster, "2026-10-02"), ...reported },
  "gcp Memorystore STANDARD_SMALL": price(0.1425, "hour", redisCluster, read),
  "gcp Memorystore HIGHMEM_MEDIUM": { ...price(0.1923, "hour", redisCluster, "2026-10-02"), ...reported },
  "gcp Pub/Sub": price(40, "TiB", infracost("google/pubsub_topic"), read),
  "gcp Cloud NAT": price(0.0014, "VM-hour", infracost("google/compute_router_nat"), read),
  "gcp Cloud NAT data": price(0.045, "GB", infracost("google/compute_router_nat"), read),
  "gcp external address": price(0.005, "hour", infracost("google/compute_address"), read),
  "gcp forwarding rules, up to five": price(0.025, "hour", googlePages, googlePagesDate),
  "gcp load balancer data": price(0.008, "GB", googlePages, googlePagesDate),
  "gcp Private Service Connect endpoint": price(0.01, "hour", infracost("google/compute_forwarding_rule"), read),
  "gcp egress": price(egress, "GB", tiers, read),
  "gcp Cloud Storage": price(0.02, "GB-month", googlePages, googlePagesDate),
  "gcp Artifact Registry": price(0.1, "GB-month", googlePages, googlePagesDate),
  "gcp KMS key version": price(0.06, "month", infracost("google/kms_crypto_key"), read),
  "gcp Secret Manager version": price(0.06, "month", googlePages, googlePagesDate),
  "gcp Cloud Logging": price(freeLogs, "GiB", googlePages, googlePagesDate),
  "gcp alert condition": price(0.1, "month", googlePages, googlePagesDate),
  "gcp private DNS zone": price(0.2, "month", googlePages, googlePagesDate),
} satisfies Record<string, Price>;
