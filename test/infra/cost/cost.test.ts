import assert from "node:assert/strict";
import { loads } from "../../../infra/config/load.ts";
import { costOf } from "../../../infra/plan/cost/cost.ts";
import { rules } from "../../../infra/plan/cost/rules/rules.ts";
import { readSettings } from "../../../infra/plan/cost/settings.ts";
import { factsOf, providerTables } from "../../../infra/plan/providers/index.ts";
import type { PlannedResource } from "../../../infra/plan/resource.ts";
import { costText } from "../../../infra/plan/view/cost.ts";
import { plainStyle } from "../../../infra/plan/view/style.ts";
import { planned, planOf } from "../support/plans.ts";

const key = planned({ type: "aws:kms/key:Key", name: "key" });
const gateway = (name: string) => planned({ type: "aws:ec2/natGateway:NatGateway", name });

const cost = (budget: number | null, ...resources: readonly PlannedResource[]) =>
  costOf(planOf(...resources), { kind: "aws", load: loads.standard, budget, clouds: 3, cloudflarePlan: "business" });

describe("the rules of costs", () => {
  const tables = { aws: "aws", gcp: "gcp", azure: "azure-native" } as const;

  it("have one for each type that the program can ask a cloud for, whatever its configuration", async () => {
    for (const [kind, name] of Object.entries(tables) as [keyof typeof tables, string][]) {
      const { resources } = (await providerTables(name))!;
      assert.deepEqual(
        Object.keys(resources).filter((type) => rules[kind][type] === undefined),
        [],
      );
    }
  });

  it("have none for a type that there is not", async () => {
    const types = Object.values(rules).flatMap((some) => Object.keys(some));
    for (const type of new Set(types)) assert.ok(await factsOf(providerTables, type), type);
  });
});

describe("the cost of a plan", () => {
  it("names a type that no rule knows as not counted", () => {
    const { usd, uncounted } = cost(null, planned({ type: "aws:new/thing:Thing", name: "x" }));
    assert.equal(usd, 0);
    assert.deepEqual(
      uncounted.map(({ type }) => type),
      ["aws:new/thing:Thing"],
    );
  });

  it("names a size without a price as not counted", () => {
    const inputs = { nodeType: "cache.x9.huge", numNodeGroups: 1 };
    const { uncounted } = cost(
      null,
      planned({ type: "aws:elasticache/replicationGroup:ReplicationGroup", name: "c", inputs }),
    );
    assert.match(uncounted[0]!.why, /cache\.x9\.huge/);
  });

  it("counts what resources share once, and each of them", () => {
    const [one, three] = [cost(null, gateway("a")), cost(null, gateway("a"), gateway("b"), gateway("c"))];
    const of = ({ lines }: typeof one, price: string) => lines.find((line) => line.price === price)!;
    assert.equal(of(three, "aws NAT gateway").quantity, 3 * of(one, "aws NAT gateway").quantity);
    const [data, same] = [one, three].map((found) => of(found, "aws NAT gateway data").quantity);
    assert.ok(Math.abs(data! - same!) < 1e-9);
  });

  it("leaves out what is only read", () => {
    assert.equal(cost(null, planned({ type: "aws:kms/key:Key", name: "given", external: true })).usd, 0);
  });
});

describe("a budget", () => {
  it("is exceeded by what costs more", () => assert.equal(cost(0.25, key).excess, 0.75));
  it("holds where the cost is no more", () => assert.equal(cost(1, key).excess, 0));
  it("is none where none is set", () => assert.equal(cost(null, key).excess, 0));

  it("says by how much it is exceeded, and which keys of the configuration change that", () => {
    const text = costText(cost(20, gateway("a")), { width: 120, style: plainStyle }).join("\n");
    assert.match(text, /✗ USD 61 over the budget of USD 20\./);
    assert.match(text, / 33 {2}NAT gateway: network\.natPerZone/);
  });
});

describe("the settings of costs", () => {
  const read = (values: Record<string, string>) =>
    readSettings({
      project: "skykv",
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [`skykv:${name}`, value])),
      secretKeys: [],
    });

  it("are those of the profile where the configuration says nothing", () => {
    assert.deepEqual(read({ kind: "aws", profile: "small" }), {
      kind: "aws",
      load: loads.small,
      budget: null,
      clouds: 3,
      cloudflarePlan: "business",
    });
  });

  it("are those of the configuration where it says something", () => {
    const values = { kind: "gcp", peers: '["gcp","aws"]', cloudflare: '{"plan":"pro"}' };
    const settings = read({ ...values, cost: '{"budget":900,"load":{"reads":7}}' });
    assert.deepEqual(settings, {
      kind: "gcp",
      load: { ...loads.standard, reads: 7 },
      budget: 900,
      clouds: 2,
      cloudflarePlan: "pro",
    });
  });

  it("are none in another project", () => {
    assert.equal(readSettings({ project: "shop", values: { "shop:kind": "aws" }, secretKeys: [] }), null);
  });
});
