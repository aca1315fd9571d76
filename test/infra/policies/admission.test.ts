/** What is applied to a cluster past the program is held to the same rules: by a real API server, in our namespaces alone. */
import assert from "node:assert/strict";
import {
  admissionLevel,
  admissionRules,
  bindingSpec,
  kubernetesRules,
  policySpec,
} from "../../../infra/policies/admission.ts";
import type { Condition } from "../../../infra/policies/condition.ts";
import type { Level } from "../../../infra/policies/levels.ts";
import type { ResourceRule } from "../../../infra/policies/rule.ts";
import { Kubernetes, type KubernetesObject, needsKubernetes } from "../../support/kubernetes.ts";
import { until } from "../../support/kv.ts";
import { definitionsOfOperators } from "../support/definitions.ts";
import { attemptsOf, rightObject } from "./support/attempts.ts";
import { rightObjects } from "./support/objects.ts";

const [ours, others, advised, silent] = ["skykv", "others", "advised", "silent"] as const;
/** Of ours too, and never made: an object that is a namespace can be tried. */
const missing = "skykv-data";

describe("the rules on Kubernetes", () => {
  it("are all asked at admission, but for these", () => {
    const never = kubernetesRules.filter((one) => one.never !== null);
    assert.equal(admissionRules.length + never.length, kubernetesRules.length);
    assert.deepEqual(never.map(({ rule }) => rule.name).sort(), [
      "aws-node-disks-key",
      "k8s-default-deny",
      "k8s-disruption-budget",
      "k8s-network-policy-typed",
      "k8s-store-narrow",
    ]);
  });

  it("are as loud at admission as their level, and warn where something is excepted", () => {
    const exceptions = [{ resource: "kubernetes:apps/v1:Deployment::api", reason: "It is tried", until: "2027-03-31" }];
    const levels = {
      all: "mandatory",
      quiet: "disabled",
      kind: "advisory",
      excepted: { exceptions },
      both: { enforcementLevel: "disabled", exceptions },
    } as const;
    const loud = ["any", "quiet", "kind", "excepted", "both"].map((rule) => admissionLevel(levels, rule));
    assert.deepEqual(loud, ["mandatory", "disabled", "advisory", "advisory", "disabled"]);
  });
});

describe("admission to a cluster", function () {
  this.timeout(120_000);
  let cluster: Kubernetes;
  let refusals: ReadonlyMap<KubernetesObject, string>;
  const attempts = new Map(admissionRules.map((rule) => [rule.name, attemptsOf(rule, ours, missing)]));
  const wrongOf = (rule: string) => attempts.get(rule)!.find(({ wrong }) => wrong)!.object;
  /** It was there before the rules. */
  const old = (finalizers: readonly string[]) => object("v1", "ServiceAccount", "old", { metadata: { finalizers } });

  before(async function () {
    needsKubernetes(this);
    cluster = await Kubernetes.start();
    cluster.define(definitionsOfOperators());
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    assert.deepEqual(
      cluster.apply([
        ...[ours, others, advised, silent].map((name) => object("v1", "Namespace", name, { metadata: { labels } })),
        ...[ours, others].map((namespace) =>
          rightObject("kubernetes:core/v1:ServiceAccount", { name: "web", namespace }),
        ),
        old(["example.com/kept"]),
        ...policies(),
      ]),
      [],
    );
    const canaries = admissionRules.map(({ name }) => wrongOf(name));
    await until("all rules are asked", 60_000, () => refusedBy(cluster, canaries).size === canaries.length);
    refusals = refusedBy(
      cluster,
      [...attempts.values()].flat().map(({ object }) => object),
    );
  });
  after(() => cluster?.stop());

  for (const rule of admissionRules) {
    it(`says of objects what the pack says: ${rule.name}`, () => {
      const some = attempts.get(rule.name)!;
      const stopped = new Set<Condition>();
      for (const attempt of some) {
        const refusal = refusals.get(attempt.object) ?? "";
        const stops = isBy(rule, refusal);
        if (stops) stopped.add(attempt.condition);
        // Kubernetes itself refuses some, before it asks any rule.
        const byNobody = refusal === "" ? !attempt.wrong : !refusal.includes("ValidatingAdmissionPolicy");
        assert.ok(stops ? attempt.wrong : byNobody, `${attempt.name}: ${refusal || "was admitted"}`);
      }
      assert.deepEqual(stopped, new Set(rule.conditions));
    });
  }

  it("is granted to what breaks no rule", () => {
    const right = Object.keys(rightObjects).map((type) => {
      const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "1", controller: true };
      const owned = /:(Pod|ReplicaSet|ReplicationController)$/.test(type) ? { ownerReferences: [owner] } : {};
      return rightObject(
        type,
        type.endsWith(":Namespace") ? { name: missing } : { name: "right", namespace: ours, ...owned },
      );
    });
    assert.deepEqual(refusedBy(cluster, right), new Map());
  });

  it("is granted to the account that every namespace has", () => {
    assert.deepEqual(cluster.apply([object("v1", "ServiceAccount", "default")]), []);
  });

  it("is refused to a change, too", () => {
    const web = { ...wrongOf("k8s-account-no-token"), metadata: { name: "web", namespace: ours } };
    assert.match(cluster.apply([web]).join(), /denied request: k8s-account-no-token: /);
  });

  it("does not keep what goes from going", () => {
    assert.deepEqual(cluster.delete([old([])]), []);
    assert.doesNotMatch(cluster.apply([old([])]).join(), /denied/);
    assert.match(cluster.delete([old([])]).join(), /not found/);
  });

  it("warns where a rule is advisory, and is silent where it is disabled", () => {
    const account = wrongOf("k8s-account-no-token");
    const said = (namespace: string) =>
      cluster.wouldCreate([{ ...account, metadata: { ...account.metadata, namespace } }]).join();
    assert.match(said(advised), /^Warning: .*k8s-account-no-token: .*Write: /);
    assert.equal(said(silent), "");
  });

  it("is granted to others whatever they make", () => {
    const theirs = admissionRules
      .map(({ name }) => wrongOf(name))
      .map((one) => ({ ...one, metadata: { ...one.metadata, ...(one.metadata.namespace && { namespace: others }) } }))
      .map((one) => (one.kind === "Namespace" ? { ...one, metadata: { ...one.metadata, name: "theirs" } } : one));
    assert.deepEqual(refusedBy(cluster, theirs), new Map());
  });
});

function isBy({ name, fix }: ResourceRule, refusal: string): boolean {
  return refusal.includes(`denied request: ${name}: `) && refusal.includes(`Write: ${fix}`);
}

/** What the server says against each object that is to be made. Objects of one name are asked about one after the other. */
function refusedBy(cluster: Kubernetes, objects: readonly KubernetesObject[]): ReadonlyMap<KubernetesObject, string> {
  const byName = Map.groupBy(objects, ({ metadata }) => metadata.name);
  const rounds = Math.max(...[...byName.values()].map(({ length }) => length));
  const refusals = new Map<KubernetesObject, string>();
  for (let round = 0; round < rounds; round++) {
    const some = [...byName.values()].flatMap((twins) => twins.slice(round, round + 1));
    const lines = cluster.wouldCreate(some).filter((line) => !line.startsWith("Warning: "));
    // One that is wrong in several ways has a line for each, after the one with its name.
    const blocks = lines.join("\n").split(/\n(?! *\*)/);
    for (const one of some) {
      const refusal = blocks.find((block) => block.includes(`"${one.metadata.name}" is `));
      if (refusal !== undefined) refusals.set(one, refusal);
    }
    assert.equal(
      blocks.filter((block) => block !== "").length,
      some.filter((one) => refusals.has(one)).length,
      lines.join("\n"),
    );
  }
  return refusals;
}

/** As the program makes them: mandatory where our things are. */
function policies(): readonly KubernetesObject[] {
  const group = "admissionregistration.k8s.io/v1";
  const binding = (rule: string, level: Level, ...namespaces: readonly string[]) =>
    object(group, "ValidatingAdmissionPolicyBinding", `${rule}-${level}`, {
      spec: { policyName: rule, ...bindingSpec(level, namespaces) },
    });
  return admissionRules.flatMap((rule) => [
    object(group, "ValidatingAdmissionPolicy", rule.name, { spec: policySpec(rule) }),
    binding(rule.name, "mandatory", ours, missing),
    binding(rule.name, "advisory", advised),
    binding(rule.name, "disabled", silent),
  ]);
}

/** In our namespace, where its kind lies in one. */
function object(
  apiVersion: string,
  kind: string,
  name: string,
  rest: Readonly<Record<string, unknown>> = {},
): KubernetesObject {
  const place = kind === "ServiceAccount" ? { namespace: ours } : {};
  return { apiVersion, kind, ...rest, metadata: { ...(rest.metadata as object | undefined), name, ...place } };
}
