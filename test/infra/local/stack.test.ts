import assert from "node:assert/strict";
import { compare } from "../../../infra/plan/compare/compare.ts";
import { reveal } from "../../../infra/plan/engine/values.ts";
import { providerTables } from "../../../infra/plan/providers/index.ts";
import { type Plan, Secret, type Value } from "../../../infra/plan/resource.ts";
import { needsSdks, run } from "../support/sdks.ts";

const up = (config: Readonly<Record<string, unknown>> = {}) => run({ stack: "local", mode: "up", config });
const ofType = (plan: Plan, type: string) =>
  plan.resources.filter((resource) => resource.type === `kubernetes:${type}`);

describe("the stack for any cluster", function () {
  this.timeout(120_000);
  let plan: Plan;
  before(async function () {
    needsSdks(this);
    plan = await up();
  });

  it("replaces nothing for another size, another owner or another image", async () => {
    const changes = [
      { profile: "standard" },
      { owner: "others" },
      { images: { postgres: "docker.io/library/postgres:18.2" } },
      { workload: { image: `registry.example.com/skykv@sha256:${"1".repeat(64)}` } },
    ];
    for (const change of changes) {
      const { changes: found } = await compare(plan, await up(change), providerTables);
      // A migration that has run is another one for another image.
      const replaced = found.filter(({ kind, type }) => kind !== "update" && type !== "kubernetes:batch/v1:Job");
      assert.ok(found.length > 0, `${JSON.stringify(change)} changes something`);
      assert.deepEqual(replaced, [], JSON.stringify(change));
    }
  });

  it("keeps database, queue and large values on disks of the size and class that are asked for", async () => {
    const given = { storageClass: "fast", disks: { database: "7Gi", queue: "2Gi", blobs: "9Gi", shared: true } };
    const claims = ofType(await up(given), "core/v1:PersistentVolumeClaim").map(({ name, inputs }) => {
      // biome-ignore lint/suspicious/noExplicitAny: an object of Kubernetes.
      const { spec } = inputs as any;
      return [name, spec.resources.requests.storage, spec.storageClassName, spec.accessModes[0]].join(" ");
    });
    assert.deepEqual(claims.toSorted(), [
      "postgres 7Gi fast ReadWriteOnce",
      "rabbitmq 2Gi fast ReadWriteOnce",
      "storage 9Gi fast ReadWriteMany",
    ]);
  });

  it("has passwords in Secrets alone, and marked there as what they are", () => {
    const passwords = plan.resources.filter(({ type }) => type === "random:index/randomPassword:RandomPassword");
    assert.equal(passwords.length, 5);
    for (const { type, name, inputs } of plan.resources) {
      const held = containing(inputs as Value, Secret);
      assert.equal(held, type === "kubernetes:core/v1:Secret", `${type} ${name}`);
    }
  });

  it("lets the workload alone talk to the servers, each at its port", () => {
    const policies = ofType(plan, "networking.k8s.io/v1:NetworkPolicy");
    for (const [name, port] of Object.entries({ postgres: 5432, valkey: 6379, rabbitmq: 5672 })) {
      const { inputs } = policies.find((policy) => policy.name === name)!;
      const { ingress } = inputs.spec as { ingress: unknown };
      const values = ["skykv"];
      const namespaceSelector = { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values }] };
      assert.deepEqual(ingress, [{ from: [{ namespaceSelector }], ports: [{ port, protocol: "TCP" }] }]);
    }
  });

  it("tells where the API is, and the admin key as a secret", () => {
    assert.equal(plan.outputs.url, "http://api.skykv.svc.cluster.local");
    assert.ok(plan.outputs.adminKey instanceof Secret);
    assert.match(String(reveal(plan.outputs.adminKey)), /^skykv_[A-Za-z0-9]{12}_[A-Za-z0-9]{43}$/);
  });
});

function containing(value: Value, mark: typeof Secret): boolean {
  if (value instanceof mark) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((inner) => containing(inner as Value, mark));
}
