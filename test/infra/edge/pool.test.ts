import assert from "node:assert/strict";
import fc from "fast-check";
import { cloudflarePlans, planLimits } from "../../../infra/edge/plans.ts";
import { addressRecords, monitorOf, poolName, poolOf, probeOf } from "../../../infra/edge/pool.ts";
import { clouds } from "../../../infra/names.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const domain = fc
  .array(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/), { minLength: 2, maxLength: 5 })
  .map((labels) => labels.join("."));
/** Addresses by word; in a plan they are outputs, which nothing here looks into. */
const addresses = fc.dictionary(word, fc.ipV4(), { minKeys: 1, maxKeys: 6 }) as fc.Arbitrary<never>;
const cloud = fc.constantFrom(...clouds);

const probe = {
  timeout: 5,
  retries: 1,
  consecutiveDown: 2,
  consecutiveUp: 2,
  regions: ["ENAM", "WEU"] as ("ENAM" | "WEU")[],
};

describe("the pool of a cloud", () => {
  it("has its endpoints by name, one for each address, in the order in which the API returns them", () => {
    fc.assert(
      fc.property(cloud, domain, addresses, (cloud, domain, addresses) => {
        const names = poolOf(cloud, domain, addresses).origins.map(({ name }) => name);
        assert.deepEqual(names, [...names].sort());
        assert.equal(new Set(names).size, Object.keys(addresses).length);
      }),
    );
  });

  it("is the same whatever order the addresses come in", () => {
    fc.assert(
      fc.property(cloud, domain, addresses, (cloud, domain, addresses) => {
        const turned = Object.fromEntries(Object.entries(addresses).reverse()) as never;
        assert.deepEqual(poolOf(cloud, domain, turned), poolOf(cloud, domain, addresses));
      }),
    );
  });

  it("asks for the cloud's own host name, by which a tunnel knows the request", () => {
    const [origin] = poolOf("gcp", "kv.example.com", { a: "203.0.113.1" } as never).origins;
    assert.deepEqual(origin?.header, { hosts: ["gcp.kv.example.com"] });
  });

  it("has a name that the API accepts, and that no other cloud or domain has", () => {
    fc.assert(
      fc.property(cloud, domain, cloud, domain, (cloud, domain, other, elsewhere) => {
        assert.match(poolName(cloud, domain), /^[A-Za-z0-9_-]+$/);
        const same = `${cloud}.${domain}` === `${other}.${elsewhere}`;
        assert.equal(poolName(cloud, domain) === poolName(other, elsewhere), same);
      }),
    );
  });
});

describe("the probe of a cloud", () => {
  const cloudflare = (plan: (typeof cloudflarePlans)[number]) => ({ plan, accountId: "", zoneId: "", zone: "" });

  it("is as frequent as the plan allows, unless the configuration says how frequent", () => {
    for (const plan of cloudflarePlans) {
      const least = planLimits[plan].probeInterval;
      assert.equal(probeOf({ probe, cloudflare: cloudflare(plan) }).interval, least);
      assert.equal(probeOf({ probe: { ...probe, interval: 90 }, cloudflare: cloudflare(plan) }).interval, 90);
    }
  });

  it("asks /ready over TLS, verifies the certificate, and counts at least one interval both ways", () => {
    const monitor = monitorOf("aws.kv.example.com", probeOf({ probe, cloudflare: cloudflare("pro") }));
    assert.deepEqual([monitor.type, monitor.port, monitor.path], ["https", 443, "/ready"]);
    assert.equal(monitor.allowInsecure, false);
    assert.ok(monitor.consecutiveUp >= 1 && monitor.consecutiveDown >= 1);
    assert.deepEqual(monitor.header, { Host: ["aws.kv.example.com"] });
    for (const [name, value] of Object.entries(monitor)) assert.notEqual(value ?? null, null, name);
  });
});

describe("the name records of a cloud", () => {
  it("are one for each address, named by its word, and lead past the edge", () => {
    fc.assert(
      fc.property(addresses, (addresses) => {
        const balancer = { addresses, annotations: {}, loadBalancerClass: null };
        const records = addressRecords("api", "aws.kv.example.com", balancer);
        assert.deepEqual(
          records.map(([name]) => name),
          Object.keys(addresses).map((word) => `api-${word}`),
        );
        assert.ok(records.every(([, { proxied, type }]) => !proxied && type === "A"));
      }),
    );
    assert.deepEqual(addressRecords("api", "aws.kv.example.com", null), []);
  });
});
