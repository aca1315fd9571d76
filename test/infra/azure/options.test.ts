import assert from "node:assert/strict";
import { compare } from "../../../infra/plan/compare/compare.ts";
import { providerTables } from "../../../infra/plan/providers/index.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks } from "../support/sdks.ts";
import { all, clusterWith, inputsOf, outputsOf, runPlatform, runs } from "./fixtures/run.ts";

const subscription = "/subscriptions/00000000-1111-4222-8333-444444444444";

describe("options of the platform on Azure", function () {
  this.timeout(5 * runs);
  before(function () {
    needsSdks(this);
  });

  it("take a key that is there for everything, and one of the paired region for its backups", async () => {
    const vault = (name: string) => `${subscription}/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/${name}`;
    const key = (name: string) => ({ vaultId: vault(name), keyUri: `https://${name}.vault.azure.net/keys/skykv` });
    const plan = await runPlatform({ key: { ...key("here"), paired: key("there") } });
    assert.deepEqual(all(plan, "keyvault:Key"), []);
    const { dataEncryption } = inputsOf(plan, "dbforpostgresql:Server");
    assert.equal(dataEncryption.primaryKeyURI, "https://here.vault.azure.net/keys/skykv");
    assert.equal(dataEncryption.geoBackupKeyURI, "https://there.vault.azure.net/keys/skykv");
    const { encryption } = inputsOf(plan, "redisenterprise:RedisEnterprise");
    assert.match(encryption.customerManagedKeyEncryption.keyEncryptionKeyUrl, /keys\/skykv\/[0-9a-f]{32}$/);
    assert.equal(inputsOf(plan, "storage:StorageAccount", "blobs").encryption.keyVaultProperties.keyName, "skykv");
  });

  it("refuse geo-redundant backups where there is no region or no key for them", async () => {
    await assert.rejects(runPlatform({ region: "polandcentral" }), /geoBackups: expected false: polandcentral/);
    const vaultId = `${subscription}/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/here`;
    const key = { vaultId, keyUri: "https://here.vault.azure.net/keys/skykv" };
    await assert.rejects(runPlatform({ key }), /key.paired: expected a key in centralus too/);
  });

  it("take a network that is there, and put nothing into it but endpoints and names", async () => {
    const subnet = (name: string) =>
      `${subscription}/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v/subnets/${name}`;
    const existing = {
      vnetId: `${subscription}/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v`,
      cidr: "10.0.0.0/16",
      nodesSubnetId: subnet("nodes"),
      apiServerSubnetId: subnet("api-server"),
      databaseSubnetId: subnet("database"),
      endpointsSubnetId: subnet("endpoints"),
      egressAddresses: ["203.0.113.30"],
    };
    const plan = await runPlatform({ network: { existing } });
    for (const type of ["VirtualNetwork", "Subnet", "NetworkSecurityGroup", "NatGateway", "FlowLog"]) {
      assert.deepEqual(all(plan, `network:${type}`), []);
    }
    assert.equal(inputsOf(plan, "dbforpostgresql:Server").network.delegatedSubnetResourceId, subnet("database"));
    for (const { inputs } of all(plan, "network:PrivateEndpoint")) {
      assert.equal((inputs.subnet as { id: string }).id, subnet("endpoints"));
    }
    assert.deepEqual(outputsOf(plan).egressAddresses, ["203.0.113.30"]);
  });

  it("run nodes of a chosen type where a region lacks AKS Automatic", async () => {
    const plan = await runPlatform({ cluster: clusterWith({ mode: "managed-nodes" }) });
    const cluster = inputsOf(plan, "containerservice:ManagedCluster");
    assert.deepEqual(cluster.sku, { name: "Base", tier: "Standard" });
    assert.equal(cluster.disableLocalAccounts, true);
    assert.equal(cluster.networkProfile.networkDataplane, "cilium");
    assert.equal(inputsOf(plan, "containerservice:AgentPool").vmSize, "Standard_D2ds_v5");
  });

  it("run a small platform's pods on the system pool, and pay for no control plane, where that is chosen", async () => {
    const cluster = clusterWith({ mode: "managed-nodes", nodes: { min: 0 } });
    const plan = await runPlatform({ profile: "small", cluster });
    assert.deepEqual(inputsOf(plan, "containerservice:ManagedCluster").sku, { name: "Base", tier: "Free" });
    assert.equal(inputsOf(plan, "containerservice:AgentPool").minCount, 0);
    await assert.rejects(
      runPlatform({ cluster: clusterWith({ nodes: { min: 0 } }) }),
      /skykv:cluster\.nodes\.min: expected 1 or more in mode automatic, whose system pool it is, found 0/,
    );
  });

  it("open the Kubernetes API and the registry to the same ranges", async () => {
    const plan = await runPlatform({ cluster: clusterWith({ endpoint: { cidrs: ["198.51.100.0/24"] } }) });
    const { apiServerAccessProfile } = inputsOf(plan, "containerservice:ManagedCluster");
    assert.deepEqual(apiServerAccessProfile.authorizedIPRanges, ["198.51.100.0/24"]);
    const { networkRuleSet } = inputsOf(plan, "containerregistry:Registry");
    assert.deepEqual(networkRuleSet, {
      defaultAction: "Deny",
      ipRules: [{ action: "Allow", iPAddressOrRange: "198.51.100.0/24" }],
    });
  });

  it("leave the API without a public address where a tunnel leads to it", async () => {
    const plan = await runPlatform({ ingress: { mode: "tunnel" } });
    assert.equal(outputsOf(plan).ingress.api, null);
    assert.deepEqual(
      all(plan, "network:PublicIPAddress")
        .map(({ name }) => name)
        .sort(),
      ["egress", "peers"],
    );
    const { securityRules } = inputsOf(plan, "network:NetworkSecurityGroup", "nodes");
    assert.equal(securityRules[0].destinationPortRange, "8444");
  });

  it("write nothing into a key vault where secrets are in Vault", async () => {
    const secrets = { store: "vault", address: "https://vault.example.com" };
    const plan = await runPlatform({ secrets });
    assert.deepEqual(all(plan, "keyvault:Secret"), []);
    assert.deepEqual(
      all(plan, "managedidentity:UserAssignedIdentity").filter(({ name }) => name === "external-secrets"),
      [],
    );
    assert.equal(outputsOf(plan).store.keys["admin-key"], "skykv/azure");
  });

  it("make nothing for hints that go through the database", async () => {
    const plan = await runPlatform({ queue: "postgres" });
    assert.deepEqual(all(plan, "servicebus:Namespace"), []);
    assert.deepEqual(outputsOf(plan).queue, { kind: "postgres" });
    assert.equal(outputsOf(plan).scaler.clientId, null);
  });

  it("replace nothing when a platform grows, when nodes change or when a tag changes", async () => {
    const nodes = { type: "Standard_D8ds_v5" };
    const small = await runPlatform({ profile: "small" });
    const standard = await runPlatform();
    assert.deepEqual(await lost(small, standard), []);
    assert.deepEqual(await lost(standard, await runPlatform({ profile: "large" })), []);
    assert.deepEqual(await lost(standard, await runPlatform({ owner: "another-team" })), []);
    const managed = await runPlatform({ cluster: clusterWith({ mode: "managed-nodes" }) });
    const larger = await runPlatform({ cluster: clusterWith({ mode: "managed-nodes", nodes }) });
    assert.deepEqual(await lost(managed, larger), ["delete nd2dsv5"], "the new pool is there before the old one goes");
  });

  /** What is deleted or replaced between two plans. */
  async function lost(before: Plan, now: Plan): Promise<string[]> {
    const { changes } = await compare(before, now, providerTables);
    return changes
      .filter(({ kind }) => kind === "replace" || kind === "delete")
      .map(({ kind, name }) => `${kind} ${name}`);
  }
});
