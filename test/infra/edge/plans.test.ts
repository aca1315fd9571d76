import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ConfigError, type Kind, parseConfig } from "../../../infra/config/config.ts";
import { cloudflarePlans, planLimits, refusals } from "../../../infra/edge/plans.ts";
import { uncovered } from "../../../infra/edge/zone.ts";
import { repositoryFile } from "../support/sdks.ts";

/** The example of a stack with some keys changed. */
function example(kind: Kind, changes: Record<string, unknown>): Record<string, unknown> {
  const { config } = parse(readFileSync(repositoryFile(`infra/Pulumi.${kind}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  const given = Object.fromEntries(Object.entries(config).map(([name, value]) => [name.replace("skykv:", ""), value]));
  return { ...given, ...changes };
}

function problems(kind: Kind, changes: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(example(kind, changes));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const cloudflare = (changes: Record<string, unknown>) => ({
  accountId: "0123456789abcdef0123456789abcdef",
  zoneId: "fedcba9876543210fedcba9876543210",
  zone: "example.com",
  ...changes,
});

describe("a plan of Cloudflare's", () => {
  it("that is larger can do all that a smaller one can", () => {
    for (const [index, plan] of cloudflarePlans.slice(1).entries()) {
      const [smaller, larger] = [planLimits[cloudflarePlans[index]!], planLimits[plan]];
      assert.ok(larger.probeInterval <= smaller.probeInterval);
      assert.ok(larger.shortestEdgeTtl <= smaller.shortestEdgeTtl);
      assert.ok(larger.rateLimits.rules >= smaller.rateLimits.rules);
      assert.ok(larger.rateLimits.longestPeriod >= smaller.rateLimits.longestPeriod);
      assert.ok(Number(larger.managedRules) >= Number(smaller.managedRules));
    }
  });

  it("is not asked for more than it can do when nothing is asked for", () => {
    for (const plan of cloudflarePlans) assert.deepEqual(refusals({ plan, trafficSteering: true, policy: "geo" }), []);
  });

  it("refuses probes that are too frequent, with the plan that has them", () => {
    const found = problems("aws", { cloudflare: cloudflare({ plan: "pro" }), probe: { interval: 15 } });
    assert.deepEqual(found, [
      "skykv:probe.interval: expected at least 60 seconds on the plan pro, found 15; or take the plan business",
    ]);
  });

  it("refuses what no plan has without naming one", () => {
    const [refusal] = refusals({ plan: "enterprise", trafficSteering: true, probeInterval: 5 });
    assert.equal(refusal?.message, "expected at least 10 seconds on the plan enterprise, found 5");
  });

  it("refuses geo steering without its add-on, which enterprise needs not", () => {
    const [problem, ...others] = problems("global", { cloudflare: cloudflare({ trafficSteering: false }) });
    assert.match(problem!, /^skykv:steering\.policy: expected off, as geo needs the add-on Traffic Steering/);
    assert.deepEqual(others, []);
    const enterprise = cloudflare({ plan: "enterprise", trafficSteering: false });
    assert.deepEqual(problems("global", { cloudflare: enterprise }), []);
    const off = { cloudflare: cloudflare({ trafficSteering: false }), steering: { policy: "off" } };
    assert.deepEqual(problems("global", off), []);
  });

  it("refuses rules and limits that it has not", () => {
    const edge = { managedRules: true, failedLoginsPerMinute: 60 };
    const found = problems("global", { cloudflare: cloudflare({ plan: "free" }), edge });
    assert.deepEqual(found, [
      "skykv:edge.managedRules: expected false, as the plan free has none but the free set; or take the plan pro",
      "skykv:edge.failedLoginsPerMinute: expected nothing, as rate limits of the plan free cannot count answers; or take the plan business",
    ]);
  });

  it("refuses beside all else that is wrong, at once", () => {
    const found = problems("gcp", {
      owner: undefined,
      domain: "kv.example.org",
      region: "mars-north1",
      extra: 1,
      cloudflare: cloudflare({ plan: "free", zoneId: "x" }),
      probe: { interval: 10, regions: ["ENAM"] },
    });
    const paths = found.map((problem) => problem.split(": ")[0]).sort();
    assert.deepEqual(paths, [
      "skykv:cloudflare.zoneId",
      "skykv:domain",
      "skykv:extra",
      "skykv:location",
      "skykv:owner",
      "skykv:probe.interval",
      "skykv:probe.regions",
    ]);
  });
});

describe("the configuration of the edge", () => {
  const gcp = { project: "acme-skykv" };

  it("wants to know where an unknown region is", () => {
    const member = { state: "active", region: "mars-north1", stack: "acme/skykv/gcp" };
    const [problem, ...others] = problems("global", { clouds: { gcp: member }, gcp });
    assert.match(
      problem!,
      /^skykv:clouds\.gcp\.location: is missing: mars-north1 is not a region known here; expected its/,
    );
    assert.deepEqual(others, []);
    const placed = { ...member, location: { latitude: 0, longitude: 0 } };
    assert.deepEqual(problems("global", { clouds: { gcp: placed }, gcp }), []);
  });

  it("wants an active cloud once there is any", () => {
    const member = { state: "drained", region: "us-central1", stack: "acme/skykv/gcp" };
    assert.deepEqual(problems("global", { clouds: { gcp: member }, gcp }), [
      "skykv:clouds: expected at least one active cloud, or none at all, found only drained ones",
    ]);
    assert.deepEqual(problems("global", { clouds: {} }), []);
  });

  it("wants every cloud once in the order of preference", () => {
    const found = problems("global", { steering: { preference: ["aws", "aws", "gcp"] } });
    assert.deepEqual(found, ["skykv:steering.preference: expected each of aws, gcp, azure once"]);
  });

  it("wants a domain that Cloudflare's certificate covers", () => {
    assert.equal(uncovered("example.com", "example.com"), null);
    assert.equal(uncovered("kv.example.com", "example.com"), null);
    assert.match(uncovered("a.kv.example.com", "example.com")!, /expected the zone example.com or one name below it/);
    assert.match(uncovered("example.org", "example.com")!, /found example.org$/);
    assert.match(uncovered("evilexample.com", "example.com")!, /found evilexample.com$/);
  });
});
