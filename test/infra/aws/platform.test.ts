import assert from "node:assert/strict";
import { compare } from "../../../infra/plan/compare/compare.ts";
import { providerTables } from "../../../infra/plan/providers/index.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "../support/checks/names.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { everyResourceDescendsFromTheRoot } from "../support/checks/parents.ts";
import { statefulResourcesAreProtected } from "../support/checks/protection.ts";
import { noSecretIsPlain } from "../support/checks/secrets.ts";
import { everythingIsTagged } from "../support/checks/tags.ts";
import { needsSdks } from "../support/sdks.ts";
import { all, custom, inputsOf, namesOf, runPlatform } from "./fixtures/run.ts";

const profiles = ["small", "standard", "large"] as const;

describe("the platform on AWS", () => {
  const plans = new Map<string, Plan>();

  before(async function () {
    needsSdks(this);
    this.timeout(120_000);
    for (const profile of profiles) {
      for (const mode of ["preview", "up"] as const) {
        const queue = profile === "large" ? { queue: "sqs" } : {};
        plans.set(`${profile} ${mode}`, await runPlatform({ profile, ...queue }, mode));
      }
    }
  });

  const up = (profile: (typeof profiles)[number]) => plans.get(`${profile} up`)!;

  it("holds to the rules for all stacks, in each profile, in preview and in up", async () => {
    for (const [name, plan] of plans) {
      everyResourceDescendsFromTheRoot(plan);
      noSecretIsPlain(plan);
      await everythingIsTagged(plan);
      await physicalNamesAreUnique(plan);
      await physicalNamesFit(plan);
      if (!name.startsWith("small")) await statefulResourcesAreProtected(plan);
    }
  });

  it("asks for the same resources in preview as in up", () => {
    const urns = (plan: Plan) => plan.resources.map(({ urn }) => urn);
    for (const profile of profiles) assert.deepEqual(urns(plans.get(`${profile} preview`)!), urns(up(profile)));
  });

  it("makes everything through its own provider, which refuses other accounts", () => {
    for (const resource of up("standard").resources.filter(({ type }) => type.startsWith("aws:"))) {
      assert.match(resource.provider, /pulumi:providers:aws::aws$/, resource.urn);
    }
    const [provider] = up("standard").resources.filter(({ type }) => type === "pulumi:providers:aws");
    assert.deepEqual(JSON.parse(`${provider!.inputs.allowedAccountIds}`), ["111122223333"]);
  });

  it("turns every key each year, and keeps data of each kind under its own", () => {
    const keys = all(up("large"), "kms/key:Key");
    assert.equal(keys.length, 9);
    for (const { inputs } of keys) assert.equal(inputs.enableKeyRotation, true);
    const used = [
      inputsOf(up("large"), "rds/cluster:Cluster").kmsKeyId,
      inputsOf(up("large"), "elasticache/replicationGroup:ReplicationGroup").kmsKeyId,
      inputsOf(up("large"), "eks/cluster:Cluster").encryptionConfig.provider.keyArn,
      inputsOf(up("large"), "cloudtrail/trail:Trail").kmsKeyId,
      inputsOf(up("large"), "sns/topic:Topic").kmsMasterKeyId,
      inputsOf(up("large"), "sqs/queue:Queue", "queue-hints").kmsMasterKeyId,
      inputsOf(up("large"), "ecr/repository:Repository").encryptionConfigurations[0].kmsKey,
    ];
    assert.equal(new Set(used).size, used.length);
    for (const arn of used) assert.match(`${arn}`, /^arn:aws:kms:/);
  });

  it("creates things in the order that their services need", () => {
    const plan = up("standard");
    const follows = (later: string, earlier: string) => mustComeAfter(plan, `aws:${later}`, `aws:${earlier}`);
    follows("eks/cluster:Cluster", "cloudwatch/logGroup:LogGroup cluster");
    follows("eks/cluster:Cluster", "iam/rolePolicyAttachment:RolePolicyAttachment cluster-AmazonEKSComputePolicy");
    follows("rds/cluster:Cluster", "cloudwatch/logGroup:LogGroup database");
    follows("cloudtrail/trail:Trail", "s3/bucketPolicy:BucketPolicy audit-trail");
    follows("ec2/flowLog:FlowLog", "s3/bucketPolicy:BucketPolicy audit-flows");
    follows(
      "s3/bucketPolicy:BucketPolicy audit-trail",
      "s3/bucketPublicAccessBlock:BucketPublicAccessBlock audit-trail",
    );
    follows("ec2/natGateway:NatGateway a-nat", "ec2/route:Route a-public");
    follows("eks/podIdentityAssociation:PodIdentityAssociation skykv-api", "eks/cluster:Cluster");
    mustComeAfter(
      plan,
      "kubernetes:core/v1:ConfigMap",
      "aws:eks/accessPolicyAssociation:AccessPolicyAssociation 111122223333/skykv-deployer",
    );
    for (const earlier of [
      "aws:eks/accessPolicyAssociation:AccessPolicyAssociation pool",
      "aws:ec2/route:Route a-private",
      "kubernetes:eks.amazonaws.com/v1:NodeClass",
    ]) {
      mustComeAfter(plan, "kubernetes:karpenter.sh/v1:NodePool", earlier);
    }
    mustComeAfter(plan, "aws:eks/addon:Addon metrics-server", "kubernetes:karpenter.sh/v1:NodePool");
  });

  it("has nodes under our key and with our tags, in the private subnets, and no pool of EKS's own", () => {
    const plan = up("standard");
    const { computeConfig, encryptionConfig, tags } = inputsOf(plan, "eks/cluster:Cluster");
    assert.deepEqual(computeConfig, { enabled: true });
    const { spec } = custom(plan, "eks.amazonaws.com/v1:NodeClass");
    assert.equal(spec.ephemeralStorage.kmsKeyID, encryptionConfig.provider.keyArn);
    assert.deepEqual(spec.tags, tags);
    assert.equal(spec.subnetSelectorTerms.length, 3);
    assert.match(spec.role, /^node-/);
    const { principalArn, type } = inputsOf(plan, "eks/accessEntry:AccessEntry", "pool");
    assert.ok(principalArn.endsWith(`:role/${spec.role}`));
    assert.equal(type, "EC2");
    const { nodeClassRef } = custom(plan, "karpenter.sh/v1:NodePool").spec.template.spec;
    assert.equal(nodeClassRef.name, custom(plan, "eks.amazonaws.com/v1:NodeClass").metadata.name);
  });

  it("lets no password and no plain connection to the database or the cache", () => {
    const database = inputsOf(up("small"), "rds/cluster:Cluster");
    assert.equal(database.manageMasterUserPassword, true);
    assert.equal(database.iamDatabaseAuthenticationEnabled, true);
    const { parameters } = inputsOf(up("small"), "rds/clusterParameterGroup:ClusterParameterGroup");
    assert.ok(parameters.some(({ name, value }: Record<string, string>) => name === "rds.force_ssl" && value === "1"));
    assert.equal(
      inputsOf(up("small"), "elasticache/replicationGroup:ReplicationGroup").transitEncryptionMode,
      "required",
    );
    for (const component of ["api", "replicator"]) {
      const { authenticationMode, userId, userName } = inputsOf(up("small"), "elasticache/user:User", component);
      assert.deepEqual([authenticationMode.type, userId], ["iam", userName]);
    }
    assert.match(inputsOf(up("small"), "elasticache/user:User", "default").accessString, /^off /);
  });

  it("replaces nothing when the profile grows, a tag changes, an administrator or a zone is added", async () => {
    const cluster = {
      administrators: ["arn:aws:iam::111122223333:role/skykv-deployer", "arn:aws:iam::111122223333:role/x"],
    };
    const changes: [Plan, Plan][] = [
      [up("small"), up("standard")],
      [up("standard"), up("large")],
      [up("standard"), await runPlatform({ owner: "another-team" })],
      [up("standard"), await runPlatform({ cluster })],
      [up("standard"), await runPlatform({ network: { zones: ["c", "a", "b", "d"] } })],
    ];
    for (const [before, now] of changes) {
      const { changes } = await compare(before, now, providerTables);
      assert.ok(changes.length > 0);
      assert.deepEqual(
        changes.filter(({ kind }) => kind === "replace").map(({ urn }) => urn),
        [],
      );
    }
  }).timeout(120_000);

  it("adds just one zone's resources with a zone, whatever their order", async () => {
    const now = await runPlatform({ network: { zones: ["d", "c", "b", "a"] } });
    const { changes } = await compare(up("standard"), now, providerTables);
    const created = changes.filter(({ kind }) => kind === "create").map(({ name }) => name);
    assert.deepEqual([...new Set(created)].sort(), ["api-d", "d-intra", "d-nat", "d-private", "d-public", "peers-d"]);
    assert.deepEqual(
      changes.filter(({ kind }) => kind === "delete"),
      [],
    );
  }).timeout(60_000);

  it("answers what the workload needs, in the form in which services answer", () => {
    // biome-ignore lint/suspicious/noExplicitAny: a wrong path makes the test fail
    const { database, cache, queue, blobs, identities, ingress, store } = up("large").outputs as any;
    assert.match(database.host, /^skykv-aws\.cluster-.*\.us-east-1\.rds\.amazonaws\.com$/);
    assert.match(database.ca, /^-----BEGIN CERTIFICATE-----/);
    assert.match(cache.host, /^clustercfg\.skykv-aws\./);
    assert.deepEqual([cache.cluster, cache.tls, cache.login], [true, true, "aws-iam"]);
    assert.equal(queue.kind, "sqs");
    assert.equal(blobs.kind, "s3");
    assert.equal(identities.replicator.databaseUser, "skykv_replicator");
    assert.equal(identities.api.cacheUser, "skykv-aws-api");
    assert.deepEqual(Object.keys(ingress.api.addresses), ["a", "b", "c"]);
    assert.match(store.keys["database-admin-password"], /^arn:aws:secretsmanager:.*rds!cluster-/);
    assert.equal(store.fields["database-admin-password"], "password");
  });
});

describe("options of the platform on AWS", function () {
  this.timeout(60_000);

  before(function () {
    needsSdks(this);
  });

  it("put everything under a key that is there", async () => {
    const key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef";
    const plan = await runPlatform({ key });
    assert.deepEqual(all(plan, "kms/key:Key"), []);
    assert.equal(inputsOf(plan, "rds/cluster:Cluster").kmsKeyId, key);
    assert.equal(inputsOf(plan, "cloudtrail/trail:Trail").kmsKeyId, key);
  });

  it("take a network that is there, and make nothing in it but security groups", async () => {
    const existing = {
      vpcId: "vpc-1",
      cidr: "10.0.0.0/16",
      privateSubnetIds: ["subnet-1", "subnet-2"],
      publicSubnetIds: ["subnet-3"],
      intraSubnetIds: ["subnet-4", "subnet-5"],
      egressAddresses: ["203.0.113.1"],
    };
    const plan = await runPlatform({ network: { existing } });
    for (const type of ["vpc:Vpc", "subnet:Subnet", "natGateway:NatGateway", "flowLog:FlowLog"]) {
      assert.deepEqual(all(plan, `ec2/${type}`), []);
    }
    assert.deepEqual(inputsOf(plan, "eks/cluster:Cluster").vpcConfig.subnetIds, existing.privateSubnetIds);
    assert.deepEqual(inputsOf(plan, "rds/subnetGroup:SubnetGroup").subnetIds, existing.intraSubnetIds);
    assert.deepEqual(namesOf(plan, "ec2/eip:Eip"), ["api-subnet-3", "peers-subnet-3"]);
    assert.deepEqual(plan.outputs.egressAddresses, existing.egressAddresses);
  });

  it("write nothing into Secrets Manager when people keep the secrets in Vault", async () => {
    const plan = await runPlatform({ secrets: { store: "vault", address: "https://vault.example.com" } });
    assert.deepEqual(all(plan, "secretsmanager/secret:Secret"), []);
    assert.ok(!namesOf(plan, "iam/role:Role").includes("external-secrets"));
    // biome-ignore lint/suspicious/noExplicitAny: a wrong path makes the test fail
    const { store } = plan.outputs as any;
    assert.equal(store.provider.vault.server, "https://vault.example.com");
    assert.deepEqual([store.keys["admin-key"], store.fields["admin-key"]], ["skykv/aws", "admin-key"]);
  });

  it("run RabbitMQ by Amazon MQ, with a password that only the store and the broker know", async () => {
    const plan = await runPlatform({ queue: "rabbitmq" });
    noSecretIsPlain(plan);
    await statefulResourcesAreProtected(plan);
    assert.deepEqual(all(plan, "sqs/queue:Queue"), []);
    assert.ok(namesOf(plan, "secretsmanager/secret:Secret").includes("queue-password"));
    assert.deepEqual(plan.outputs.queue && (plan.outputs.queue as { kind: string }).kind, "rabbitmq");
  });

  it("refuse RabbitMQ with secrets in Vault, where nobody could put its password", async () => {
    const secrets = { store: "vault", address: "https://vault.example.com" };
    await assert.rejects(runPlatform({ queue: "rabbitmq", secrets }), /skykv:queue: expected sqs or postgres/);
  });

  it("have no public load balancer for the API behind a tunnel, and one for peers still", async () => {
    const plan = await runPlatform({ ingress: { mode: "tunnel" } });
    assert.deepEqual(
      namesOf(plan, "ec2/eip:Eip").filter((name) => !name.endsWith("-nat")),
      ["peers-a", "peers-b", "peers-c"],
    );
  });

  it("start nodes of a size, after the network that they need, and under our key", async () => {
    const administrators = ["arn:aws:iam::111122223333:role/skykv-deployer"];
    const plan = await runPlatform({ cluster: { administrators, mode: "managed-nodes" } });
    noSecretIsPlain(plan);
    await everythingIsTagged(plan);
    assert.deepEqual(namesOf(plan, "eks/nodeGroup:NodeGroup"), ["a", "b", "c"]);
    assert.throws(() => custom(plan, "karpenter.sh/v1:NodePool"));
    const { blockDeviceMappings } = inputsOf(plan, "ec2/launchTemplate:LaunchTemplate");
    for (const { ebs } of blockDeviceMappings) assert.match(ebs.kmsKeyId, /^arn:aws:kms:/);
    for (const addon of ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"]) {
      mustComeAfter(plan, "aws:eks/nodeGroup:NodeGroup", `aws:eks/addon:Addon ${addon}`);
    }
    for (const addon of ["coredns", "metrics-server"]) {
      mustComeAfter(plan, `aws:eks/addon:Addon ${addon}`, "aws:eks/nodeGroup:NodeGroup");
    }
  });

  it("tell somebody of alarms when there is somebody to tell", async () => {
    const plan = await runPlatform({ alarms: { email: "oncall@example.com" } });
    assert.equal(inputsOf(plan, "sns/topicSubscription:TopicSubscription").endpoint, "oncall@example.com");
  });
});
