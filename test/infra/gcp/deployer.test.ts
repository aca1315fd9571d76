import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { facts } from "../../../infra/plan/providers/gcp.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks, repositoryFile, run } from "../support/sdks.ts";
import { providerCalls } from "./fixtures/provider-calls.ts";

type Role = {
  readonly title: string;
  readonly description: string;
  readonly stage: string;
  readonly includedPermissions: readonly string[];
};
type Condition = { readonly title: string; readonly description: string; readonly expression: string };

/** What IAM takes: https://cloud.google.com/iam/docs/creating-custom-roles. */
const longestTitle = 100;
const longestDescription = 300;
const mostPermissions = 3000;
/** Of values in a condition. */
const longestList = 10;

const folder = repositoryFile("docs/infra/gcp-deployer");
const conditional = "-condition.json";
const files = readdirSync(folder).map((file) => [file, readFileSync(`${folder}/${file}`, "utf8")] as const);
const roles = new Map(
  files
    .filter(([file]) => !file.endsWith(conditional))
    .map(([file, text]) => [file.replace(".json", ""), JSON.parse(text) as Role]),
);
const conditions = new Map(
  files
    .filter(([file]) => file.endsWith(conditional))
    .map(([file, text]) => [file.replace(conditional, ""), JSON.parse(text) as Condition]),
);

describe("rights of the deployer on Google Cloud", function () {
  this.timeout(600_000);
  const permissionsOf = (names: readonly string[]) =>
    new Set(names.flatMap((name) => roles.get(name)!.includedPermissions));
  /** All roles of the cloud's own stack. `trust` is for that of the stack `global`. */
  const platform = () => [...roles.keys()].filter((name) => name !== "trust");

  it("fit what IAM takes as roles of a project", () => {
    for (const [name, { title, description, stage, includedPermissions }] of roles) {
      assert.ok(title.length <= longestTitle, name);
      assert.ok(description.length <= longestDescription, name);
      assert.equal(stage, "GA");
      assert.ok(includedPermissions.length <= mostPermissions, name);
    }
  });

  it("are permissions that are named one by one, each in one role", () => {
    for (const { includedPermissions } of roles.values()) {
      for (const permission of includedPermissions) assert.match(permission, /^[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+$/);
    }
    const all = platform().flatMap((name) => roles.get(name)!.includedPermissions);
    assert.equal(new Set(all).size, all.length);
  });

  it("are changed for others by two roles alone, each with a condition", () => {
    const granting = [...roles].filter(([, { includedPermissions }]) =>
      includedPermissions.some((permission) => permission.endsWith(".setIamPolicy")),
    );
    const names = granting.map(([name]) => name).sort();
    assert.deepEqual(names, ["grants", "trust"]);
    assert.deepEqual([...conditions.keys()].sort(), names);
    // Whoever could change a role that may be granted, or be another account, would not be bound by a condition.
    const all = [...roles.values()].flatMap(({ includedPermissions }) => includedPermissions);
    assert.deepEqual(
      all.filter((permission) => /^iam\.(roles|serviceAccountKeys)\.|getAccessToken|signJwt|signBlob/.test(permission)),
      [],
    );
  });

  it("delete what holds data by one role alone, which can be left out, and all else without it", () => {
    const withoutDeletion = permissionsOf([...roles.keys()].filter((name) => name !== "deletion"));
    for (const [type, { remove }] of Object.entries(providerCalls)) {
      const stateful = facts.resources[type]?.stateful === true;
      for (const permission of remove) {
        assert.equal(withoutDeletion.has(permission), !stateful, `${type} ${permission}`);
      }
    }
  });

  describe("for each plan", () => {
    const plans: Plan[] = [];
    let global: Plan;

    before(async function () {
      needsSdks(this);
      for (const config of [
        { profile: "small" },
        { profile: "standard" },
        { profile: "large", queue: "pubsub" },
        { cluster: { mode: "managed-nodes" } },
        { ingress: { mode: "tunnel" } },
        { alarms: { email: "oncall@example.com" } },
      ]) {
        plans.push(await run({ stack: "gcp", mode: "up", config }));
      }
      const github = { subject: "repo:acme/skykv", ownerId: "1111", repositoryId: "2222", environment: "production" };
      global = await run({ stack: "global", mode: "up", config: { github } });
    });

    it("have all that its resources need, and nothing that none needs", () => {
      assert.deepEqual([...permissionsOf(platform())].sort(), needs(typesOf(plans)));
    });

    it("have what the stack global needs, by one role", () => {
      assert.deepEqual([...permissionsOf(["trust"])].sort(), needs(typesOf([global])));
    });

    it("are known for the types of resources that there are, and no others", () => {
      assert.deepEqual(typesOf([...plans, global]), Object.keys(providerCalls).sort());
    });

    it("let others be given what the program gives, and nothing else", () => {
      assert.deepEqual(allowedBy(conditions.get("trust")!), granted([global]));
      assert.deepEqual(allowedBy(conditions.get("grants")!), granted(plans));
    });
  });
});

/** Types whose provider calls Google Cloud, or the cluster as somebody whom Google Cloud lets in. */
function typesOf(plans: readonly Plan[]): string[] {
  const calling = /^(gcp|kubernetes|docker-build):|^pulumi:providers:(gcp|kubernetes)$/;
  const types = plans.flatMap(({ resources }) => resources).map(({ type }) => type);
  return [...new Set(types)].filter((type) => calling.test(type)).sort();
}

function needs(types: readonly string[]): string[] {
  const calls = types.flatMap((type) => providerCalls[type] ?? []);
  return [...new Set(calls.flatMap(({ keep, remove }) => [...keep, ...remove]))].sort();
}

function granted(plans: readonly Plan[]): string[] {
  const members = plans
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => /^gcp:.*iamMember$/i.test(type))
    .map(({ inputs }) => inputs.role as string);
  return [...new Set(members)].sort();
}

/** The roles of each list in it: one request changes grants of one list alone. */
function allowedBy({ expression }: Condition): string[] {
  const form = /^api\.getAttribute\('iam\.googleapis\.com\/modifiedGrantsByRole', \[\]\)\.hasOnly\(\[(.*)\]\)$/;
  const lists = expression.split(" || ").map((part) => form.exec(part)![1]!.split(", "));
  for (const list of lists) assert.ok(list.length <= longestList);
  return lists
    .flat()
    .map((role) => role.replaceAll("'", ""))
    .sort();
}
