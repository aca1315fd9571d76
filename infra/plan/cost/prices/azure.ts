import type { Price, Tier } from "../price.ts";
import { azureApi, azureApiDate, infracost, read, reported } from "./sources.ts";

const price = (
  usd: number | readonly Tier[],
  unit: string,
  source: string,
  date: string,
  region = "eastus",
): Price => ({ usd, unit, region, source, date });

const egress = [
  { upTo: 100, usd: 0 },
  { upTo: Number.POSITIVE_INFINITY, usd: 0.087 },
];

const retail = "https://prices.azure.com/api/retail/prices";

// biome-ignore format: a table, one line for each price
export const azure = {
  "azure AKS Automatic cluster": { ...price(0.16, "hour", "https://azure.microsoft.com/en-us/pricing/details/kubernetes-service/", read), ...reported },
  "azure AKS Standard cluster": price(0.1, "hour", azureApi, azureApiDate),
  "azure Ddsv5, a vCPU": { ...price(0.113 / 2, "vCPU-hour", "https://azure.microsoft.com/en-us/pricing/details/virtual-machines/linux/", read), ...reported },
  "azure PostgreSQL B2s": price(0.068, "hour", azureApi, azureApiDate),
  "azure PostgreSQL Ddsv5, a vCore": price(0.356 / 4, "vCore-hour", azureApi, azureApiDate),
  "azure PostgreSQL storage": price(0.115, "GB-month", azureApi, azureApiDate),
  "azure PostgreSQL backups": price(0.095, "GB-month", infracost("azure/postgresql_flexible_server"), read),
  "azure Managed Redis B0, a node": { ...price(0.016, "hour", retail, "2026-08-31", "eastus2"), ...reported },
  "azure Managed Redis B5, a node": price(0.312 / 2, "hour", azureApi, azureApiDate),
  "azure Service Bus Premium": price(677.08 / 730, "unit-hour", infracost("azure/servicebus_namespace"), read),
  "azure NAT gateway": price(0.045, "hour", infracost("azure/nat_gateway"), read),
  "azure NAT gateway data": price(0.045, "GB", infracost("azure/nat_gateway"), read),
  "azure public address": price(0.005, "hour", infracost("azure/public_ip"), read),
  "azure load balancer rules, up to five": { ...price(0.025, "hour", "https://azure.microsoft.com/en-us/pricing/details/load-balancer/", read), ...reported },
  "azure load balancer data": price(0.005, "GB", infracost("azure/kubernetes_cluster"), read),
  "azure private endpoint": price(0.01, "hour", infracost("azure/private_endpoint"), read),
  "azure private endpoint data": price(0.01, "GB", infracost("azure/private_endpoint"), read),
  "azure private DNS zone": price(0.5, "month", infracost("azure/private_dns_zone"), read),
  "azure egress": price(egress, "GB", "https://azure.microsoft.com/en-us/pricing/details/bandwidth/", "2026-09-20"),
  "azure blobs": price(0.0208, "GB-month", azureApi, azureApiDate),
  "azure Container Registry Premium": price(50 / 30, "day", infracost("azure/container_registry"), read),
  "azure Log Analytics": price(2.3, "GB", azureApi, azureApiDate),
  "azure metric alert": price(0.1, "month", azureApi, azureApiDate),
} satisfies Record<string, Price>;
