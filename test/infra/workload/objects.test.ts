import assert from "node:assert/strict";
import { revealAll } from "../../../infra/plan/engine/values.ts";
import type { Plan, PlannedResource } from "../../../infra/plan/resource.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { needsSdks, run } from "../support/sdks.ts";

const imageOf = (digit: string) => `registry.example.com/skykv@sha256:${digit.repeat(64)}`;
const ownQueues = { aws: "sqs", gcp: "pubsub", azure: "servicebus" } as const;
const up = (stack: string, config: Readonly<Record<string, unknown>> = {}) => run({ stack, mode: "up", config });

// biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes, whose fields the tests are about.
type Inputs = any;

function all(plan: Plan, kind: string): PlannedResource[] {
  return plan.resources.filter(({ type }) => type.startsWith("kubernetes:") && type.endsWith(`:${kind}`));
}

function inputsOf(plan: Plan, kind: string, name: string): Inputs {
  const found = all(plan, kind).filter(({ inputs }) => (inputs as Inputs).metadata.name === name);
  assert.equal(found.length, 1, `expected one ${kind} ${name}`);
  return revealAll(found[0]!.inputs);
}

const clouds = ["aws", "gcp", "azure"] as const;

describe("the workload", function () {
  this.timeout(120_000);
  const plans = {} as Record<(typeof clouds)[number] | "local", Plan>;
  before(async function () {
    needsSdks(this);
    for (const cloud of clouds) plans[cloud] = await up(cloud, { queue: ownQueues[cloud] });
    plans.local = await up("local");
  });
  const each = (check: (plan: Plan, stack: string) => void) => {
    for (const [stack, plan] of Object.entries(plans)) check(plan, stack);
  };

  it("mounts every file that a variable names, read-only", () =>
    each((plan) => {
      for (const { inputs } of [...all(plan, "Deployment"), ...all(plan, "Job")]) {
        const { containers, volumes } = (inputs as Inputs).spec.template.spec;
        const [{ env, volumeMounts, name }] = containers;
        for (const { name: variable, value } of env.filter(({ value }: Inputs) => /^\/etc\//.test(value))) {
          const mount = volumeMounts.find(({ mountPath }: Inputs) => value.startsWith(`${mountPath}/`));
          assert.ok(mount?.readOnly, `${name}: ${variable}=${value} is not mounted`);
          assert.ok(volumes.some((volume: Inputs) => volume.name === mount.name));
        }
      }
    }));

  it("mounts only Secrets that are made, and none that a component does not read", () =>
    each((plan, stack) => {
      const made = [...all(plan, "Secret"), ...all(plan, "ExternalSecret")].map(
        ({ inputs }) => (inputs as Inputs).metadata.name,
      );
      const secretsOf = (kind: string, name: string): string[] => {
        const { containers, volumes } = inputsOf(plan, kind, name).spec.template.spec;
        const variables = containers[0].env.flatMap(({ valueFrom }: Inputs) => valueFrom?.secretKeyRef.name ?? []);
        return [...volumes.flatMap(({ secret }: Inputs) => secret?.secretName ?? []), ...variables];
      };
      for (const name of ["api", "replicator"]) {
        for (const secret of secretsOf("Deployment", name)) assert.ok(made.includes(secret), `${stack}: ${secret}`);
      }
      assert.ok(!secretsOf("Deployment", "replicator").includes("admin-key"));
      assert.ok(!secretsOf("Deployment", "replicator").includes("server-tls"));
    }));

  it("gives no pod a token for the API of Kubernetes", () =>
    each((plan) => {
      for (const kind of ["Deployment", "StatefulSet", "Job"]) {
        for (const { inputs } of all(plan, kind)) {
          assert.equal((inputs as Inputs).spec.template.spec.automountServiceAccountToken, false);
        }
      }
      for (const { inputs } of all(plan, "ServiceAccount")) assert.equal(inputs.automountServiceAccountToken, false);
    }));

  it("has rules in the cluster, for its own namespaces, before there is anything that they are about", () =>
    each((plan, stack) => {
      for (const { inputs } of all(plan, "ValidatingAdmissionPolicyBinding")) {
        const { policyName, matchResources } = (inputs as Inputs).spec;
        assert.ok(inputsOf(plan, "ValidatingAdmissionPolicy", policyName).spec.validations.length > 0);
        assert.deepEqual(
          matchResources.namespaceSelector.matchExpressions.map(({ values }: Inputs) => values),
          [stack === "local" ? ["skykv", "skykv-data"] : ["skykv"]],
        );
      }
      const binding = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding";
      mustComeAfter(plan, "kubernetes:batch/v1:Job", binding);
      mustComeAfter(plan, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", binding);
    }));

  it("is refused what a rule forbids, by the levels of its size", () => {
    const actionsOf = (plan: Plan, rule: string) =>
      inputsOf(plan, "ValidatingAdmissionPolicyBinding", `skykv-${rule}`).spec.validationActions;
    for (const cloud of clouds) assert.deepEqual(actionsOf(plans[cloud], "k8s-scales-from-two"), ["Deny"]);
    assert.deepEqual(actionsOf(plans.local, "k8s-scales-from-two"), ["Audit"]);
    assert.deepEqual(actionsOf(plans.local, "k8s-no-token"), ["Deny"]);
  });

  it("is scaled by one thing alone: the API by its CPU, replicators by the queue where there is KEDA", () =>
    each((plan, stack) => {
      const targets = [...all(plan, "HorizontalPodAutoscaler"), ...all(plan, "ScaledObject")].map(
        ({ inputs }) => (inputs as Inputs).spec.scaleTargetRef.name,
      );
      assert.deepEqual(targets.toSorted(), ["api", "replicator"], stack);
      const { spec } = inputsOf(plan, "HorizontalPodAutoscaler", "api");
      assert.equal(spec.metrics[0].resource.target.averageUtilization, 60);
      assert.equal(spec.behavior.scaleDown.stabilizationWindowSeconds, 300);
      assert.equal(all(plan, "ScaledObject").length, stack === "local" ? 0 : 1);
    }));

  it("keeps the count of pods that the autoscaler has chosen", () =>
    each((plan) => {
      for (const { name, ignoreChanges } of all(plan, "Deployment"))
        assert.deepEqual(ignoreChanges, ["spec.replicas"], name);
    }));

  it("asks each cloud's own queue how long it is", () => {
    const triggerOf = (plan: Plan) => inputsOf(plan, "ScaledObject", "replicator").spec.triggers;
    assert.deepEqual(
      clouds.map((cloud) => triggerOf(plans[cloud]).map(({ type }: Inputs) => type)),
      [["aws-sqs-queue"], ["gcp-pubsub"], ["azure-servicebus"]],
    );
    assert.deepEqual(
      clouds.map((cloud) => inputsOf(plans[cloud], "TriggerAuthentication", "replicator").spec.podIdentity.provider),
      ["aws", "gcp", "azure-workload"],
    );
  });

  it("installs KEDA where the cloud does not run it, and External Secrets on every cloud", () => {
    const charts = (plan: Plan) =>
      all(plan, "Release")
        .map(({ inputs }) => inputs.chart)
        .toSorted();
    assert.deepEqual(charts(plans.aws), ["external-secrets", "keda"]);
    assert.deepEqual(charts(plans.gcp), ["external-secrets", "keda"]);
    assert.deepEqual(charts(plans.azure), ["external-secrets"]);
    assert.deepEqual(charts(plans.local), []);
  });

  it("is rolled out after the migration, which waits for secrets, identity and the way to the database", () =>
    each((plan, stack) => {
      mustComeAfter(plan, "kubernetes:apps/v1:Deployment api", "kubernetes:batch/v1:Job");
      mustComeAfter(plan, "kubernetes:apps/v1:Deployment replicator", "kubernetes:batch/v1:Job");
      const job = "kubernetes:batch/v1:Job";
      mustComeAfter(plan, job, "kubernetes:networking.k8s.io/v1:NetworkPolicy network-policies-database");
      mustComeAfter(plan, job, "kubernetes:core/v1:ServiceAccount service-accounts-migration");
      if (stack !== "local") {
        mustComeAfter(plan, "kubernetes:external-secrets.io/v1:ExternalSecret", "kubernetes:helm.sh/v3:Release");
        mustComeAfter(plan, "kubernetes:apps/v1:Deployment", "kubernetes:external-secrets.io/v1:ExternalSecret");
      }
    }));

  it("migrates again for another image, and not for the same in another size or with another owner", async () => {
    const nameOf = async (config: Readonly<Record<string, unknown>>) => {
      const [job] = all(await up("local", config), "Job");
      return (job!.inputs as Inputs).metadata.name as string;
    };
    const first = await nameOf({ workload: { image: imageOf("1") } });
    assert.match(first, /^migration-[0-9a-f]{10}$/);
    assert.equal(await nameOf({ workload: { image: imageOf("1") }, owner: "others", profile: "large" }), first);
    assert.notEqual(await nameOf({ workload: { image: imageOf("2") } }), first);
  });

  describe("lets in", () => {
    it("only Cloudflare at the API's load balancer, by the addresses that callers really have", () => {
      for (const cloud of clouds) {
        const { spec } = inputsOf(plans[cloud], "Service", "api");
        assert.equal(spec.type, "LoadBalancer");
        assert.equal(spec.externalTrafficPolicy, "Local");
        assert.ok(spec.loadBalancerSourceRanges.length > 0);
        assert.ok(!spec.loadBalancerSourceRanges.includes("0.0.0.0/0"));
        assert.deepEqual(
          spec.ports.map(({ port, targetPort }: Inputs) => [port, targetPort]),
          [[443, 8443]],
        );
      }
    });

    it("nobody at the peers' port while no peer is known, and then each address of theirs", async () => {
      const ranges = (plan: Plan) => inputsOf(plan, "Service", "peers").spec.loadBalancerSourceRanges as string[];
      const alone = await up("gcp", { peers: ["gcp"] });
      assert.deepEqual(ranges(alone), ["192.0.2.0/32"]);
      const blocks = inputsOf(alone, "NetworkPolicy", "from-peers").spec.ingress[0].from;
      assert.deepEqual(blocks, [{ ipBlock: { cidr: "192.0.2.0/32" } }]);
      assert.ok(ranges(plans.gcp).length > 0);
      for (const range of ranges(plans.gcp)) assert.match(range, /^\d+\.\d+\.\d+\.\d+\/32$/);
      assert.ok(!ranges(plans.gcp).includes("192.0.2.0/32"));
    });

    it("no pod in any namespace that has no policy for it", () =>
      each((plan, stack) => {
        const made = all(plan, "Namespace").map(({ inputs }) => (inputs as Inputs).metadata);
        assert.ok(made.length > 0);
        for (const { name, labels } of made) {
          assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted", `${stack}: ${name}`);
          const denied = all(plan, "NetworkPolicy").map(({ inputs }) => inputs as Inputs);
          const deny = denied.find(({ metadata }) => metadata.namespace === name && metadata.name === "default-deny");
          assert.deepEqual(deny?.spec, { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
        }
      }));

    it("the edge by the tunnel alone, where there is one", async () => {
      const plan = await up("azure", { ingress: { mode: "tunnel" } });
      assert.equal(inputsOf(plan, "Service", "api").spec.type, "ClusterIP");
      const { from } = inputsOf(plan, "NetworkPolicy", "clients").spec.ingress[0];
      assert.deepEqual(
        from.map(({ podSelector }: Inputs) => podSelector.matchLabels["app.kubernetes.io/component"]),
        ["connector"],
      );
      const { replicas, template } = inputsOf(plan, "Deployment", "connector").spec;
      const [{ args, image, env }] = template.spec.containers;
      assert.ok(replicas >= 2);
      assert.ok(args.includes("--no-autoupdate"));
      assert.match(image, /@sha256:[0-9a-f]{64}$/);
      assert.deepEqual(env, [{ name: "TUNNEL_TOKEN_FILE", value: "/etc/skykv/secrets/tunnel/token" }]);
    });
  });

  it("reads secrets of Vault by the field that it has for each", async () => {
    const plan = await up("gcp", { secrets: { store: "vault", address: "https://vault.example.com" } });
    const { data } = inputsOf(plan, "ExternalSecret", "server-tls").spec;
    assert.deepEqual(data, [
      { secretKey: "certificate", remoteRef: { key: "skykv/gcp", property: "server-certificate" } },
      { secretKey: "key", remoteRef: { key: "skykv/gcp", property: "server-key" } },
    ]);
  });

  it("builds its image only in a deployment, from what the Dockerfile may copy, and runs it by digest", () => {
    const image = plans.aws.resources.find(({ type }) => type === "docker-build:index:Image")!;
    const { context, platforms, buildOnPreview } = revealAll(image.inputs) as Inputs;
    assert.deepEqual(context, { location: ".." });
    assert.deepEqual(platforms, ["linux/amd64", "linux/arm64"]);
    assert.equal(buildOnPreview, false);
    for (const name of ["api", "replicator"]) {
      assert.match(
        inputsOf(plans.aws, "Deployment", name).spec.template.spec.containers[0].image,
        /@sha256:[0-9a-f]{64}$/,
      );
    }
  });
});
