import { isObject } from "../../engine/values.ts";
import type { PlannedResource } from "../../resource.ts";
import { all, type Bill, type Rules, unknownSize } from "../bill.ts";
import { at, listAt, numberAt, textAt } from "../inputs.ts";
import { type Line, line } from "../line.ts";
import { hours } from "../traffic.ts";
import { probesGb } from "./probes.ts";
import { nodesOf } from "./sizes.ts";

/** AKS Automatic chooses the machines of its system pool, among those of four CPUs. */
const systemCpus = 4;
/** Machines that pods are given by AKS Automatic. */
const podCpus = 2;
const replication = "load.writes × load.valueBytes × other clouds";

export const azure: Rules = {
  "azure-native:containerservice:ManagedCluster": (cluster, { pods }) => {
    const pools = poolsOf(cluster);
    if (textAt(cluster, "sku.name") === "Automatic")
      return [
        line("compute", "azure AKS Automatic cluster", hours, "cluster.mode: automatic"),
        line(
          "compute",
          "azure Ddsv5, a vCPU",
          systemNodes(cluster) * systemCpus * hours,
          "cluster.nodes.min: what AKS runs itself",
        ),
        line(
          "compute",
          "azure Ddsv5, a vCPU",
          nodesOf(pods, podCpus) * podCpus * hours,
          "workload.api, workload.replicator: CPUs of pods",
        ),
      ];
    return [
      ...(textAt(cluster, "sku.tier") === "Free"
        ? []
        : [line("compute", "azure AKS Standard cluster", hours, "cluster.mode: managed-nodes")]),
      ...pools.flatMap((pool) => machines(textAt(pool, "vmSize"), numberAt(pool, "count", 1), "what AKS runs itself")),
    ];
  },
  "azure-native:containerservice:AgentPool": (pool, { pods, of }) => {
    const size = textAt(pool, "vmSize");
    const cpus = cpusOf(size);
    if (cpus === null) return unknownSize("nodes", size);
    const least = numberAt(pool, "minCount", 1);
    // Where no node is asked for, pods go to the system pool first.
    const system = of("azure-native:containerservice:ManagedCluster").map(systemNodes);
    const count = Math.max(least, nodesOf(pods, cpus) - (least > 0 ? 0 : (system[0] ?? 0)));
    return machines(size, Math.min(count, numberAt(pool, "maxCount", count)), "cluster.nodes");
  },
  "azure-native:dbforpostgresql:Server": (server, { traffic }) => {
    const size = textAt(server, "sku.name");
    const copies = textAt(server, "highAvailability.mode") === "ZoneRedundant" ? 2 : 1;
    const compute = computeOf(size, copies);
    if (compute === null) return unknownSize("a database", size);
    const disk = Math.max(numberAt(server, "storage.storageSizeGB", 32), traffic.storedGb);
    const days = numberAt(server, "backup.backupRetentionDays", 7);
    const regions = textAt(server, "backup.geoRedundantBackup") === "Enabled" ? 2 : 1;
    // As much as the disk has costs nothing.
    const backups = Math.max(0, regions * (traffic.storedGb + traffic.writtenGb(days)) - disk);
    return [
      compute,
      line("database", "azure PostgreSQL storage", copies * disk, "database.storageGb, load.storedGb"),
      line("database", "azure PostgreSQL backups", backups, "database.backupDays, database.geoBackups, load.writes"),
    ];
  },
  "azure-native:redisenterprise:RedisEnterprise": (cache) => {
    const size = textAt(cache, "sku.name");
    const nodes = textAt(cache, "highAvailability") === "Disabled" ? 1 : 2;
    const driver = "cache.sku, cache.highAvailability";
    if (size === "Balanced_B0") return [line("cache", "azure Managed Redis B0, a node", nodes * hours, driver)];
    if (size === "Balanced_B5") return [line("cache", "azure Managed Redis B5, a node", nodes * hours, driver)];
    return unknownSize("a cache", size);
  },
  "azure-native:servicebus:Namespace": (namespace) => [
    line("queue", "azure Service Bus Premium", numberAt(namespace, "sku.capacity", 1) * hours, "queue: servicebus"),
  ],
  "azure-native:network:NatGateway": (_, { traffic }) => [
    line("network", "azure NAT gateway", hours, "one for all"),
    line("traffic", "azure NAT gateway data", traffic.toPeersGb, replication),
  ],
  "azure-native:network:PublicIPAddress": () => [
    line("network", "azure public address", hours, "of NAT and load balancers"),
  ],
  "azure-native:network:PrivateEndpoint": (endpoint, { traffic }) => [
    line("network", "azure private endpoint", hours, "one for each service"),
    ...(endpoint.name === "cache"
      ? [line("traffic", "azure private endpoint data", traffic.insideGb, "load.reads, load.writes, load.valueBytes")]
      : []),
  ],
  "azure-native:privatedns:PrivateZone": () => [line("network", "azure private DNS zone", 1, "one for each service")],
  "cloudflare:index/loadBalancerPool:LoadBalancerPool": (_, { of }) => [
    line("traffic", "azure egress", probesGb(of), "probe.interval, probe.regions"),
  ],
  "kubernetes:core/v1:Service": (service, { traffic, of }) => {
    if (textAt(service, "spec.type") !== "LoadBalancer") return [];
    const api = textAt(service, "metadata.name") === "api";
    // What goes to peers leaves through NAT.
    const gb = api ? traffic.answersGb + traffic.requestsGb : traffic.fromPeersGb;
    return [
      line("network", "azure load balancer rules, up to five", hours / balancers(of), "one for clients, one for peers"),
      line("traffic", "azure load balancer data", gb, "load.reads, load.writes, load.valueBytes"),
      line(
        "traffic",
        "azure egress",
        api ? traffic.answersGb : traffic.toPeersGb,
        "load.reads, load.writes × other clouds, load.valueBytes",
      ),
    ];
  },
  "azure-native:storage:StorageAccount": (account, { traffic }) =>
    account.name === "backups"
      ? [line("storage", "azure blobs", traffic.storedGb, "load.storedGb: a copy of another cloud")]
      : [],
  "azure-native:containerregistry:Registry": (registry) =>
    textAt(registry, "sku.name") === "Premium"
      ? [line("storage", "azure Container Registry Premium", hours / 24, "private, under an own key")]
      : unknownSize("a registry", textAt(registry, "sku.name")),
  "azure-native:operationalinsights:Workspace": (_, { traffic }) => [
    line("logs and alarms", "azure Log Analytics", traffic.logGb, "load.logGb"),
  ],
  "azure-native:monitor:MetricAlert": () => [line("logs and alarms", "azure metric alert", 1, "alarms")],
  ...all(
    { uncounted: "flow logs and their analysis are charged by GB, at a price that was not found" },
    "azure-native:network:FlowLog",
  ),
  ...all(
    { uncounted: "keys cost nothing by themselves; operations with them are few" },
    "azure-native:keyvault:Key",
    "azure-native:keyvault:Vault",
  ),
  ...all(
    { free: "settings of what is priced by itself" },
    "azure-native:authorization:ManagementLockByScope",
    "azure-native:compute:DiskEncryptionSet",
    "azure-native:dbforpostgresql:Administrator",
    "azure-native:dbforpostgresql:Configuration",
    "azure-native:dbforpostgresql:Database",
    "azure-native:keyvault:Secret",
    "azure-native:monitor:ActionGroup",
    "azure-native:monitor:DiagnosticSetting",
    "azure-native:redisenterprise:Database",
    "azure-native:resources:ResourceGroup",
    "azure-native:servicebus:Queue",
    "azure-native:storage:BlobContainer",
    "azure-native:storage:BlobContainerImmutabilityPolicy",
    "azure-native:storage:BlobServiceProperties",
    "azure-native:storage:ManagementPolicy",
  ),
  ...all(
    { free: "networks themselves cost nothing" },
    "azure-native:network:NetworkSecurityGroup",
    "azure-native:network:PrivateDnsZoneGroup",
    "azure-native:network:Subnet",
    "azure-native:network:VirtualNetwork",
    "azure-native:privatedns:VirtualNetworkLink",
  ),
  ...all(
    { free: "identities and rights cost nothing" },
    "azure-native:authorization:RoleAssignment",
    "azure-native:authorization:RoleDefinition",
    "azure-native:managedidentity:FederatedIdentityCredential",
    "azure-native:managedidentity:UserAssignedIdentity",
    "azure-native:redisenterprise:AccessPolicyAssignment",
  ),
};

function systemNodes(cluster: PlannedResource): number {
  return poolsOf(cluster).reduce((sum, pool) => sum + numberAt(pool, "count", 0), 0);
}

function poolsOf(cluster: PlannedResource) {
  return listAt(cluster, "agentPoolProfiles")
    .filter(isObject)
    .map((inputs) => ({ inputs }));
}

/** Null for sizes without a price. */
function cpusOf(size: string): number | null {
  const [, cpus] = /^Standard_D(\d+)ds_v5$/.exec(size) ?? [];
  return cpus === undefined ? null : Number(cpus);
}

function machines(size: string, count: number, driver: string): readonly Line[] {
  const cpus = cpusOf(size);
  return cpus === null ? [] : [line("compute", "azure Ddsv5, a vCPU", count * cpus * hours, driver)];
}

function computeOf(size: string, copies: number): Line | null {
  const driver = "database.sku, database.highAvailability";
  if (size === "Standard_B2s") return line("database", "azure PostgreSQL B2s", copies * hours, driver);
  const cores = cpusOf(size);
  if (cores === null) return null;
  return line("database", "azure PostgreSQL Ddsv5, a vCore", copies * cores * hours, driver);
}

function balancers(of: Bill["of"]): number {
  return of("kubernetes:core/v1:Service").filter((one) => at(one, "spec.type") === "LoadBalancer").length;
}
