import assert from "node:assert/strict";
import { clusterRights } from "../../../infra/aws/cluster-rights.ts";
import { podTrust } from "../../../infra/aws/identity-trust.ts";
import { keyPolicy } from "../../../infra/aws/key-policy.ts";
import type { Statement } from "../../../infra/aws/policy.ts";
import { createOnly, flowWrites, topicPolicy, trailWrites } from "../../../infra/aws/resource-policies.ts";
import { type Resources, readSecrets, rightsOf } from "../../../infra/aws/rights.ts";
import { components } from "../../../infra/names.ts";

const accountId = "111122223333";
const region = "eu-central-1";
const key = (name: string) => `arn:aws:kms:${region}:${accountId}:key/${name}`;
const resources: Resources = {
  region,
  accountId,
  databaseId: "cluster-ABC",
  cache: "arn:cache",
  cacheUsers: { api: "arn:user:api", replicator: "arn:user:replicator" },
  queue: { arn: "arn:queue", key: key("queue") },
  values: { arn: "arn:aws:s3:::values", key: key("blobs") },
};

const list = <T>(value: T | readonly T[] | undefined) => (value === undefined ? [] : ([value].flat() as T[]));
const actionsOf = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => list(Action));
const statementsOf = (policy: string) => (JSON.parse(policy) as { Statement: Statement[] }).Statement;

describe("rights of the components on AWS", () => {
  for (const component of components) {
    it(`name each action and each resource: ${component}`, () => {
      for (const { Action, Effect, Resource } of rightsOf(component, resources)) {
        assert.equal(Effect, "Allow");
        for (const action of list(Action)) assert.doesNotMatch(action, /\*/);
        for (const resource of list(Resource)) assert.match(resource, /^arn:[^*]*(\/\*)?$/);
      }
    });

    it(`log in to the database as their own user alone: ${component}`, () => {
      const logins = rightsOf(component, resources).filter(({ Action }) => Action === "rds-db:connect");
      assert.deepEqual(
        logins.map(({ Resource }) => Resource),
        [`arn:aws:rds-db:${region}:${accountId}:dbuser:cluster-ABC/skykv_${component}`],
      );
    });
  }

  it("let the API send and the replicator receive, and neither do the other's part", () => {
    const queueActions = (component: "api" | "replicator") =>
      actionsOf(rightsOf(component, resources)).filter((action) => action.startsWith("sqs:"));
    assert.deepEqual(queueActions("api"), ["sqs:SendMessage"]);
    assert.ok(!queueActions("replicator").includes("sqs:SendMessage"));
    assert.ok(queueActions("replicator").includes("sqs:DeleteMessage"));
  });

  it("leave the migration nothing but the database", () => {
    assert.deepEqual(actionsOf(rightsOf("migration", resources)), ["rds-db:connect"]);
  });

  it("have nothing to do with SQS where hints go another way", () => {
    const without = { ...resources, queue: null };
    for (const component of components) {
      assert.ok(!JSON.stringify(rightsOf(component, without)).includes("sqs"));
    }
  });

  it("use keys through their service alone", () => {
    const statements = [...rightsOf("api", resources), ...rightsOf("replicator", resources)];
    const keys = [...statements, ...readSecrets(["arn:secret"], [key("secrets"), key("secrets")], region)].filter(
      ({ Action }) => list(Action).some((action) => action.startsWith("kms:")),
    );
    assert.equal(keys.length, 5);
    for (const { Condition } of keys) assert.match(`${Condition?.StringEquals?.["kms:ViaService"]}`, /amazonaws\.com$/);
    assert.deepEqual(keys.at(-1)!.Resource, [key("secrets")]);
  });
});

describe("trust in pods on AWS", () => {
  it("is bound to the cluster, the namespace and the ServiceAccount", () => {
    const pod = { clusterArn: "arn:cluster", namespace: "skykv", serviceAccount: "skykv-api" };
    const [statement] = statementsOf(podTrust(pod));
    assert.deepEqual(statement!.Principal, { Service: "pods.eks.amazonaws.com" });
    assert.deepEqual(statement!.Action, ["sts:AssumeRole", "sts:TagSession"]);
    assert.deepEqual(Object.values(statement!.Condition!.StringEquals!), ["arn:cluster", "skykv", "skykv-api"]);
  });
});

describe("rights of the control plane on AWS", () => {
  const sids = (statements: readonly Statement[]) => statements.map(({ Sid }) => Sid);

  it("reach further than AWS's own policies for the secrets' key, and in Auto Mode for disks and tags", () => {
    assert.deepEqual(sids(clusterRights("managed-nodes", key("cluster"))), ["SecretsOfKubernetes"]);
    assert.deepEqual(sids(clusterRights("automatic", key("cluster"))), [
      "SecretsOfKubernetes",
      "DisksOfNodes",
      "DisksOfNodesAttach",
      "TagsOfNodes",
      "TagsOfInterfaces",
      "TagsOfBalancers",
    ]);
  });

  it("use one key, and give it to services of AWS alone", () => {
    const ofKeys = clusterRights("automatic", key("cluster")).filter(({ Action }) =>
      list(Action)[0]!.startsWith("kms:"),
    );
    for (const { Action, Condition, Resource } of ofKeys) {
      assert.equal(Resource, key("cluster"));
      if (list(Action).includes("kms:CreateGrant")) {
        assert.deepEqual(Condition, { Bool: { "kms:GrantIsForAWSResource": "true" } });
      }
    }
  });

  it("make only what carries the name of the cluster that asks", () => {
    const others = clusterRights("automatic", key("cluster")).filter(({ Resource }) => Resource === "*");
    assert.equal(others.length, 3);
    for (const { Condition, Sid } of others) {
      assert.deepEqual(
        Condition!.StringEquals,
        { "aws:RequestTag/eks:eks-cluster-name": `\${aws:PrincipalTag/eks:eks-cluster-name}` },
        Sid,
      );
    }
  });
});

describe("policies of keys on AWS", () => {
  const kinds = ["cluster", "database", "cache", "queue", "blobs", "registry", "secrets", "logs", "alarms"] as const;

  it("let nobody in without a condition but the account itself and CloudWatch", () => {
    for (const kind of kinds) {
      for (const { Condition, Principal, Sid } of statementsOf(keyPolicy(kind, { accountId, region }))) {
        if (Principal === "*") assert.ok(Condition?.StringEquals?.["kms:CallerAccount"] === accountId, Sid);
        else if (Condition === undefined) assert.ok(["AccountDecides", "AlarmsToTopic"].includes(Sid), Sid);
      }
    }
  });

  it("keep the account able to change them", () => {
    for (const kind of kinds) {
      const [first] = statementsOf(keyPolicy(kind, { accountId, region }));
      assert.deepEqual(first!.Principal, { AWS: `arn:aws:iam::${accountId}:root` });
    }
  });

  it("let each service use the key of its kind of data alone", () => {
    const services = (kind: (typeof kinds)[number]) =>
      statementsOf(keyPolicy(kind, { accountId, region })).flatMap(({ Principal }) =>
        typeof Principal === "object" && Principal.Service !== undefined ? [Principal.Service] : [],
      );
    assert.deepEqual(services("logs"), [
      `logs.${region}.amazonaws.com`,
      "cloudtrail.amazonaws.com",
      "delivery.logs.amazonaws.com",
    ]);
    assert.deepEqual(services("alarms"), ["cloudwatch.amazonaws.com"]);
    for (const kind of ["database", "cache", "queue", "registry", "secrets"] as const)
      assert.deepEqual(services(kind), []);
  });
});

describe("policies of buckets and topics on AWS", () => {
  it("let backups be added, and neither replaced, nor deleted, nor unlocked, by anybody", () => {
    const statements = createOnly("arn:aws:s3:::backups");
    assert.ok(statements.every(({ Effect, Principal }) => Effect === "Deny" && Principal === "*"));
    const [replaces, deletes] = statements;
    assert.deepEqual(replaces!.Condition, {
      Null: { "s3:if-none-match": "true" },
      Bool: { "s3:ObjectCreationOperation": "true" },
    });
    for (const action of ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]) {
      assert.ok(list(deletes!.Action).includes(action));
    }
  });

  it("take logs of this account's own trail and network alone", () => {
    const trailArn = `arn:aws:cloudtrail:${region}:${accountId}:trail/skykv-aws`;
    for (const { Condition } of trailWrites("arn:aws:s3:::trail", accountId, trailArn)) {
      assert.equal(Condition?.StringEquals?.["aws:SourceArn"], trailArn);
    }
    for (const { Condition } of flowWrites("arn:aws:s3:::flows", accountId, region)) {
      assert.equal(Condition?.StringEquals?.["aws:SourceAccount"], accountId);
    }
  });

  it("take alarms of this account alone, by TLS", () => {
    const [alarms, tls] = statementsOf(topicPolicy("arn:topic", accountId));
    assert.equal(alarms!.Condition!.StringEquals!["aws:SourceAccount"], accountId);
    assert.deepEqual([tls!.Effect, tls!.Condition], ["Deny", { Bool: { "aws:SecureTransport": "false" } }]);
  });
});
