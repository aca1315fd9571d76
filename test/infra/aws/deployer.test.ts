import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { Statement } from "../../../infra/aws/policy.ts";
import { facts } from "../../../infra/plan/providers/aws.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks, repositoryFile, run } from "../support/sdks.ts";
import { providerCalls } from "./fixtures/provider-calls.ts";

/** What IAM takes as one policy, without blanks. */
const longestPolicy = 6144;
/** What IAM attaches to a role unless asked for more. */
const mostPolicies = 10;

const folder = repositoryFile("docs/infra/aws-deployer");
const policies = new Map(
  readdirSync(folder).map((file) => {
    // Of the plan, but for the length: there a region with a long name counts.
    const text = readFileSync(`${folder}/${file}`, "utf8").replaceAll("ACCOUNT_ID", "111122223333");
    const parsed = JSON.parse(text.replaceAll("REGION", "us-east-1")) as { Version: string; Statement: Statement[] };
    return [file.replace(".json", ""), { text: text.replaceAll("REGION", "ap-northeast-1"), ...parsed }] as const;
  }),
);
const list = <T>(value: T | readonly T[] | undefined) => (value === undefined ? [] : ([value].flat() as T[]));
const all = [...policies.values()].flatMap(({ Statement }) => Statement);
const trust = policies.get("trust")!.Statement;
/** Of the cloud's own stack; `trust` is for the stack `global`. */
const platform = [...policies].flatMap(([name, { Statement }]) => (name === "trust" ? [] : Statement));
const kept = [...policies].flatMap(([name, { Statement }]) => (name === "deletion" ? [] : Statement));
const actionsOf = (statements: readonly Statement[]) => new Set(statements.flatMap(({ Action }) => list(Action)));

describe("rights of the deployer on AWS", () => {
  it("fit what IAM takes", () => {
    assert.ok(policies.size <= mostPolicies);
    for (const [name, { text, Version }] of policies) {
      assert.equal(Version, "2012-10-17", name);
      assert.ok(text.replaceAll(/\s/g, "").length <= longestPolicy, name);
    }
  });

  it("allow actions that are named one by one, under Sids that are told apart", () => {
    for (const [name, { Statement }] of policies) {
      assert.equal(new Set(Statement.map(({ Sid }) => Sid)).size, Statement.length, name);
    }
    for (const { Action, Effect, Sid, ...rest } of all) {
      assert.equal(Effect, "Allow");
      for (const action of list(Action)) assert.match(action, /^[a-z0-9-]+:[A-Z][A-Za-z]+$/, Sid);
      assert.deepEqual(
        Object.keys(rest).filter((key) => !["Resource", "Condition"].includes(key)),
        [],
      );
    }
  });

  it("stay in the account, and in the region, or say what they are bound to", () => {
    for (const { Condition, Resource, Sid } of all) {
      for (const resource of list(Resource)) {
        if (resource === "*") assert.equal(Condition?.StringEquals?.["aws:RequestedRegion"], "us-east-1", Sid);
        else
          assert.match(
            resource,
            /^arn:aws:(s3:::|iam::111122223333:(role|oidc-provider)\/|[a-z0-9]+:us-east-1:(111122223333)?:)/,
          );
      }
    }
  });

  it("give roles to services that are named", () => {
    for (const { Action, Condition, Sid } of all.filter(({ Action }) => list(Action).includes("iam:PassRole"))) {
      assert.equal(Action, "iam:PassRole", Sid);
      for (const service of list(Condition!.StringEquals!["iam:PassedToService"])) {
        assert.match(service, /^(eks|ec2|pods\.eks)\.amazonaws\.com$/);
      }
    }
  });

  it("delete what holds data by one policy alone, which can be left out, and all else without it", () => {
    const withoutDeletion = actionsOf(kept);
    for (const [type, { remove }] of Object.entries(providerCalls)) {
      const stateful = facts.resources[type]?.stateful === true;
      for (const action of remove) assert.equal(withoutDeletion.has(action), !stateful, `${type} ${action}`);
    }
  });

  describe("for each plan", function () {
    this.timeout(600_000);
    const plans: Plan[] = [];
    let global: Plan;

    before(async function () {
      needsSdks(this);
      const administrators = ["arn:aws:iam::111122223333:role/skykv-deployer"];
      for (const config of [
        { profile: "small" },
        { profile: "standard" },
        { profile: "large", queue: "sqs" },
        { queue: "rabbitmq" },
        { cluster: { administrators, mode: "managed-nodes" } },
        { ingress: { mode: "tunnel" } },
        { alarms: { email: "oncall@example.com" } },
      ]) {
        plans.push(await run({ stack: "aws", mode: "up", config }));
      }
      const github = { subject: "repo:acme/skykv", ownerId: "1111", repositoryId: "2222", environment: "production" };
      global = await run({ stack: "global", mode: "up", config: { github } });
    });

    const inAws = ({ resources }: Plan) =>
      resources.filter(({ type }) => type.startsWith("aws:") || type === "docker-build:index:Image");

    it("have all that its resources need, and nothing that none needs", () => {
      assert.deepEqual([...actionsOf(platform)].sort(), needs(plans.flatMap(inAws)));
    });

    it("have what the stack global needs, by one policy", () => {
      assert.deepEqual([...actionsOf(trust)].sort(), needs(inAws(global)));
    });

    it("are known for the types of resources that there are, and no others", () => {
      const types = new Set([...plans, global].flatMap(inAws).map(({ type }) => type));
      assert.deepEqual([...types].sort(), Object.keys(providerCalls).sort());
    });

    it("reach each resource by the name that it gets", () => {
      const named = [...plans, global].flatMap(inAws).flatMap(({ type, name, inputs }) => {
        const arn = facts.resources[type]?.outputs?.(inputs, name).arn;
        return typeof arn === "string" ? [{ action: providerCalls[type]!.keep[0]!, arn }] : [];
      });
      assert.ok(named.length > 100);
      assert.deepEqual(
        named.filter(({ action, arn }) => !reaches(action, arn)),
        [],
      );
    });
  });
});

function needs(resources: Plan["resources"]): string[] {
  const types = new Set(resources.map(({ type }) => type));
  const calls = [...types].flatMap((type) => providerCalls[type] ?? []);
  return [...new Set(calls.flatMap(({ keep, remove }) => [...keep, ...remove]))].sort();
}

function reaches(action: string, arn: string): boolean {
  return kept.some(
    ({ Action, Resource }) =>
      list(Action).includes(action) && list(Resource).some((pattern) => asExpression(pattern).test(arn)),
  );
}

function asExpression(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll(/[.$()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
}
