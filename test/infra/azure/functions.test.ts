import assert from "node:assert/strict";
import fc from "fast-check";
import { apiServerAccess, poolName } from "../../../infra/azure/cluster-profile.ts";
import { keyNames } from "../../../infra/azure/key.ts";
import { kubeconfig } from "../../../infra/azure/kubeconfig.ts";
import { pairedRegion } from "../../../infra/azure/paired-region.ts";
import { queueSettings } from "../../../infra/azure/queue-profile.ts";
import { retention } from "../../../infra/azure/storage-profile.ts";
import { needsSdks } from "../support/sdks.ts";

describe("functions of the platform on Azure", () => {
  before(function () {
    needsSdks(this);
  });

  it("name pools of nodes as Azure accepts it, whatever the type of machine", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (type) => {
        assert.match(poolName(`Standard_${type}`), /^[a-z][a-z0-9]{0,11}$/);
      }),
    );
    assert.equal(poolName("Standard_D8ds_v5"), "nd8dsv5");
    assert.notEqual(poolName("Standard_D2ds_v5"), poolName("Standard_D2ds_v6"));
  });

  it("name a right by scope, principal and role: the same words make the same UUID, others another", async () => {
    const { guid } = await import("../../../infra/azure/roles.ts");
    assert.match(guid("a", "b", "c"), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (scope, principal) => {
        assert.equal(guid(scope, principal), guid(scope.toUpperCase(), principal), "ids of Azure have no case");
        if (scope !== principal) assert.notEqual(guid(scope, principal), guid(principal, scope));
      }),
    );
  });

  it("keep of Azure's kubeconfig the server and its authority, and no credential", () => {
    const given = `
clusters:
  - name: c
    cluster: { server: "https://c.azmk8s.io:443", certificate-authority-data: Q0E= }
users:
  - name: u
    user: { token: of-somebody, client-key-data: S0VZ }
`;
    const made = kubeconfig(Buffer.from(given).toString("base64"));
    const { clusters, users } = JSON.parse(made);
    assert.deepEqual(clusters[0].cluster, {
      server: "https://c.azmk8s.io:443",
      "certificate-authority-data": "Q0E=",
    });
    assert.equal(users[0].user.exec.command, "kubelogin");
    assert.doesNotMatch(made, /of-somebody|S0VZ/);
  });

  it("open the Kubernetes API to the given ranges, or to the network alone", () => {
    assert.deepEqual(apiServerAccess(["198.51.100.0/24"]), {
      enablePrivateCluster: false,
      authorizedIPRanges: ["198.51.100.0/24"],
    });
    assert.equal(apiServerAccess([]).enablePrivateCluster, true);
    assert.ok(!("authorizedIPRanges" in apiServerAccess([])), "both at once is refused");
  });

  it("take a key's names from its ids", () => {
    const vaultId = "/subscriptions/s/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/acme";
    assert.deepEqual(keyNames({ vaultId, keyUri: "https://acme.vault.azure.net/keys/skykv" }), {
      resourceGroupName: "keys",
      vaultName: "acme",
      keyName: "skykv",
      vaultUri: "https://acme.vault.azure.net/",
    });
  });

  it("know the pair of a region that has one", () => {
    assert.equal(pairedRegion("eastus2"), "centralus");
    assert.equal(pairedRegion("polandcentral"), null);
  });

  it("set blobs back to a point in time only while what was deleted is kept", () => {
    fc.assert(
      fc.property(fc.integer({ min: 7, max: 35 }), (days) => {
        const { restorePolicy, deleteRetentionPolicy } = retention(days, true) as Required<
          ReturnType<typeof retention>
        >;
        assert.ok(0 < restorePolicy.days && restorePolicy.days < deleteRetentionPolicy.days);
      }),
    );
    assert.ok(!("restorePolicy" in retention(7, false)), "immutable blobs exclude it");
  });

  it("lock a hint for no longer than the five minutes that Azure takes", () => {
    const [, minutes] = /^PT(\d+)M$/.exec(queueSettings.lockDuration)!;
    assert.ok(Number(minutes) <= 5);
  });
});
