import assert from "node:assert/strict";
import { ConfigError, parseConfig } from "../../../infra/config/config.ts";
import type { GcpConfig } from "../../../infra/config/gcp.ts";

const given = {
  kind: "gcp",
  owner: "platform-team",
  domain: "kv.example.com",
  project: "acme-skykv",
  projectNumber: "123456789012",
  region: "us-central1",
  globalStack: "acme/skykv/global",
  cloudflare: {
    accountId: "0123456789abcdef0123456789abcdef",
    zoneId: "fedcba9876543210fedcba9876543210",
    zone: "example.com",
  },
};

function problemsOf(changes: object): readonly string[] {
  try {
    parseConfig({ ...given, ...changes });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the configuration of Google Cloud", () => {
  it("opens neither the cluster's host name nor its address to the internet, until it is told otherwise", () => {
    assert.deepEqual((parseConfig(given) as GcpConfig).cluster.endpoint, { cidrs: [], dns: false });
  });

  it("refuses a machine of the database that its edition does not have", () => {
    const [problem, ...others] = problemsOf({ database: { edition: "ENTERPRISE_PLUS", tier: "db-custom-2-7680" } });
    assert.match(problem!, /^skykv:database: expected a tier db-perf-optimized-N-/);
    assert.deepEqual(others, []);
    assert.deepEqual(problemsOf({ database: { edition: "ENTERPRISE", tier: "db-custom-2-7680" } }), []);
  });

  it("refuses a network with too few addresses for nodes", () => {
    assert.match(problemsOf({ network: { cidr: "10.0.0.0/19" } }).join(), /skykv:network\.cidr: .*\/12 to \/18/);
    assert.deepEqual(problemsOf({ network: { cidr: "10.0.0.0/18" } }), []);
  });

  it("refuses a network that is named in another form than Google's", () => {
    const existing = {
      network: "shared",
      subnetwork: "projects/acme-net/regions/us-central1/subnetworks/skykv",
      podsRange: "pods",
      servicesRange: "services",
      egressAddresses: ["203.0.113.20"],
    };
    const problems = problemsOf({ network: { existing } });
    assert.deepEqual(problems.length, 1);
    assert.match(problems[0]!, /network.*projects\/P\/global\/networks\/N/);
  });
});
