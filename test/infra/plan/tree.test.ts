import assert from "node:assert/strict";
import { stripVTControlCharacters, styleText } from "node:util";
import type { Plan } from "../../../infra/plan/resource.ts";
import { Secret, Unknown } from "../../../infra/plan/resource.ts";
import { shortType, shortValue } from "../../../infra/plan/view/short.ts";
import { plainStyle } from "../../../infra/plan/view/style.ts";
import { treeText } from "../../../infra/plan/view/tree.ts";
import { planned, planOf } from "../support/plans.ts";
import { needsSdks } from "../support/sdks.ts";
import { runFixture } from "./fixtures/run.ts";

describe("the tree of a plan", () => {
  let plan: Plan;
  before(async function () {
    needsSdks(this);
    plan = await runFixture("shop");
  });

  it("shows components as branches, and what one should know of each resource", () => {
    const text = treeText(plan, { width: 100, style: plainStyle });
    assert.equal(
      text,
      `shop: 9 resources in 3 components

shop (9)
├─ archive (6)
│  ├─ archive                       aws.ec2.SecurityGroup
│  ├─ archive                       aws.s3.Bucket                     ◆
│  ├─ archive                       aws.s3.BucketVersioning
│  ├─ archive                       aws.secretsmanager.Secret
│  ├─ archive                       aws.secretsmanager.SecretVersion
│  ├─ organization/fixture/network  StackReference                    ○
│  └─ archive                       random.RandomPassword               length 32
└─ orders (3)
   ├─ orders                        aws.kms.Key                       ◆
   ├─ dead-letters                  aws.sqs.Queue
   └─ orders                        aws.sqs.Queue

8 aws, 1 random
◆ 2 protected from deletion  ○ 1 only read
This is what the program asks for, worked out offline. It was not compared with what is deployed,
and no cloud was asked whether it would agree: pulumi preview does both.`,
    );
  });

  it("fits into the width of the terminal", () => {
    const long = planOf(
      planned({ type: "kubernetes:networking.k8s.io/v1:NetworkPolicy", name: "n".repeat(90), protect: true }),
      planned({ type: "azure-native:network:VirtualNetwork", name: "v", inputs: { location: "x".repeat(70) } }),
    );
    for (const width of [80, 100, 120]) {
      for (const each of [plan, long]) {
        const lines = treeText(each, { width, style: plainStyle }).split("\n");
        assert.deepEqual(
          lines.filter((line) => line.length > width),
          [],
        );
      }
    }
  });

  it("is the same text with colours", () => {
    const look = { width: 100, style: plainStyle };
    const style: typeof plainStyle = (format, text) => styleText(format, text, { validateStream: false });
    const coloured = treeText(plan, { ...look, style });
    assert.notEqual(coloured, treeText(plan, look));
    assert.equal(stripVTControlCharacters(coloured), treeText(plan, look));
  });

  it("passes on what the program warned of", () => {
    const text = treeText(
      { ...plan, messages: [{ severity: "warning", text: "mind the gap" }] },
      { width: 80, style: plainStyle },
    );
    assert.match(text, /\nwarning: mind the gap\n/);
  });
});

describe("short forms", () => {
  it("of types are those of code", () => {
    assert.equal(shortType("aws:ec2/subnet:Subnet"), "aws.ec2.Subnet");
    assert.equal(shortType("azure-native:network:VirtualNetwork"), "azure.network.VirtualNetwork");
    assert.equal(shortType("kubernetes:networking.k8s.io/v1:NetworkPolicy"), "k8s.networking.NetworkPolicy");
    assert.equal(shortType("cloudflare:index/dnsRecord:DnsRecord"), "cloudflare.DnsRecord");
    assert.equal(shortType("pulumi:providers:kubernetes"), "k8s provider");
  });

  it("of values give away no secret", () => {
    assert.equal(shortValue({ user: "skykv", password: new Secret("hunter2") }), "{user: skykv, password: (secret)}");
    assert.equal(shortValue([1, true, Unknown.value, null]), "[1, true, (known after up), null]");
  });
});
