import assert from "node:assert/strict";
import { basename } from "node:path";
import { revealAll } from "../../infra/plan/engine/values.ts";
import type { Plan } from "../../infra/plan/resource.ts";
import { admissionLevel, admissionRules, bindingSpec, policySpec } from "../../infra/policies/admission.ts";
import { levelsFileFor, levelsIn } from "../../infra/policies/levels.ts";
import { Kubernetes, type KubernetesObject, needsKubernetes } from "../support/kubernetes.ts";
import { until } from "../support/kv.ts";
import { definitions, definitionsOfOperators } from "./support/definitions.ts";
import { needsSdks, repositoryFile, run } from "./support/sdks.ts";

const profiles = ["small", "standard", "large"];
const plans: readonly { readonly stack: string; readonly config: Readonly<Record<string, unknown>> }[] = [
  ...["aws", "gcp", "azure", "global", "local"].flatMap((stack) =>
    profiles.map((profile) => ({ stack, config: { profile } })),
  ),
  { stack: "aws", config: { queue: "rabbitmq" } },
  { stack: "aws", config: { queue: "sqs" } },
  { stack: "gcp", config: { queue: "pubsub" } },
  { stack: "azure", config: { queue: "servicebus" } },
  ...["aws", "gcp", "azure"].flatMap((stack) => [
    { stack, config: { ingress: { mode: "tunnel" } } },
    { stack, config: { secrets: { store: "vault", address: "https://vault.example.com" } } },
  ]),
];

/** EKS runs Karpenter by itself, and says of no version that it is that. */
const karpenterVersion = "1.8.0";

describe("the objects of Kubernetes", function () {
  this.timeout(120_000);
  let cluster: Kubernetes;

  before(async function () {
    needsSdks(this);
    needsKubernetes(this);
    cluster = await Kubernetes.start();
    cluster.define([
      ...definitionsOfOperators(),
      ...definitions("sigs.k8s.io/karpenter", karpenterVersion, "pkg/apis/crds", ["karpenter.sh_nodepools"]),
      repositoryFile("test/infra/aws/fixtures/nodeclass.crd.yaml"),
    ]);
    // The last rule speaks of it, in the last namespace.
    const place = `skykv-${plans.length - 1}`;
    const wrong = object("v1", "ServiceAccount", { metadata: { name: "wrong", namespace: place } });
    const namespace = object("v1", "Namespace", { metadata: { name: place } });
    assert.deepEqual(cluster.apply([namespace, ...rulesForAll()]), []);
    await until("rules are asked", 60_000, () => cluster.wouldCreate([wrong]).join().includes("denied request"));
  });
  after(() => cluster?.stop());

  for (const [index, { stack, config }] of plans.entries()) {
    it(`of the stack ${stack} are accepted, and break no rule, with ${JSON.stringify(config)}`, async () => {
      const objects = objectsOf(await run({ stack, mode: "up", config }));
      assert.equal(objects.length > 0, stack !== "global");
      assert.equal(
        objects.some(({ kind }) => kind === "NodeClass"),
        stack === "aws",
      );
      assert.deepEqual(problemsOf(cluster, inNamespacesOfTheirOwn(objects.filter(isNew), `${index}`)), []);
    });
  }

  describe("are refused", () => {
    const namespace = "refused";
    const restricted = object("v1", "Namespace", {
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    const deployment = (spec: object) =>
      object("apps/v1", "Deployment", {
        metadata: { name: "web", namespace },
        spec: {
          selector: { matchLabels: { app: "web" } },
          template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }] } },
          ...spec,
        },
      });

    it("with a pod that has more rights than the standard `restricted` grants", () => {
      const problems = problemsOf(cluster, [restricted, deployment({})]);
      assert.match(problems.join("\n"), /violates PodSecurity "restricted:latest"/);
    });

    it("with a field that there is not, all of them at once", () => {
      const wrong = [
        deployment({ replica: 2 }),
        object("v1", "Service", { metadata: { name: "web", namespace }, spec: { port: 1 } }),
      ];
      const problems = problemsOf(cluster, [restricted, ...wrong]).join("\n");
      assert.match(problems, /replica\b/);
      assert.match(problems, /\.spec\.port\b/);
    });

    it("with a NodeClass that looks for a subnet in two ways, has a tag of EKS's own or a field that there is not", () => {
      const nodeClass = (name: string, spec: object) =>
        object("eks.amazonaws.com/v1", "NodeClass", {
          metadata: { name },
          spec: {
            role: "node",
            subnetSelectorTerms: [{ id: "subnet-1" }],
            securityGroupSelectorTerms: [{ id: "sg-1" }],
            ...spec,
          },
        });
      const problems = problemsOf(cluster, [
        nodeClass("two-ways", { subnetSelectorTerms: [{ id: "subnet-1", tags: { Name: "private" } }] }),
        nodeClass("tags-of-eks", { tags: { "karpenter.sh/nodepool": "ours" } }),
        nodeClass("another-field", { ephemeralStorage: { kmsKeyId: "arn:aws:kms:us-east-1:111122223333:key/1" } }),
      ]).join("\n");
      assert.match(problems, /expected either id or tags/);
      assert.match(problems, /a tag that EKS keeps for itself/);
      assert.match(problems, /kmsKeyId\b/);
    });
  });
});

/** What the server has against objects, and against the pods that it makes of them: a Deployment is taken whatever is in it. */
function problemsOf(cluster: Kubernetes, objects: readonly KubernetesObject[]): readonly string[] {
  return [...cluster.apply(objects), ...cluster.wouldCreate(objects.flatMap(podOf))];
}

function podOf({ apiVersion, kind, metadata, spec }: KubernetesObject): KubernetesObject[] {
  const template = (spec as { template?: { metadata?: object; spec: object } } | undefined)?.template;
  if (!["Deployment", "StatefulSet", "Job"].includes(kind) || template === undefined) return [];
  const { name, namespace } = metadata;
  const pod = {
    ...template,
    metadata: {
      ...template.metadata,
      name: `${kind.toLowerCase()}-${name}`,
      namespace,
      ownerReferences: [{ apiVersion, kind, name, uid: "1", controller: true }],
    },
  };
  return [object("v1", "Pod", pod)];
}

/** All that is an object by itself: charts are not, and what they install is theirs. Namespaces come first, then who pods run as. */
function objectsOf({ resources }: Plan): readonly KubernetesObject[] {
  const last = (kind: string) => (kind === "Namespace" ? 0 : kind === "ServiceAccount" ? 1 : 2);
  return resources
    .filter(({ type, custom, external }) => type.startsWith("kubernetes:") && custom && !external)
    .filter(({ type }) => type !== "kubernetes:helm.sh/v3:Release")
    .map(({ inputs }) => revealAll(inputs) as unknown as KubernetesObject)
    .toSorted((a, b) => last(a.kind) - last(b.kind));
}

/** Rules of admission, whose own namespaces are none of these here, are the same in many plans: once is enough. */
function isNew(one: KubernetesObject): boolean {
  if (!one.kind.startsWith("ValidatingAdmission")) return true;
  const text = JSON.stringify([one.kind, one.spec]);
  return !seen.has(text) && seen.add(text) !== undefined;
}

const seen = new Set<string>();

/** The rules as each plan has them, for the namespaces that it has here. */
function rulesForAll(): readonly KubernetesObject[] {
  const group = "admissionregistration.k8s.io/v1";
  const files = Map.groupBy([...plans.keys()], (index) => {
    const { stack, config } = plans[index]!;
    return levelsFileFor(stack, config.profile as string | undefined);
  });
  return admissionRules.flatMap((rule) => [
    object(group, "ValidatingAdmissionPolicy", { metadata: { name: rule.name }, spec: policySpec(rule) }),
    ...[...files].map(([file, indices]) => {
      const namespaces = indices.flatMap((index) => [`skykv-${index}`, `skykv-data-${index}`]);
      const spec = { policyName: rule.name, ...bindingSpec(admissionLevel(levelsIn(file), rule.name), namespaces) };
      const metadata = { name: `${rule.name}-${basename(file, ".json")}` };
      return object(group, "ValidatingAdmissionPolicyBinding", { metadata, spec });
    }),
  ]);
}

/** As if each plan had a cluster of its own: fields of one cannot be changed into those of another. */
function inNamespacesOfTheirOwn(objects: readonly KubernetesObject[], suffix: string): readonly KubernetesObject[] {
  const own = new Set(objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const renamed = (name: string) => (own.has(name) ? `${name}-${suffix}` : name);
  return objects.map((object) => {
    const { name, namespace } = object.metadata;
    const metadata =
      namespace === undefined
        ? { ...object.metadata, name: renamed(name) }
        : { ...object.metadata, namespace: renamed(namespace) };
    return { ...object, metadata };
  });
}

function object(
  apiVersion: string,
  kind: string,
  rest: Omit<KubernetesObject, "apiVersion" | "kind">,
): KubernetesObject {
  return { ...rest, apiVersion, kind } as KubernetesObject;
}
