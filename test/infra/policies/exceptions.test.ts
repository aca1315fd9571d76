import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pack } from "../../../infra/plan/policy/pack.ts";
import type { PlannedResource } from "../../../infra/plan/resource.ts";
import { withExceptions } from "../../../infra/policies/exceptions.ts";
import { planned } from "../support/plans.ts";
import { needsSdks, repositoryFile } from "../support/sdks.ts";

const urn = "urn:pulumi:aws::skykv::skykv:aws:Queue$aws:sqs/queue:Queue::dead";
const exception = { resource: "aws:sqs/queue:Queue::dead", reason: "It is emptied by hand", until: "2027-03-31" };

describe("an exception from a policy", () => {
  it("holds until its last day, that day included", () => {
    assert.equal(withExceptions("no key", urn, [exception], "2027-03-31"), null);
  });

  it("is over on the day after, and the problem says so", () => {
    const problem = withExceptions("no key", urn, [exception], "2027-04-01");
    assert.equal(problem, "no key. The exception for it ended on 2027-03-31");
  });

  it("is for no resource whose name or type only ends alike", () => {
    for (const other of ["aws:sqs/queue:Queue::ad", "other:aws:sqs/queue:Queue::dead2"]) {
      assert.equal(withExceptions("no key", urn, [{ ...exception, resource: other }], "2027-01-01"), "no key");
    }
  });
});

describe("a file of levels", function () {
  this.timeout(60_000);
  let folder: string;
  let pack: Pack;
  let rulesThatFail: (levels: unknown, resource?: PlannedResource) => Promise<readonly string[]>;
  const queue = planned({ type: "aws:sqs/queue:Queue", name: "dead", inputs: { messageRetentionSeconds: 86_400 } });

  before(async function () {
    needsSdks(this);
    const { startPack } = await import("../../../infra/plan/policy/pack.ts");
    const { configure, judgeResource } = await import("../../../infra/plan/policy/judge.ts");
    folder = await mkdtemp(join(tmpdir(), "skykv-test-"));
    pack = await startPack();
    rulesThatFail = async (levels, resource = queue) => {
      const file = join(folder, "levels.json");
      await writeFile(file, typeof levels === "string" ? levels : JSON.stringify(levels));
      await configure(pack, file);
      return (await judgeResource(pack, resource)).map(({ rule, level }) => `${rule} ${level}`);
    };
  });
  after(async () => {
    await pack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("excepts a resource, and no other rule of it", async () => {
    const far = { ...exception, until: "2999-12-31" };
    const failing = await rulesThatFail({ all: "mandatory", "aws-sqs-customer-key": { exceptions: [far] } });
    assert.ok(!failing.includes("aws-sqs-customer-key mandatory"));
    assert.ok(failing.includes("all-tags mandatory"));
  });

  it("no longer excepts it when the day is over", async () => {
    const failing = await rulesThatFail({
      "aws-sqs-customer-key": { exceptions: [{ ...exception, until: "2020-01-01" }] },
    });
    assert.ok(failing.includes("aws-sqs-customer-key mandatory"));
  });

  it("leaves a rule that it does not name mandatory", async () => {
    assert.ok((await rulesThatFail({})).includes("aws-sqs-customer-key mandatory"));
  });

  it("is refused with a rule that there is not, an exception without an end, or no JSON", async () => {
    await assert.rejects(rulesThatFail({ "aws-sqs-key": "mandatory" }), /levels\.json: there is no rule aws-sqs-key/);
    const { until: _, ...endless } = exception;
    await assert.rejects(
      rulesThatFail({ "aws-sqs-customer-key": { exceptions: [endless] } }),
      /levels\.json: aws-sqs-customer-key/,
    );
    await assert.rejects(rulesThatFail("{"), /levels\.json: .*JSON/);
  });

  it("has a policy set the one value that will do, and then find nothing wrong", async () => {
    const open = {
      type: "aws:rds/clusterInstance:ClusterInstance",
      name: "open",
      inputs: { publiclyAccessible: true },
    };
    const nested = {
      type: "aws:eks/cluster:Cluster",
      name: "nested",
      inputs: { accessConfig: { authenticationMode: "API" } },
    };
    assert.deepEqual(await rulesThatFail({ all: "disabled", "aws-rds-private": "remediate" }, planned(open)), [
      "aws-rds-private remediated",
    ]);
    assert.deepEqual(await rulesThatFail({ all: "disabled", "aws-eks-entries-only": "remediate" }, planned(nested)), [
      "aws-eks-entries-only remediated",
    ]);
  });

  it("leaves a policy mandatory that cannot set anything", async () => {
    const failing = await rulesThatFail({ all: "disabled", "aws-sqs-customer-key": "remediate" });
    assert.deepEqual(failing, ["aws-sqs-customer-key mandatory"]);
  });

  it("is there for production, and for what is small", async () => {
    const { configure } = await import("../../../infra/plan/policy/judge.ts");
    for (const name of ["production", "small"]) await configure(pack, repositoryFile(`infra/policies/${name}.json`));
  });
});
