import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { facts } from "../../../infra/plan/providers/azure-native.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks, repositoryFile, run } from "../support/sdks.ts";
import { inVaults, providerCalls } from "./fixtures/provider-calls.ts";
import { clusterWith } from "./fixtures/run.ts";

type Role = {
  readonly Name: string;
  readonly AssignableScopes: readonly string[];
  readonly Actions: readonly string[];
  readonly NotActions: readonly string[];
  readonly DataActions: readonly string[];
  readonly NotDataActions: readonly string[];
};

/** Characters that Azure takes as a condition. */
const longestCondition = 8 * 1024;

const folder = repositoryFile("docs/infra/azure-deployer");
const read = (file: string) => readFileSync(`${folder}/${file}`, "utf8");
const filesOf = (end: string) => readdirSync(folder).filter((file) => file.endsWith(end));
const roles = new Map(filesOf(".json").map((file) => [file.replace(".json", ""), JSON.parse(read(file)) as Role]));
const conditions = new Map(
  filesOf("-condition.txt").map((file) => [file.replace("-condition.txt", ""), read(file)] as const),
);

/** Of the whole platform; `trust` is for the stack `global`. */
const platform = [...roles.keys()].filter((name) => name !== "trust");
const actionsOf = (...names: string[]) =>
  names.flatMap((name) => [...roles.get(name)!.Actions, ...roles.get(name)!.DataActions]);

/** What holds data, and what keeps it: a group goes with all that is in it. */
const endsData = (type: string) =>
  facts.resources[type]?.stateful === true ||
  [
    "azure-native:resources:ResourceGroup",
    "azure-native:authorization:ManagementLockByScope",
    "azure-native:storage:BlobContainerImmutabilityPolicy",
  ].includes(type);

describe("rights of the deployer on Azure", function () {
  this.timeout(600_000);

  it("are actions that are named one by one, each in one role of one subscription", () => {
    for (const [name, role] of roles) {
      assert.equal(role.Name, `SkyKV deployer: ${name}`);
      assert.deepEqual(role.AssignableScopes, ["/subscriptions/SUBSCRIPTION_ID"]);
      assert.deepEqual([role.NotActions, role.NotDataActions], [[], []]);
      for (const action of actionsOf(name)) {
        assert.match(action, /^Microsoft\.[A-Za-z]+(\/[A-Za-z]+)+\/(read|write|delete|action)$/);
      }
    }
    const all = actionsOf(...platform);
    assert.equal(new Set(all).size, all.length);
  });

  it("read no secret, no key of an account and no data", () => {
    const data = [...roles.values()].flatMap(({ DataActions }) => DataActions);
    assert.deepEqual(data.sort(), [...inVaults].sort());
    const handsOut = /list(Account|Service)?(Keys|Sas|ClusterAdminCredential)|getSecret|regenerate/i;
    assert.deepEqual(
      actionsOf(...roles.keys()).filter((action) => handsOut.test(action)),
      [],
    );
  });

  it("are given to others by two roles alone, each with a condition that Azure takes", () => {
    const granting = [...roles.keys()].filter((name) =>
      actionsOf(name).includes("Microsoft.Authorization/roleAssignments/write"),
    );
    assert.deepEqual(granting.sort(), ["grants", "trust"]);
    assert.deepEqual([...conditions.keys()].sort(), granting);
    for (const condition of conditions.values()) {
      assert.ok(condition.length <= longestCondition);
      for (const action of ["write", "delete"]) {
        assert.ok(condition.includes(`!(ActionMatches{'Microsoft.Authorization/roleAssignments/${action}'})`));
      }
    }
  });

  it("delete what holds data or protects it by one role alone, and all else without it", () => {
    const withoutDeletion = new Set(actionsOf(...[...roles.keys()].filter((name) => name !== "deletion")));
    for (const [type, { remove }] of Object.entries(providerCalls)) {
      for (const action of remove) assert.equal(withoutDeletion.has(action), !endsData(type), `${type} ${action}`);
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
        { profile: "large", queue: "servicebus" },
        { cluster: clusterWith({ mode: "managed-nodes" }) },
        { ingress: { mode: "tunnel" } },
        { alarms: { email: "oncall@example.com" } },
      ]) {
        plans.push(await run({ stack: "azure", mode: "up", config }));
      }
      const github = { subject: "repo:acme/skykv", ownerId: "1111", repositoryId: "2222", environment: "production" };
      global = await run({ stack: "global", mode: "up", config: { github } });
    });

    it("have all that its resources need, and nothing that none needs", () => {
      assert.deepEqual(actionsOf(...platform).sort(), needs(typesOf(plans)));
    });

    it("have what the stack global needs by one role, which deletes no resource group", () => {
      const needed = needs(typesOf([global]));
      const group = "Microsoft.Resources/subscriptions/resourceGroups/delete";
      assert.deepEqual([...actionsOf("trust"), group].sort(), needed);
    });

    it("are known for the types of resources that there are, and no others", () => {
      assert.deepEqual(typesOf([...plans, global]), Object.keys(providerCalls).sort());
    });

    it("let identities and the administrators' group be given what the program gives, and nothing else", () => {
      const toIdentities = granted(plans, "ServicePrincipal");
      const toGroup = granted(plans, "Group");
      const lists = guidLists(conditions.get("grants")!, "GuidEquals");
      // First what may be given, then what may be taken.
      assert.deepEqual(lists, [toIdentities, toGroup, toIdentities, toGroup]);
    });

    it("let the stack global give nothing to people, and to nobody the right to give rights", () => {
      assert.deepEqual(granted([global], "Group"), []);
      const [refused, ...others] = guidLists(conditions.get("trust")!, "GuidNotEquals");
      assert.deepEqual(others, [refused]);
      for (const role of granted([global], "ServicePrincipal")) assert.ok(!refused!.includes(role));
    });
  });
});

/** Types whose provider calls Azure. */
function typesOf(plans: readonly Plan[]): string[] {
  const types = plans.flatMap(({ resources }) => resources).map(({ type }) => type);
  return [...new Set(types)].filter((type) => /^(azure-native|docker-build):/.test(type)).sort();
}

function needs(types: readonly string[]): string[] {
  const calls = types.flatMap((type) => providerCalls[type] ?? []);
  return [...new Set(calls.flatMap(({ keep, remove }) => [...keep, ...remove]))].sort();
}

/** Ids of the roles that principals of a kind are given. */
function granted(plans: readonly Plan[], principalType: string): string[] {
  const assignments = plans
    .flatMap(({ resources }) => resources)
    .filter(({ type, inputs }) => type.endsWith(":RoleAssignment") && inputs.principalType === principalType);
  return [...new Set(assignments.map(({ inputs }) => (inputs.roleDefinitionId as string).split("/").at(-1)!))].sort();
}

/** The lists of role ids in a condition, in its order. */
function guidLists(condition: string, operator: string): string[][] {
  const form = new RegExp(`RoleDefinitionId\\] \\w+:${operator} \\{([^}]*)\\}`, "g");
  return [...condition.matchAll(form)].map(([, list]) => list!.split(", ").sort());
}
