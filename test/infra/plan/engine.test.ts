import assert from "node:assert/strict";
import { PlanError } from "../../../infra/plan/engine/error.ts";
import { type Plan, Secret, Unknown } from "../../../infra/plan/resource.ts";
import { needsSdks } from "../support/sdks.ts";
import { find, runFixture } from "./fixtures/run.ts";

const queue = "aws:sqs/queue:Queue";
const bucket = "aws:s3/bucket:Bucket";
const secretVersion = "aws:secretsmanager/secretVersion:SecretVersion";

describe("the engine of the plan", () => {
  before(function () {
    needsSdks(this);
  });

  describe("in a preview", () => {
    let plan: Plan;
    before(async () => {
      plan = await runFixture("shop");
    });

    it("notes every resource with its URN, parent and options", () => {
      const orders = find(plan, "fixture:aws:Orders", "orders");
      const { inputs: _, ...key } = find(plan, "aws:kms/key:Key", "orders");
      assert.deepEqual(key, {
        urn: "urn:pulumi:shop::fixture::fixture:index:Shop$fixture:aws:Orders$aws:kms/key:Key::orders",
        type: "aws:kms/key:Key",
        name: "orders",
        parent: orders.urn,
        custom: true,
        external: false,
        dependencies: [],
        propertyDependencies: {},
        protect: true,
        retainOnDelete: false,
        ignoreChanges: [],
        replaceOnChanges: [],
        deleteBeforeReplace: false,
        provider: "",
      });
    });

    it("knows inputs, and no output of the cloud", () => {
      const { inputs } = find(plan, queue, "orders");
      assert.equal(inputs.messageRetentionSeconds, 4 * 86_400);
      assert.equal(inputs.kmsMasterKeyId, Unknown.value);
      assert.equal(inputs.redrivePolicy, Unknown.value, "a text that is made of an output");
    });

    it("knows the answers of calls and the example outputs of other stacks", () => {
      assert.equal(find(plan, bucket, "archive").inputs.bucket, "archive-123456789012");
      const { inputs } = find(plan, "aws:ec2/securityGroup:SecurityGroup", "archive");
      assert.equal(inputs.vpcId, "vpc-0123456789abcdef0");
    });

    it("keeps secrets secret", () => {
      assert.ok(find(plan, secretVersion, "archive").inputs.secretString instanceof Secret);
    });

    it("says what each input comes from", () => {
      const { dependencies, propertyDependencies } = find(plan, queue, "orders");
      const [key, dead] = [find(plan, "aws:kms/key:Key", "orders").urn, find(plan, queue, "dead-letters").urn];
      assert.deepEqual(propertyDependencies, { kmsMasterKeyId: [key], redrivePolicy: [dead] });
      assert.deepEqual(dependencies, [key, dead]);
    });

    it("says what comes first, for a component all that is in it", () => {
      const { dependencies } = find(plan, bucket, "archive");
      const orders = plan.resources.filter(({ custom, urn }) => custom && urn.includes("fixture:aws:Orders$"));
      assert.deepEqual(dependencies, orders.map(({ urn }) => urn).sort());
    });

    it("tells what is only read from what is created", () => {
      const read = plan.resources.filter(({ external }) => external);
      assert.deepEqual(
        read.map(({ type, inputs }) => [type, inputs.id]),
        [["pulumi:pulumi:StackReference", "organization/fixture/network"]],
      );
    });

    it("has the stack's outputs", () => {
      assert.deepEqual(plan.outputs, { greeting: "We are open" });
    });

    it("is the same at every run, whatever order the program's requests come in", async () => {
      const again = await Promise.all([runFixture("shop"), runFixture("shop")]);
      assert.deepEqual(again, [plan, plan]);
    });
  });

  describe("in up", () => {
    let plan: Plan;
    before(async () => {
      plan = await runFixture("shop", { mode: "up" });
    });

    it("answers with the plausible outputs of the tables", () => {
      const { inputs } = find(plan, queue, "orders");
      assert.equal(inputs.kmsMasterKeyId, "key-orders");
      assert.equal(
        inputs.redrivePolicy,
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead-letters","maxReceiveCount":5}',
      );
    });

    it("cannot read the secrets of the configuration either", () => {
      const { secretString } = find(plan, secretVersion, "archive").inputs;
      assert.ok(secretString instanceof Secret);
      assert.equal(secretString.value, Unknown.value);
    });
  });

  it("gives the program neither credentials nor settings of the caller", async () => {
    process.env.AWS_SECRET_ACCESS_KEY = "not for the program";
    const { outputs } = await runFixture("curious").finally(() => delete process.env.AWS_SECRET_ACCESS_KEY);
    // Some systems add variables of their own to every process.
    const seen = (outputs.environment as string[]).filter((name) => !/^(PULUMI_|__)/.test(name));
    assert.deepEqual(seen, ["HOME", "NODE_COMPILE_CACHE", "PATH"]);
  });

  it("hands over the configuration, with objects and without secrets", async () => {
    const { outputs } = await runFixture("curious");
    assert.equal(outputs.owner, "shopkeepers");
    assert.equal(outputs.days, 4);
    assert.deepEqual(outputs.hasToken, new Secret(Unknown.value));
  });

  it("lets the caller replace keys of the configuration, and leave them out", async () => {
    const config = { owner: undefined, "fixture:retention": { days: 9 } };
    const { outputs } = await runFixture("curious", { config });
    assert.deepEqual([outputs.owner, outputs.days], [undefined, 9]);
  });

  it("knows nothing of other stacks when told so", async () => {
    const { outputs } = await runFixture("curious", { unknownReferences: true });
    assert.equal(outputs.network, Unknown.value);
    assert.equal((await runFixture("curious")).outputs.network, "vpc-0123456789abcdef0");
  });

  it("keeps what the program says", async () => {
    const { messages } = await runFixture("curious");
    assert.deepEqual(messages, [
      { severity: "warning", text: "this is only a test" },
      { severity: "info", text: "nothing to see here" },
    ]);
  });

  it("names every type and call that no table has, at once", async () => {
    await assert.rejects(runFixture("strange"), (error) => {
      assert.ok(error instanceof PlanError);
      assert.deepEqual(error.problems, [
        "nothing is known of the call aws:index/getAvailabilityZones:getAvailabilityZones: add it to infra/plan/providers/aws.ts",
        "nothing is known of the type aws:sns/topic:Topic: add it to infra/plan/providers/aws.ts",
        "nothing is known of the type random:index/randomPet:RandomPet: add it to infra/plan/providers/random.ts",
      ]);
      return true;
    });
  });

  it("refuses two resources with one URN", async () => {
    await assert.rejects(
      runFixture("twins"),
      /two resources have the URN urn:pulumi:shop::fixture::aws:sqs\/queue:Queue::twin:/,
    );
  });

  it("says of a program that ends itself no more than the program does", async () => {
    await assert.rejects(runFixture("failing"), {
      name: "PlanError",
      message: "expected fixture:owner to be somebody's name, found 42",
    });
  });

  it("says where a program is broken", async () => {
    await assert.rejects(runFixture("broken"), /TypeError: the program itself is wrong\n +at .*broken\.ts:1:7/);
  });

  it("names the stacks that there are", async () => {
    await assert.rejects(runFixture("shop", { stack: "bazaar" }), /expected a stack among shop, found bazaar/);
  });
});
