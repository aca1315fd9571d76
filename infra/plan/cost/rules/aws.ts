import { all, type Bill, type Rules, unknownSize } from "../bill.ts";
import { listAt, numberAt, textAt } from "../inputs.ts";
import { type Line, line } from "../line.ts";
import { hintsOf } from "../pods.ts";
import { isPrice } from "../prices/prices.ts";
import { hours } from "../traffic.ts";
import { probesGb } from "./probes.ts";
import { databaseCpus, imagesGb, nodesOf } from "./sizes.ts";

/** A capacity unit is about 2 GiB of memory with its CPU, of which Aurora's machines have 8 GiB each. */
const capacityOfCpu = 4;
const cpusOf: Readonly<Record<string, number>> = { "m7g.large": 2, "m7g.xlarge": 4, "m7g.2xlarge": 8 };
/** GB of gp3 that a node has: EKS's default for system and data. */
const nodeDiskGb = 80;
/** Share of what goes from one of three zones to any of them that leaves its zone. */
const toOtherZones = 2 / 3;

export const aws: Rules = {
  "aws:eks/cluster:Cluster": () => [line("compute", "aws EKS cluster", hours, "one cluster")],
  "kubernetes:karpenter.sh/v1:NodePool": (_, { pods }) => {
    const nodes = nodesOf(pods, 2);
    const machines = line("compute", "aws m5.large", nodes * hours, "workload.api, workload.replicator: CPUs of pods");
    return [
      machines,
      line("compute", "aws EKS Auto Mode", machines.usd, "cluster.mode: automatic"),
      line("compute", "aws EBS gp3", nodes * nodeDiskGb, "nodes"),
    ];
  },
  "aws:eks/nodeGroup:NodeGroup": (group, { pods, of }) => {
    const type = `${listAt(group, "instanceTypes")[0]}`;
    const cpus = cpusOf[type];
    if (cpus === undefined) return unknownSize("nodes", type);
    // There is one group in each zone.
    const share = Math.ceil(nodesOf(pods, cpus) / of(group.type).length);
    const nodes = Math.max(numberAt(group, "scalingConfig.minSize", 1), share);
    return [
      line("compute", "aws m7g, a vCPU", nodes * cpus * hours, "cluster.nodes"),
      line("compute", "aws EBS gp3", nodes * nodeDiskGb, "nodes"),
    ];
  },
  "aws:rds/cluster:Cluster": (cluster, { traffic }) => {
    const days = numberAt(cluster, "backupRetentionPeriod", 1);
    return [
      line("database", "aws Aurora storage", traffic.storedGb, "load.storedGb, load.newKeys"),
      // One for each write is what is known of Aurora; group commit needs fewer. Reads count as if memory had none of it.
      line("database", "aws Aurora I/O", traffic.databaseRequests / 1e6, "load.writes, load.cacheHits"),
      // As much as is stored costs nothing.
      line("database", "aws Aurora backups", traffic.writtenGb(days), "database.backupDays, load.writes"),
    ];
  },
  "aws:rds/clusterInstance:ClusterInstance": (_, bill) => [
    line("database", "aws Aurora capacity unit", capacity(bill) * hours, "database.minCapacity, database.instances"),
  ],
  "aws:elasticache/replicationGroup:ReplicationGroup": (group) => {
    const nodes = numberAt(group, "numNodeGroups", 1) * (1 + numberAt(group, "replicasPerNodeGroup", 0));
    const price = `aws Valkey ${textAt(group, "nodeType")}`;
    if (!isPrice(price)) return unknownSize("cache nodes", textAt(group, "nodeType"));
    return [line("cache", price, nodes * hours, "cache.nodeType, cache.shards, cache.replicas")];
  },
  "aws:sqs/queue:Queue": (queue, { traffic, pods }) =>
    // Each hint is sent, received and deleted. Dead letters are few.
    queue.inputs.redrivePolicy === undefined
      ? []
      : [line("queue", "aws SQS requests", (3 * hintsOf(pods, traffic)) / 1e6, "queue: sqs; load.writes")],
  "aws:mq/broker:Broker": (broker) => {
    const nodes = textAt(broker, "deploymentMode") === "CLUSTER_MULTI_AZ" ? 3 : 1;
    const size = textAt(broker, "hostInstanceType");
    if (size !== "mq.m5.large") return unknownSize("a broker", size);
    return [line("queue", "aws Amazon MQ mq.m5.large", nodes * hours, "queue: rabbitmq")];
  },
  "aws:ec2/natGateway:NatGateway": (_, { traffic, of }) => [
    line("network", "aws NAT gateway", hours, "network.natPerZone"),
    line(
      "traffic",
      "aws NAT gateway data",
      traffic.toPeersGb / of("aws:ec2/natGateway:NatGateway").length,
      "load.writes × load.valueBytes × other clouds",
    ),
  ],
  "aws:ec2/eip:Eip": () => [line("network", "aws public IPv4 address", hours, "network.zones, network.natPerZone")],
  "aws:ec2/vpcEndpoint:VpcEndpoint": (endpoint) =>
    textAt(endpoint, "vpcEndpointType") === "Interface"
      ? [
          line(
            "network",
            "aws interface endpoint",
            hours * listAt(endpoint, "subnetIds").length,
            "network.endpoints, network.zones",
          ),
        ]
      : [],
  "cloudflare:index/loadBalancerPool:LoadBalancerPool": (_, { of }) => [
    line("traffic", "aws egress", probesGb(of), "probe.interval, probe.regions"),
  ],
  "kubernetes:core/v1:Service": (service, { traffic }) => {
    if (textAt(service, "spec.type") !== "LoadBalancer") return [];
    const api = textAt(service, "metadata.name") === "api";
    // What goes to peers leaves through NAT.
    const gb = api ? traffic.answersGb + traffic.requestsGb : traffic.fromPeersGb;
    return [
      line("network", "aws NLB", hours, "one for clients, one for peers"),
      // A capacity unit is a GB an hour; of new and open connections there are too few to decide.
      line("traffic", "aws NLB capacity unit", gb, "load.reads, load.writes, load.valueBytes"),
      ...(api ? answers(traffic) : [line("traffic", "aws egress", traffic.toPeersGb, replication)]),
    ];
  },
  "aws:s3/bucket:Bucket": (bucket, { traffic }) =>
    bucket.name.endsWith("backups")
      ? [line("storage", "aws S3", traffic.storedGb, "load.storedGb: a copy of another cloud")]
      : bucket.name.endsWith("trail")
        ? [line("storage", "aws S3", traffic.logGb, "load.logGb")]
        : [],
  "aws:ecr/repository:Repository": () => [line("storage", "aws ECR", imagesGb, "images that are kept")],
  "aws:kms/key:Key": () => [line("keys and secrets", "aws KMS key", 1, "key: one for each kind of data")],
  "aws:secretsmanager/secret:Secret": () => [
    line("keys and secrets", "aws Secrets Manager secret", 1, "secrets.store: cloud"),
  ],
  "aws:cloudwatch/logGroup:LogGroup": (_, { traffic, of }) => [
    line(
      "logs and alarms",
      "aws CloudWatch logs",
      traffic.logGb / of("aws:cloudwatch/logGroup:LogGroup").length,
      "load.logGb",
    ),
  ],
  "aws:cloudwatch/metricAlarm:MetricAlarm": () => [line("logs and alarms", "aws CloudWatch alarm", 1, "alarms")],
  ...all({ uncounted: "VPC flow logs are charged by GB, at a price that was not found" }, "aws:ec2/flowLog:FlowLog"),
  ...all(
    { uncounted: "the first trail of management events is free; events of backups are few" },
    "aws:cloudtrail/trail:Trail",
  ),
  ...all(
    { uncounted: "e-mails beyond the first thousand a month" },
    "aws:sns/topic:Topic",
    "aws:sns/topicSubscription:TopicSubscription",
  ),
  ...all(
    { free: "settings of what is priced by itself" },
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/addon:Addon",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:elasticache/user:User",
    "aws:elasticache/userGroup:UserGroup",
    "aws:kms/alias:Alias",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "kubernetes:eks.amazonaws.com/v1:NodeClass",
  ),
  ...all(
    { free: "networks themselves cost nothing" },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  ),
  ...all(
    { free: "identities and rights cost nothing" },
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  ),
};

const replication = "load.writes × load.valueBytes × other clouds";

function answers(traffic: Bill["traffic"]): Line[] {
  const crossing = toOtherZones * (traffic.answersGb + traffic.requestsGb + traffic.insideGb);
  return [
    line("traffic", "aws egress", traffic.answersGb, "load.reads × load.valueBytes"),
    // Out of one zone and into the other: both ends pay.
    line("traffic", "aws traffic between zones", 2 * crossing, "load.reads, load.writes, load.valueBytes"),
  ];
}

/** Of one instance: a standby that must be able to take over has what the writer has. */
function capacity({ traffic, of }: Bill): number {
  const needed = databaseCpus(traffic) * capacityOfCpu;
  const [cluster] = of("aws:rds/cluster:Cluster");
  if (cluster === undefined) return needed;
  const bound = (name: string) => numberAt(cluster, `serverlessv2ScalingConfiguration.${name}`, needed);
  return Math.min(bound("maxCapacity"), Math.max(bound("minCapacity"), needed));
}
