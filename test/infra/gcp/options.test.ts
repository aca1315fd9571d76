import assert from "node:assert/strict";
import { compare } from "../../../infra/plan/compare/compare.ts";
import { providerTables } from "../../../infra/plan/providers/index.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { needsSdks } from "../support/sdks.ts";
import { all, inputsOf, one, runPlatform } from "./fixtures/run.ts";

type Settings = Readonly<Record<string, unknown>>;

describe("options of the platform on Google Cloud", () => {
  before(function () {
    needsSdks(this);
  });

  it("take a key that is there, and let the same agents use it", async () => {
    const key = "projects/acme-keys/locations/us-central1/keyRings/data/cryptoKeys/skykv";
    const plan = await runPlatform({ key });
    assert.deepEqual(all(plan, "kms/cryptoKey:CryptoKey"), []);
    const grants = all(plan, "kms/cryptoKeyIAMMember:CryptoKeyIAMMember");
    assert.equal(new Set(grants.map(({ inputs }) => inputs.member)).size, grants.length, "one grant for each agent");
    assert.equal(grants.length, 8);
    assert.ok(grants.every(({ inputs }) => inputs.cryptoKeyId === key));
    assert.equal(inputsOf(plan, "sql/databaseInstance:DatabaseInstance").encryptionKeyName, key);
    assert.equal(inputsOf(plan, "container/cluster:Cluster").databaseEncryption.keyName, key);
    mustComeAfter(
      plan,
      "gcp:sql/databaseInstance:DatabaseInstance",
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember given-sqladmin",
    );
  });

  it("take a network that is there, and change nothing in it but the private endpoints", async () => {
    const existing = {
      network: "projects/acme-net/global/networks/shared",
      subnetwork: "projects/acme-net/regions/us-central1/subnetworks/skykv",
      podsRange: "pods",
      servicesRange: "services",
      egressAddresses: ["203.0.113.20"],
    };
    const plan = await runPlatform({ network: { existing } });
    for (const type of ["network:Network", "subnetwork:Subnetwork", "router:Router", "firewall:Firewall"]) {
      assert.deepEqual(all(plan, `compute/${type}`), []);
    }
    const cluster = inputsOf(plan, "container/cluster:Cluster");
    assert.equal(cluster.network, existing.network);
    assert.equal(cluster.subnetwork, existing.subnetwork);
    assert.deepEqual(inputsOf(plan, "memorystore/instance:Instance").desiredAutoCreatedEndpoints, [
      { network: existing.network, projectId: "acme-skykv" },
    ]);
    assert.equal(inputsOf(plan, "compute/address:Address", "endpoint").subnetwork, existing.subnetwork);
    assert.deepEqual(plan.outputs.egressAddresses, ["203.0.113.20"]);
  });

  it("leave the API without a public address where a tunnel leads to it", async () => {
    const plan = await runPlatform({ ingress: { mode: "tunnel" } });
    const { api, peers } = plan.outputs.ingress as { api: unknown; peers: unknown };
    assert.equal(api, null);
    assert.notEqual(peers, null);
    assert.deepEqual(
      all(plan, "compute/address:Address").filter(({ name }) => name === "api"),
      [],
    );
  });

  it("write nothing to Secret Manager where Vault has the secrets", async () => {
    const vault = { store: "vault", address: "https://vault.example.com" };
    const plan = await runPlatform({ secrets: vault });
    assert.deepEqual(all(plan, "secretmanager/secret:Secret"), []);
    assert.deepEqual(all(plan, "secretmanager/secretVersion:SecretVersion"), []);
    const { provider } = plan.outputs.store as { provider: { vault: { server: string } } };
    assert.equal(provider.vault.server, vault.address);
  });

  it("run pools of shielded nodes of a size that is set, spread over the zones", async () => {
    const plan = await runPlatform({
      cluster: { mode: "managed-nodes", nodes: { type: "c4-standard-4", min: 2, max: 9 } },
    });
    const cluster = inputsOf(plan, "container/cluster:Cluster");
    assert.equal(cluster.enableAutopilot, undefined, "an explicit false is refused");
    assert.equal(cluster.workloadIdentityConfig.workloadPool, "acme-skykv.svc.id.goog");
    assert.equal(cluster.datapathProvider, "ADVANCED_DATAPATH");
    const { nodeConfig, autoscaling } = inputsOf(plan, "container/nodePool:NodePool");
    assert.deepEqual(nodeConfig.shieldedInstanceConfig, { enableSecureBoot: true, enableIntegrityMonitoring: true });
    assert.equal(nodeConfig.machineType, "c4-standard-4");
    assert.equal(nodeConfig.serviceAccount, "skykv-gcp-nodes@acme-skykv.iam.gserviceaccount.com");
    assert.deepEqual([autoscaling.minNodeCount, autoscaling.maxNodeCount], [2, 9]);
  });

  it("reach the cluster by its host name where that is open, and else by its address", async () => {
    const reached = async (endpoint: Settings) => {
      const plan = await runPlatform({ cluster: { endpoint } });
      const { inputs } = plan.resources.find(({ type }) => type === "pulumi:providers:kubernetes")!;
      const { server } = JSON.parse(String(inputs.kubeconfig)).clusters[0].cluster;
      return { server, identifier: inputs.clusterIdentifier };
    };
    const byName = await reached({ dns: true });
    const byAddress = await reached({});
    assert.match(byName.server, /^https:\/\/gke-.*\.us-central1\.gke\.goog$/);
    assert.equal(byAddress.server, "https://10.35.0.2");
    assert.equal(byName.identifier, byAddress.identifier, "for Pulumi it is the same cluster, and its objects stay");
  });
});

describe("everyday changes of the platform on Google Cloud", () => {
  before(function () {
    needsSdks(this);
  });

  const changes: Readonly<Record<string, readonly [before: Settings, after: Settings]>> = {
    "from small to standard": [{ profile: "small" }, { profile: "standard" }],
    "from standard to large": [{ profile: "standard" }, { profile: "large" }],
    "from small to large with pools of nodes": [
      { profile: "small", cluster: { mode: "managed-nodes" } },
      { profile: "large", cluster: { mode: "managed-nodes" } },
    ],
    "of a tag": [{ owner: "old-team" }, { owner: "new-team" }],
    "of who reaches the cluster's address": [{}, { cluster: { endpoint: { cidrs: ["198.51.100.0/24"] } } }],
    "of who reaches the cluster by its host name": [{}, { cluster: { endpoint: { dns: true } } }],
    "of who is told of alarms": [{}, { alarms: { email: "oncall@example.com" } }],
    "to a larger disk and more backups": [{}, { database: { diskGb: 500, backups: 30 } }],
    "to a smaller disk, which the instance ignores": [{}, { database: { diskGb: 50 } }],
  };
  for (const [title, [before, after]] of Object.entries(changes)) {
    it(`${title} replace nothing and lose no data`, async () => {
      const [earlier, now] = (await Promise.all([runPlatform(before), runPlatform(after)])) as [Plan, Plan];
      const { changes } = await compare(earlier, now, providerTables);
      const replaced = changes.filter(({ kind }) => kind === "replace");
      assert.deepEqual(
        replaced.map(({ urn, properties }) => `${urn}: ${properties.map(({ path }) => path)}`),
        [],
      );
      assert.deepEqual(
        changes.filter(({ kind, stateful }) => kind === "delete" && stateful).map(({ urn }) => urn),
        [],
      );
    });
  }

  it("are told from those that replace what holds data, which Pulumi refuses: another region", async () => {
    const [earlier, now] = await Promise.all([runPlatform(), runPlatform({ region: "europe-west1" })]);
    const { changes } = await compare(earlier, now, providerTables);
    const replaced = changes.filter(({ kind, stateful }) => kind === "replace" && stateful);
    assert.ok(replaced.length > 0 && replaced.every(({ protect }) => protect));
    assert.ok(replaced.some(({ type }) => type === one(now, "sql/databaseInstance:DatabaseInstance").type));
  });
});
