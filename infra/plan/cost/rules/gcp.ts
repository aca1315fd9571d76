import { all, type Bill, type Rules, unknownSize } from "../bill.ts";
import { numberAt, textAt } from "../inputs.ts";
import { line } from "../line.ts";
import { hintsOf } from "../pods.ts";
import { isPrice } from "../prices/prices.ts";
import { hours } from "../traffic.ts";
import { probesGb } from "./probes.ts";
import { imagesGb, nodesOf } from "./sizes.ts";

/** Pub/Sub charges for a message as if it had 1 kB, when it comes and when it goes. */
const tibOfMessages = (messages: number) => (2 * messages * 1000) / 2 ** 40;
/** Machines with so many CPUs take their pods through NAT. */
const cpusOfNode = 4;
/** CPUs and GiB of the machines of Cloud SQL Enterprise Plus, which have 8 GiB for each CPU. */
const plusGibPerCpu = 8;

const answersDriver = "load.reads × load.valueBytes";
const replication = "load.writes × load.valueBytes × other clouds";

export const gcp: Rules = {
  "gcp:container/cluster:Cluster": (cluster, { pods }) => [
    line("compute", "gcp GKE cluster", hours, "one cluster"),
    ...(cluster.inputs.enableAutopilot === true
      ? [
          line("compute", "gcp Autopilot CPU", pods.cpus * hours, "workload.api, workload.replicator: CPUs of pods"),
          line(
            "compute",
            "gcp Autopilot memory",
            pods.gib * hours,
            "workload.api, workload.replicator: memory of pods",
          ),
        ]
      : []),
  ],
  "gcp:container/nodePool:NodePool": (pool, { pods }) => {
    const type = textAt(pool, "nodeConfig.machineType");
    const [, cpus] = /^e2-standard-(\d+)$/.exec(type) ?? [];
    if (cpus === undefined) return unknownSize("nodes", type);
    // The least is that of each of three zones.
    const nodes = Math.max(3 * numberAt(pool, "autoscaling.minNodeCount", 1), nodesOf(pods, Number(cpus)));
    return [line("compute", "gcp e2, a vCPU", nodes * Number(cpus) * hours, "cluster.nodes")];
  },
  "gcp:sql/databaseInstance:DatabaseInstance": (instance, { traffic }) => {
    const tier = textAt(instance, "settings.tier");
    const size = sizeOf(tier);
    if (size === null) return unknownSize("a database", tier);
    const copies = textAt(instance, "settings.availabilityType") === "REGIONAL" ? 2 : 1;
    const edition = textAt(instance, "settings.edition") === "ENTERPRISE_PLUS" ? "Enterprise Plus" : "Enterprise";
    const machine = "database.tier, database.edition, database.availability";
    const disk = Math.max(numberAt(instance, "settings.diskSize", 10), traffic.storedGb);
    const days = numberAt(instance, "settings.backupConfiguration.backupRetentionSettings.retainedBackups", 7);
    return [
      line("database", `gcp Cloud SQL ${edition} CPU`, copies * size.cpus * hours, machine),
      line("database", `gcp Cloud SQL ${edition} memory`, copies * size.gib * hours, machine),
      line("database", "gcp Cloud SQL storage", copies * disk, "database.diskGb, load.storedGb"),
      line(
        "database",
        "gcp Cloud SQL backups",
        traffic.storedGb + traffic.writtenGb(days),
        "database.backups, load.storedGb, load.writes",
      ),
    ];
  },
  "gcp:memorystore/instance:Instance": (instance) => {
    const nodes = numberAt(instance, "shardCount", 1) * (1 + numberAt(instance, "replicaCount", 0));
    const price = `gcp Memorystore ${textAt(instance, "nodeType")}`;
    if (!isPrice(price)) return unknownSize("cache nodes", textAt(instance, "nodeType"));
    return [line("cache", price, nodes * hours, "cache.nodeType, cache.shards, cache.replicas")];
  },
  "gcp:pubsub/subscription:Subscription": (subscription, { traffic, pods }) =>
    // Dead letters are few.
    subscription.inputs.deadLetterPolicy === undefined
      ? []
      : [line("queue", "gcp Pub/Sub", tibOfMessages(hintsOf(pods, traffic)), "queue: pubsub; load.writes")],
  "gcp:compute/routerNat:RouterNat": (_, { traffic, pods }) => [
    line("network", "gcp Cloud NAT", nodesOf(pods, cpusOfNode) * hours, "nodes"),
    line("traffic", "gcp Cloud NAT data", traffic.toPeersGb, replication),
  ],
  "gcp:compute/address:Address": (address) =>
    textAt(address, "addressType") === "EXTERNAL"
      ? [line("network", "gcp external address", hours, "of NAT and load balancers")]
      : [],
  "gcp:compute/forwardingRule:ForwardingRule": () => [
    line("network", "gcp Private Service Connect endpoint", hours, "of the database"),
  ],
  "cloudflare:index/loadBalancerPool:LoadBalancerPool": (_, { of }) => [
    line("traffic", "gcp egress", probesGb(of), "probe.interval, probe.regions"),
  ],
  "kubernetes:core/v1:Service": (service, { traffic, of }) => {
    if (textAt(service, "spec.type") !== "LoadBalancer") return [];
    const api = textAt(service, "metadata.name") === "api";
    // What goes to peers leaves through NAT.
    const gb = api ? traffic.answersGb + traffic.requestsGb : traffic.fromPeersGb;
    const rules = balancers(of);
    return [
      line("network", "gcp forwarding rules, up to five", hours / rules, "one for clients, one for peers"),
      line("traffic", "gcp load balancer data", gb, "load.reads, load.writes, load.valueBytes"),
      line("traffic", "gcp egress", api ? traffic.answersGb : traffic.toPeersGb, api ? answersDriver : replication),
    ];
  },
  "gcp:storage/bucket:Bucket": (bucket, { traffic }) =>
    bucket.name.endsWith("backups")
      ? [line("storage", "gcp Cloud Storage", traffic.storedGb, "load.storedGb: a copy of another cloud")]
      : bucket.name.endsWith("audit")
        ? [line("storage", "gcp Cloud Storage", traffic.logGb, "load.logGb")]
        : [],
  "gcp:artifactregistry/repository:Repository": () => [
    line("storage", "gcp Artifact Registry", imagesGb, "images that are kept"),
  ],
  "gcp:kms/cryptoKey:CryptoKey": () => [
    line("keys and secrets", "gcp KMS key version", 1, "key: one for each kind of data, and its older versions"),
  ],
  "gcp:secretmanager/secretVersion:SecretVersion": () => [
    line("keys and secrets", "gcp Secret Manager version", 1, "secrets.store: cloud"),
  ],
  "gcp:logging/projectSink:ProjectSink": (_, { traffic }) => [
    line("logs and alarms", "gcp Cloud Logging", traffic.logGb, "load.logGb"),
  ],
  "gcp:monitoring/alertPolicy:AlertPolicy": () => [line("logs and alarms", "gcp alert condition", 1, "alarms")],
  "gcp:dns/managedZone:ManagedZone": () => [line("network", "gcp private DNS zone", 1, "of the database")],
  ...all(
    { uncounted: "flow logs of subnets are charged by GB, at a price that was not found" },
    "gcp:compute/subnetwork:Subnetwork",
  ),
  ...all(
    { free: "settings of what is priced by itself" },
    "gcp:compute/router:Router",
    "gcp:dns/recordSet:RecordSet",
    "gcp:kms/keyRing:KeyRing",
    "gcp:monitoring/notificationChannel:NotificationChannel",
    "gcp:projects/iAMAuditConfig:IAMAuditConfig",
    "gcp:projects/service:Service",
    "gcp:pubsub/topic:Topic",
    "gcp:secretmanager/secret:Secret",
    "gcp:sql/database:Database",
    "gcp:sql/user:User",
  ),
  ...all(
    { free: "networks themselves cost nothing" },
    "gcp:compute/firewall:Firewall",
    "gcp:compute/network:Network",
    "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy",
  ),
  ...all(
    { free: "identities and rights cost nothing" },
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:projects/serviceIdentity:ServiceIdentity",
    "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember",
    "gcp:pubsub/topicIAMMember:TopicIAMMember",
    "gcp:secretmanager/secretIamMember:SecretIamMember",
    "gcp:serviceaccount/account:Account",
    "gcp:serviceaccount/iAMMember:IAMMember",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
  ),
};

/** `db-custom-CPUS-MIB`, or `db-perf-optimized-N-CPUS`. */
function sizeOf(tier: string): { cpus: number; gib: number } | null {
  const [, cpus, mib] = /^db-custom-(\d+)-(\d+)$/.exec(tier) ?? [];
  if (cpus !== undefined && mib !== undefined) return { cpus: Number(cpus), gib: Number(mib) / 1024 };
  const [, many] = /^db-perf-optimized-N-(\d+)$/.exec(tier) ?? [];
  return many === undefined ? null : { cpus: Number(many), gib: Number(many) * plusGibPerCpu };
}

function balancers(of: Bill["of"]): number {
  return of("kubernetes:core/v1:Service").filter((service) => textAt(service, "spec.type") === "LoadBalancer").length;
}
