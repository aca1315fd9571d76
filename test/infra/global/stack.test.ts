import assert from "node:assert/strict";
import { profiles } from "../../../infra/config/shared.ts";
import type { Change } from "../../../infra/plan/compare/compare.ts";
import { reveal } from "../../../infra/plan/engine/values.ts";
import { providerTables } from "../../../infra/plan/providers/index.ts";
import { type Plan, Secret, type Value } from "../../../infra/plan/resource.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "../support/checks/names.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { everyResourceDescendsFromTheRoot } from "../support/checks/parents.ts";
import { statefulResourcesAreProtected } from "../support/checks/protection.ts";
import { noSecretIsPlain } from "../support/checks/secrets.ts";
import { everythingIsTagged } from "../support/checks/tags.ts";
import { needsSdks, run } from "../support/sdks.ts";

const members = {
  aws: { state: "active", region: "us-east-1", stack: "acme/skykv/aws" },
  gcp: { state: "active", region: "us-central1", stack: "acme/skykv/gcp" },
  azure: { state: "active", region: "eastus2", stack: "acme/skykv/azure" },
} as const;
const github = { subject: "repo:acme@1111/skykv@2222", ownerId: "1111", repositoryId: "2222" };
const notifications = { emails: ["oncall@example.com"], webhook: "https://hooks.example.com/skykv" };
const everything = { github, notifications };

/** The stack with these clouds behind the edge. */
function withClouds(clouds: object, config: object = {}): Promise<Plan> {
  return run({ stack: "global", mode: "up", config: { ...everything, clouds, ...config } });
}

const ofType = (plan: Plan, type: string) => plan.resources.filter((resource) => resource.type === type);
const only = (plan: Plan, type: string) => {
  const [found, ...others] = ofType(plan, type);
  assert.ok(found !== undefined && others.length === 0, `expected one ${type}`);
  return found.inputs as Record<string, Value>;
};
const poolsOf = { aws: "17b5", gcp: "9290", azure: "0092" } as const;
const isPool = (id: Value, cloud: keyof typeof poolsOf) => String(id).startsWith(poolsOf[cloud]);

describe("the stack of the edge", () => {
  let plan: Plan;
  before(async function () {
    this.timeout(120_000);
    needsSdks(this);
    plan = await withClouds(members);
  });

  for (const profile of profiles) {
    for (const mode of ["preview", "up"] as const) {
      it(`keeps to the rules of all stacks in the profile ${profile}, in ${mode}`, async function () {
        this.timeout(60_000);
        const whole = await run({ stack: "global", mode, config: { ...everything, profile } });
        everyResourceDescendsFromTheRoot(whole);
        noSecretIsPlain(whole);
        await everythingIsTagged(whole);
        await physicalNamesAreUnique(whole);
        await physicalNamesFit(whole);
        await statefulResourcesAreProtected(whole);
      });
    }
  }

  it("leads to all clouds from every region, through the edge, with no session", () => {
    const balancer = only(plan, "cloudflare:index/loadBalancer:LoadBalancer");
    assert.equal(balancer.proxied, true);
    assert.equal(balancer.sessionAffinity, "none");
    const regions = Object.values(balancer.regionPools as Record<string, string[]>);
    assert.equal(regions.length, 13);
    for (const pools of regions) assert.equal(new Set(pools).size, 3);
  });

  it("sets nothing empty at Cloudflare, which would show a change in every preview", () => {
    const empty = (value: Value, path: string): string[] => {
      if (value === null) return [path];
      if (typeof value !== "object" || value instanceof Secret) return [];
      const entries = Object.entries(value);
      return entries.length === 0 ? [path] : entries.flatMap(([name, inner]) => empty(inner, `${path}.${name}`));
    };
    const cloudflare = plan.resources.filter(({ type }) => type.startsWith("cloudflare:"));
    assert.ok(cloudflare.length > 20);
    assert.deepEqual(
      cloudflare.flatMap(({ name, inputs }) => empty(inputs, name)),
      [],
    );
  });

  it("has one ruleset for a phase, and all of a phase's rules told apart", () => {
    const rulesets = ofType(plan, "cloudflare:index/ruleset:Ruleset");
    const phases = rulesets.map(({ inputs }) => inputs.phase);
    assert.equal(new Set(phases).size, phases.length);
    assert.equal(phases.length, 4);
    for (const { inputs } of rulesets) {
      const refs = (inputs.rules as { ref: string }[]).map(({ ref }) => ref);
      assert.ok(refs.every((ref) => typeof ref === "string") && new Set(refs).size === refs.length);
    }
  });

  it("gives each cloud a certificate for its peers that has the cloud's name, by which they know it", () => {
    const requests = ofType(plan, "tls:index/certRequest:CertRequest").filter(({ name }) => name.includes("-peers-"));
    const names = requests.map(({ inputs }) => (inputs.subject as { commonName: string }).commonName);
    assert.deepEqual(names.toSorted(), ["aws", "azure", "gcp"]);
  });

  it("shows its own certificate to the clouds only once it is there", () => {
    mustComeAfter(
      plan,
      "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings",
      "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate",
    );
  });

  it("makes pools of identities only once their APIs are enabled, and grants only once tokens are limited", () => {
    mustComeAfter(plan, "gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "gcp:projects/service:Service sts");
    mustComeAfter(plan, "gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "gcp:projects/service:Service iam");
    for (const from of ["aws", "azure"]) {
      mustComeAfter(
        plan,
        `gcp:storage/bucketIAMMember:BucketIAMMember ${from}-backups`,
        `gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider ${from}-backups`,
      );
    }
  });

  it("gives each cloud a certificate for its peers' name alone, as server and as client", () => {
    const requests = ofType(plan, "tls:index/certRequest:CertRequest").filter(({ name }) => name.includes("-peers-"));
    assert.deepEqual(
      requests.map(({ inputs }) => inputs.dnsNames),
      [["aws-peers.kv.example.com"], ["azure-peers.kv.example.com"], ["gcp-peers.kv.example.com"]],
    );
    for (const { name, inputs } of ofType(plan, "tls:index/locallySignedCert:LocallySignedCert")) {
      const uses = inputs.allowedUses as string[];
      assert.ok(uses.includes("client_auth"), name);
      assert.equal(uses.includes("server_auth"), name.includes("-peers-"), name);
      assert.ok((inputs.earlyRenewalHours as number) < (inputs.validityPeriodHours as number));
    }
  });

  it("does not revoke a server's certificate that a cloud may still show", () => {
    const certificates = ofType(plan, "cloudflare:index/originCaCertificate:OriginCaCertificate");
    assert.equal(certificates.length, 3);
    assert.ok(certificates.every(({ retainOnDelete }) => retainOnDelete));
  });

  it("lets each cloud add backups to each other, six directions in all", () => {
    const backups = plan.outputs.backups as Record<string, Record<string, { cloud: string }>>;
    const directions = Object.entries(backups).flatMap(([from, targets]) =>
      Object.entries(targets).map(([to, target]) => {
        assert.equal(target.cloud, to);
        return `${from} to ${to}`;
      }),
    );
    assert.deepEqual(directions.sort(), [
      "aws to azure",
      "aws to gcp",
      "azure to aws",
      "azure to gcp",
      "gcp to aws",
      "gcp to azure",
    ]);
  });

  it("keeps certificates and the webhook's secret as secrets, and tells people what they need", () => {
    assert.ok(plan.outputs.certificates instanceof Secret);
    assert.ok(plan.outputs.webhookSecret instanceof Secret);
    const certificates = reveal(plan.outputs.certificates) as Record<string, unknown>;
    assert.deepEqual(Object.keys(certificates).sort(), ["aws", "azure", "gcp"]);
    assert.deepEqual(Object.keys(plan.outputs.github as object).sort(), ["aws", "azure", "gcp"]);
    assert.match(String(plan.outputs.ds), / DS /);
  });

  it("trusts GitHub by the account's provider where there is one", async function () {
    this.timeout(60_000);
    const githubProviderArn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    const given = await withClouds(members, { aws: { accountId: "111122223333", githubProviderArn } });
    const made = ofType(given, "aws:iam/openIdConnectProvider:OpenIdConnectProvider").map(({ name }) => name);
    assert.deepEqual(made, ["azure-backups", "gcp-backups"]);
    const role = ofType(given, "aws:iam/role:Role").find(({ name }) => name === "skykv-github");
    assert.ok(String(role?.inputs.assumeRolePolicy).includes(githubProviderArn));
  });

  it("without a cloud has the certificates, the zone and no load balancer", async function () {
    this.timeout(60_000);
    const empty = await withClouds({});
    assert.equal(ofType(empty, "cloudflare:index/loadBalancer:LoadBalancer").length, 0);
    assert.equal(ofType(empty, "cloudflare:index/originCaCertificate:OriginCaCertificate").length, 3);
    assert.deepEqual(empty.outputs.egressAddresses, {});
    const alerts = ofType(empty, "cloudflare:index/notificationPolicy:NotificationPolicy").map(({ name }) => name);
    assert.deepEqual(alerts, ["edge-certificate", "origin-pull-certificate"]);
  });

  describe("changed", function () {
    this.timeout(120_000);

    const { aws, gcp, azure } = members;
    const balancer = "cloudflare:index/loadBalancer:LoadBalancer";

    async function changes(before: Plan, after: Plan): Promise<readonly Change[]> {
      const { compare } = await import("../../../infra/plan/compare/compare.ts");
      return (await compare(before, after, providerTables)).changes;
    }

    /** `update LoadBalancer edge`, sorted. */
    const told = (list: readonly Change[]) =>
      list
        .filter(({ kind }) => kind !== "create" && kind !== "delete")
        .map(({ kind, type, name }) => `${kind} ${type.split(":").at(-1)} ${name}`)
        .sort();
    const alerts = ["update NotificationPolicy cloud-enablement", "update NotificationPolicy cloud-health"];

    it("by the order of the clouds is not changed at all", async () => {
      const turned = await withClouds({ azure, gcp, aws });
      assert.deepEqual(await changes(plan, turned), []);
    });

    it("by one more cloud gets what is for it, and the load balancer and the alerts are told", async () => {
      const two = await withClouds({ aws, gcp });
      const list = await changes(two, plan);
      assert.deepEqual(told(list), ["update LoadBalancer edge", ...alerts]);
      const made = list.filter(({ kind }) => kind === "create");
      assert.ok(made.length > 0 && list.every(({ kind }) => kind !== "delete"));
      // All of it is in Azure, or for those who come from there.
      const strangers = made.filter(({ name, within }) => ![name, ...within].some((word) => word.includes("azure")));
      assert.deepEqual(strangers, []);
    });

    it("by a drained cloud changes the load balancer alone, which has it nowhere", async () => {
      const drained = await withClouds({ aws: { ...aws, state: "drained" }, gcp, azure });
      assert.deepEqual(told(await changes(plan, drained)), ["update LoadBalancer edge"]);
      assert.equal((await changes(plan, drained)).length, 1);
      const inputs = only(drained, balancer);
      const ids = [
        inputs.fallbackPool!,
        ...(inputs.defaultPools as string[]),
        ...Object.values(inputs.regionPools as Record<string, string[]>).flat(),
      ];
      assert.ok(ids.every((id) => !isPool(id, "aws")));
    });

    it("by a removed cloud loses what was for it, and replaces nothing", async () => {
      const without = await withClouds({ gcp, azure });
      const list = await changes(plan, without);
      assert.deepEqual(told(list), ["update LoadBalancer edge", ...alerts]);
      const gone = list.filter(({ kind }) => kind === "delete");
      assert.ok(gone.length > 0 && list.every(({ kind }) => kind !== "create"));
      assert.deepEqual(
        gone.filter(({ name, within }) => ![name, ...within].some((word) => word.includes("aws"))),
        [],
      );
    });

    it("by steering or preference updates the load balancer in place", async () => {
      const off = await withClouds(members, { steering: { policy: "off", preference: ["gcp", "azure", "aws"] } });
      assert.deepEqual(told(await changes(plan, off)), ["update LoadBalancer edge"]);
      const inputs = only(off, balancer);
      assert.ok(isPool(inputs.fallbackPool!, "gcp"));
      for (const pools of Object.values(inputs.regionPools as Record<string, string[]>)) {
        assert.deepEqual(pools, inputs.defaultPools);
      }
    });

    it("by one more generation of authorities trusts both, and replaces no certificate in use", async () => {
      const both = await withClouds(members, { authorities: ["a", "b"] });
      const list = await changes(plan, both);
      assert.deepEqual([...new Set(list.map(({ kind }) => kind))], ["create"]);
      assert.equal(String(both.outputs.peerCa).match(/BEGIN CERTIFICATE/g)?.length, 2);
      const turned = await changes(both, await withClouds(members, { authorities: ["b", "a"] }));
      const servers = turned.filter(({ type }) => type.endsWith(":OriginCaCertificate"));
      assert.deepEqual(servers.map(({ kind }) => kind).sort(), [
        ...Array(3).fill("create"),
        ...Array(3).fill("delete"),
      ]);
      assert.ok(servers.every(({ kind, retained }) => kind === "create" || retained));
    });
  });
});
