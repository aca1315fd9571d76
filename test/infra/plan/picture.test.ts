import assert from "node:assert/strict";
import { type Arrow, type Box, graphOf } from "../../../infra/plan/picture/graph.ts";
import type { Plan, PlannedResource } from "../../../infra/plan/resource.ts";
import { planned, planOf } from "../support/plans.ts";
import { needsSdks } from "../support/sdks.ts";
import { runFixture } from "./fixtures/run.ts";

function component(name: string, parent?: PlannedResource): PlannedResource {
  return planned({ type: "skykv:aws:Part", name, custom: false, ...(parent && { parent: parent.urn }) });
}

/** A resource in a component, that needs others. */
function part(of: PlannedResource, ...needs: PlannedResource[]): PlannedResource {
  const dependencies = needs.map(({ urn }) => urn);
  return planned({ type: "aws:x:X", name: `${of.name}-part`, parent: of.urn, dependencies });
}

describe("the picture of a plan", () => {
  /** `network > subnets`, one for each box. */
  const titles = (boxes: readonly Box[], outer = ""): string[] =>
    boxes.flatMap(({ title, boxes: inner }) => [`${outer}${title}`, ...titles(inner, `${outer}${title} > `)]);
  const arrows = (plan: Plan) => {
    const names = new Map(plan.resources.map(({ urn, name }) => [urn, name]));
    return graphOf(plan).arrows.map(({ from, to }: Arrow) => `${names.get(from)} → ${names.get(to)}`);
  };

  it("has a box for every component, two deep, and none around all", () => {
    const [network] = [component("network")];
    const subnets = component("subnets", network);
    const zone = component("zone", subnets);
    const [inZone, inRoot] = [part(zone), planned({ type: "aws:x:X", name: "loose" })];
    const plan = planOf(inRoot, network!, part(network!), subnets, zone, inZone);
    assert.deepEqual(titles(graphOf(plan).boxes), ["skykv", "network", "network > subnets"]);
    assert.deepEqual(
      graphOf(plan).boxes[1]!.boxes[0]!.lines,
      [{ text: "X", protect: false }],
      "what lies deeper counts",
    );
  });

  it("says what a component is made of, what is protected first, and not too much", () => {
    const blobs = component("blobs");
    const inside = (type: string, name: string, protect = false) =>
      planned({ type: `aws:s3:${type}`, name, parent: blobs.urn, protect });
    const kinds = ["A", "B", "C", "D", "E", "F"].map((type) => inside(type, "x"));
    const box = graphOf(planOf(blobs, ...kinds, inside("A", "y"), inside("Bucket", "values", true))).boxes[0]!;
    assert.deepEqual(
      box.lines.map(({ text, protect }) => `${text}${protect ? "!" : ""}`),
      ["Bucket!", "A × 2", "B", "C", "D", "2 more types"],
    );
  });

  it("has an arrow from component to component where resources need each other", () => {
    const [database, network] = [component("database"), component("network")];
    const inNetwork = part(network);
    assert.deepEqual(arrows(planOf(database, network, part(database, inNetwork), inNetwork)), ["database → network"]);
  });

  it("leaves out arrows that follow from others", () => {
    const [workload, database, keys] = [component("workload"), component("database"), component("keys")];
    const api = component("api", workload);
    const inKeys = part(keys);
    const inDatabase = part(database, inKeys);
    const plan = planOf(
      workload,
      api,
      database,
      keys,
      part(workload, inDatabase),
      part(api, inDatabase, inKeys),
      inDatabase,
      inKeys,
    );
    assert.deepEqual(arrows(plan), ["workload → database", "database → keys"]);
  });

  it("keeps the arrows of components that need each other", () => {
    const [one, other] = [component("one"), component("other")];
    const [inOne, inOther] = [part(one), part(other)];
    const late = planned({ type: "aws:y:Y", name: "late", parent: one.urn, dependencies: [inOther.urn] });
    const later = planned({ type: "aws:y:Y", name: "later", parent: other.urn, dependencies: [inOne.urn] });
    assert.deepEqual(arrows(planOf(one, other, inOne, inOther, late, later)), ["one → other", "other → one"]);
  });

  it("shows that what lies in a cluster needs the cluster", () => {
    const [cluster, workload] = [component("cluster"), component("workload")];
    const eks = part(cluster);
    const provider = planned({ type: "pulumi:providers:kubernetes", name: "k8s", dependencies: [eks.urn] });
    const pod = planned({ type: "kubernetes:core/v1:Pod", name: "p", parent: workload.urn, provider: provider.urn });
    const plan = planOf(cluster, workload, eks, provider, pod);
    assert.deepEqual(arrows(plan), ["workload → cluster"]);
    assert.deepEqual(titles(graphOf(plan).boxes), ["cluster", "workload"], "a provider is no part of the architecture");
  });

  describe("as SVG", () => {
    let plan: Plan;
    let svg: string;
    let toSvg: (plan: Plan) => Promise<string>;
    before(async function () {
      needsSdks(this);
      ({ toSvg } = await import("../../../infra/plan/picture/picture.ts"));
      plan = await runFixture("shop");
      svg = await toSvg(plan);
    });

    it("shows every component and every other stack", () => {
      const shown = [...svg.matchAll(/<text class="title"[^>]*>([^<]*)</g)].map(([, title]) => title);
      assert.deepEqual(shown.sort(), ["archive", "orders", "stack network"]);
    });

    it("tells what each arrow means", () => {
      assert.match(svg, /<title>archive needs orders \(3\)<\/title>/);
    });

    it("is well-formed, whatever things are called", async () => {
      const odd = component(`<"&'>`);
      isWellFormed(svg);
      isWellFormed(await toSvg(planOf(odd, part(odd))));
    });

    it("is the same for the same plan", async () => {
      assert.equal(await toSvg(plan), svg);
    });

    it("has no box over another, and none out of the picture", () => {
      const [, , width, height] = /viewBox="([^"]*)"/.exec(svg)![1]!.split(" ").map(Number);
      const boxes = [
        ...svg.matchAll(/<rect class="box[^>]* x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
      ];
      const sides = boxes.map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number]);
      for (const [i, [x, y, w, h]] of sides.entries()) {
        assert.ok(x + w < width! && y + h < height!);
        for (const [x2, y2, w2, h2] of sides.slice(i + 1)) {
          assert.ok(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y);
        }
      }
    });
  });
});

/** As far as it matters here: every element is closed in turn, and text and attributes are escaped. */
function isWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(/<(\/?)([a-zA-Z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(\/?)>/g, (_, end, name, __, empty) => {
    if (end) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
    return "";
  });
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /[<>]|&(?!(amp|lt|gt|quot);)/);
}
