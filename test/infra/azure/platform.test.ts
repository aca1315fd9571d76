import assert from "node:assert/strict";
import { profiles } from "../../../infra/config/shared.ts";
import { factsOf, providerTables } from "../../../infra/plan/providers/index.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "../support/checks/names.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { everyResourceDescendsFromTheRoot } from "../support/checks/parents.ts";
import { statefulResourcesAreProtected } from "../support/checks/protection.ts";
import { noSecretIsPlain } from "../support/checks/secrets.ts";
import { everythingIsTagged } from "../support/checks/tags.ts";
import { needsSdks } from "../support/sdks.ts";
import { all, inputsOf, outputsOf, runPlatform, runs } from "./fixtures/run.ts";

describe("the platform on Azure", function () {
  this.timeout(runs);
  before(function () {
    needsSdks(this);
  });

  for (const profile of profiles) {
    for (const mode of ["preview", "up"] as const) {
      it(`of the profile ${profile} keeps the rules of every platform in ${mode}`, async () => {
        const plan = await runPlatform({ profile }, mode);
        everyResourceDescendsFromTheRoot(plan);
        noSecretIsPlain(plan);
        await everythingIsTagged(plan);
        await physicalNamesFit(plan);
        await physicalNamesAreUnique(plan);
        if (profile === "small") assert.ok(plan.resources.every(({ protect }) => !protect));
        else await statefulResourcesAreProtected(plan);
      });
    }
  }

  describe("in the profile standard, with a queue of the cloud", () => {
    let plan: Plan;
    before(async () => {
      plan = await runPlatform({ queue: "servicebus" });
    });

    const comesAfter = (later: string, ...earlier: string[]) => {
      for (const each of earlier) mustComeAfter(plan, `azure-native:${later}`, `azure-native:${each}`);
    };

    it("encrypts nothing before the service may use its key", () => {
      const right = "authorization:RoleAssignment";
      comesAfter("dbforpostgresql:Server", `${right} database-uses-key`, `${right} database-backup-uses-key`);
      comesAfter("redisenterprise:RedisEnterprise", `${right} cache-uses-key`);
      comesAfter("servicebus:Namespace", `${right} queue-uses-key`);
      comesAfter("storage:StorageAccount blobs", `${right} blobs-uses-key`);
      comesAfter("storage:StorageAccount backups", `${right} backups-uses-key`);
      comesAfter("storage:StorageAccount flows", `${right} flows-uses-key`);
      comesAfter("containerregistry:Registry", `${right} registry-uses-key`);
      comesAfter(
        "containerservice:ManagedCluster",
        `${right} disks-key`,
        `${right} cluster-key`,
        `${right} cluster-vault`,
      );
    });

    it("makes the database after its names are known in the network, and the cluster after its rights there", () => {
      comesAfter("dbforpostgresql:Server", "privatedns:VirtualNetworkLink database", "network:Subnet database");
      comesAfter("containerservice:ManagedCluster", "authorization:RoleAssignment cluster-network");
      comesAfter("network:FlowLog", "authorization:RoleAssignment flows-writer");
      comesAfter("storage:BlobContainer backups", "storage:BlobServiceProperties backups");
    });

    it("changes one thing at a time where Azure refuses more", () => {
      for (const type of ["network:Subnet", "redisenterprise:AccessPolicyAssignment"]) oneAfterAnother(type);
      oneAfterAnother("dbforpostgresql:Configuration", "dbforpostgresql:Database", "dbforpostgresql:Administrator");
    });

    const oneAfterAnother = (...types: string[]) => {
      const chain = types.flatMap((type) => all(plan, type));
      const urns = new Set(chain.map(({ urn }) => urn));
      const firsts = chain.filter(({ dependencies }) => !dependencies.some((urn) => urns.has(urn)));
      assert.deepEqual(firsts.length, 1, `${firsts.map(({ name }) => name)} begin at once`);
      const followed = chain.flatMap(({ dependencies }) => dependencies.filter((urn) => urns.has(urn)));
      assert.equal(new Set(followed).size, followed.length, "two wait for the same one");
    };

    it("makes names up that each service accepts", async () => {
      for (const { type, name, inputs } of plan.resources) {
        const rule = (await factsOf(providerTables, type))?.physicalName;
        if (!type.startsWith("azure-native:") || rule === undefined || inputs[rule.input] !== undefined) continue;
        assert.match(`${name}0a1b2c3d`, rule.pattern, type);
      }
    });

    it("gives each component what it needs, on the queue and the container themselves", () => {
      const rights = (identity: string) => {
        const principal = outputsOf(plan).identities[identity].cacheUser;
        return all(plan, "authorization:RoleAssignment")
          .filter(({ inputs }) => inputs.principalId === principal)
          .map(({ inputs }) => `${inputs.roleDefinitionId}`.split("/").at(-1));
      };
      const [blobs, sends, receives] = [
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
        "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
      ];
      assert.deepEqual(rights("api"), [blobs, sends]);
      assert.deepEqual(rights("replicator"), [blobs, receives, sends]);
      assert.deepEqual(rights("migration"), []);
      for (const { inputs } of all(plan, "authorization:RoleAssignment")) {
        assert.notEqual(inputs.scope, "/subscriptions/00000000-1111-4222-8333-444444444444");
        assert.ok(["ServicePrincipal", "Group"].includes(String(inputs.principalType)));
      }
    });

    it("takes no password, no shared key and no way in from outside", () => {
      assert.equal(inputsOf(plan, "dbforpostgresql:Server").authConfig.passwordAuth, "Disabled");
      assert.equal(inputsOf(plan, "redisenterprise:Database").accessKeysAuthentication, "Disabled");
      assert.equal(inputsOf(plan, "servicebus:Namespace").disableLocalAuth, true);
      assert.equal(inputsOf(plan, "containerregistry:Registry").adminUserEnabled, false);
      for (const { name, inputs } of all(plan, "storage:StorageAccount")) {
        assert.equal(inputs.allowSharedKeyAccess, false);
        assert.equal(inputs.publicNetworkAccess, name === "backups" ? "Enabled" : "Disabled");
      }
      for (const type of ["redisenterprise:RedisEnterprise", "servicebus:Namespace", "containerregistry:Registry"]) {
        assert.equal(inputsOf(plan, type).publicNetworkAccess, "Disabled", type);
      }
    });

    it("lets the other clouds in to the backups alone, and lets nobody change them", () => {
      const { networkRuleSet } = inputsOf(plan, "storage:StorageAccount", "backups");
      assert.equal(networkRuleSet.defaultAction, "Deny");
      assert.deepEqual(
        networkRuleSet.ipRules.map((rule: { iPAddressOrRange: string }) => rule.iPAddressOrRange),
        ["203.0.113.10", "203.0.113.20"],
      );
      assert.equal(inputsOf(plan, "storage:BlobContainer", "backups").immutableStorageWithVersioning.enabled, true);
      assert.match(outputsOf(plan).backups, /storageAccounts\/backups\w+\/blobServices\/default\/containers\/backups$/);
    });

    it("says of AKS Automatic nothing that it refuses", () => {
      const { sku, agentPoolProfiles, networkProfile, ...rest } = inputsOf(plan, "containerservice:ManagedCluster");
      assert.deepEqual(sku, { name: "Automatic", tier: "Standard" });
      assert.deepEqual(Object.keys(agentPoolProfiles[0]).sort(), ["count", "mode", "name", "vnetSubnetID"]);
      assert.deepEqual(Object.keys(networkProfile).sort(), ["dnsServiceIP", "outboundType", "podCidr", "serviceCidr"]);
      for (const refused of ["disableLocalAccounts", "dnsPrefix", "enableRBAC", "autoScalerProfile"]) {
        assert.ok(!(refused in rest), refused);
      }
    });

    it("tells the workload all that it must carry", () => {
      const { identities, scaler, store, ingress, queue, database } = outputsOf(plan);
      assert.match(identities.api.annotations["azure.workload.identity/client-id"], /^[0-9a-f-]{36}$/);
      assert.equal(identities.api.podLabels["azure.workload.identity/use"], "true");
      assert.match(identities.api.databaseUser, /^api[0-9a-f]{8}$/);
      assert.equal(scaler.managed, true);
      assert.match(scaler.clientId, /^[0-9a-f-]{36}$/);
      assert.equal(store.provider.azurekv.authType, "WorkloadIdentity");
      assert.deepEqual(store.keys, { "admin-key": "admin-key", "peer-key": "peer-key" });
      assert.match(ingress.api.annotations["service.beta.kubernetes.io/azure-pip-name"], /^api/);
      assert.equal(queue.queue, "hints");
      assert.match(database.host, /\.postgres\.database\.azure\.com$/);
    });
  });
});
