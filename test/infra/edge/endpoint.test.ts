import assert from "node:assert/strict";
import { clouds } from "../../../infra/names.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks, run } from "../support/sdks.ts";

const ofType = ({ resources }: Plan, type: string) =>
  resources.filter((resource) => resource.type === `cloudflare:index/${type}`);
const one = (plan: Plan, type: string) => {
  const [found, ...others] = ofType(plan, type);
  assert.ok(found !== undefined && others.length === 0, `expected one ${type}`);
  return found;
};
type Origin = { readonly name: string; readonly address: string };

for (const cloud of clouds) {
  describe(`the place of ${cloud} at the edge`, function () {
    this.timeout(120_000);
    const plans = {} as Record<"loadbalancer" | "tunnel", Plan>;
    before(async function () {
      needsSdks(this);
      plans.loadbalancer = await run({ stack: cloud, mode: "up" });
      plans.tunnel = await run({ stack: cloud, mode: "up", config: { ingress: { mode: "tunnel" } } });
    });

    it("is a pool with a probe that is taken for a request of the zone, from places that are named", () => {
      const pool = one(plans.loadbalancer, "loadBalancerPool:LoadBalancerPool");
      const monitor = one(plans.loadbalancer, "loadBalancerMonitor:LoadBalancerMonitor");
      assert.ok(pool.dependencies.includes(monitor.urn));
      assert.equal(monitor.inputs.probeZone, "example.com");
      assert.deepEqual(pool.inputs.checkRegions, ["ENAM", "SEAS", "WEU"]);
      assert.ok(Math.abs(pool.inputs.latitude as number) > 0 && Math.abs(pool.inputs.longitude as number) > 0);
      assert.equal(pool.deleteBeforeReplace, false);
    });

    it("has an endpoint and a record for each address, and records for peers", () => {
      const pool = one(plans.loadbalancer, "loadBalancerPool:LoadBalancerPool");
      const origins = pool.inputs.origins as unknown as Origin[];
      const records = ofType(plans.loadbalancer, "dnsRecord:DnsRecord");
      const addresses = (host: string) =>
        records.filter(({ inputs }) => inputs.name === host).map(({ inputs }) => inputs.content);
      assert.ok(origins.length > 0);
      assert.deepEqual(
        addresses(`${cloud}.kv.example.com`),
        origins.map(({ address }) => address),
      );
      assert.ok(addresses(`${cloud}-peers.kv.example.com`).length > 0);
    });

    it("with a tunnel is the tunnel alone, protected, and no public address of the API", () => {
      const tunnel = one(plans.tunnel, "zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared");
      assert.ok(tunnel.protect);
      assert.equal("tunnelSecret" in tunnel.inputs, false);
      const pool = one(plans.tunnel, "loadBalancerPool:LoadBalancerPool");
      const [origin, ...others] = pool.inputs.origins as unknown as Origin[];
      assert.deepEqual(others, []);
      assert.match(origin!.address, /^[0-9a-f-]{36}\.cfargotunnel\.com$/);
      const names = ofType(plans.tunnel, "dnsRecord:DnsRecord").map(({ inputs }) => inputs.name);
      assert.deepEqual([...new Set(names)], [`${cloud}-peers.kv.example.com`]);
    });

    it("with a tunnel verifies the API's certificate, and answers other hosts with 404", () => {
      const { config } = one(plans.tunnel, "zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig").inputs;
      const rules = (config as unknown as { ingresses: Record<string, unknown>[] }).ingresses;
      assert.equal(rules[0]?.hostname, `${cloud}.kv.example.com`);
      assert.equal(rules[0]?.service, "https://api.skykv.svc.cluster.local:443");
      const request = rules[0]?.originRequest as Record<string, unknown>;
      assert.equal(request.originServerName, `${cloud}.kv.example.com`);
      assert.equal(request.noTlsVerify, false);
      assert.deepEqual(rules.at(-1), { service: "http_status:404" });
    });
  });
}
