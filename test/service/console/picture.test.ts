import assert from "node:assert/strict";
import {
  cloudsOf,
  floorAge,
  flowsBetween,
  pairsOf,
  type Seen,
  sentenceOf,
} from "../../../service/console/app/clouds/picture.ts";
import type { Box, BoxCloud } from "../../../service/console/app/clouds/state.ts";
import type { Cluster } from "../../../service/console/app/types.ts";

const well: BoxCloud = {
  cloud: "aws",
  location: { latitude: 0, longitude: 0 },
  state: "active",
  isCutOff: false,
  health: { status: "up" },
  traffic: { answers: {} },
  condition: "running",
  peerLinks: "open",
};
const boxOf = (...clouds: BoxCloud[]): Box => ({ edge: { region: "WEU" }, regions: {}, clouds });
/** What a cloud tells of its peers. */
const cluster = (cloud: string, lags: Record<string, number>): Cluster => ({
  cloud,
  release: "0",
  incarnation: "i",
  clouds: [
    { name: cloud, self: true, ready: true, expelled: false, lag_ms: 0, repaired_at: null },
    ...Object.entries(lags).map(([name, lag_ms]) => ({
      name,
      self: false,
      ready: lag_ms < 30_000,
      expelled: false,
      lag_ms,
      repaired_at: null,
    })),
  ],
  floor_age_ms: 0,
  ready: true,
  drained: false,
  database: { version: "18", clock_skew_ms: 0, horizon_age_ms: 0 },
  cache: { l1_entries: 0, l1_bytes: 0, l2: "none" },
  watchers: 0,
});
const seen = (box: Box | null, clusters: Record<string, Cluster | null>, at = 0): Seen => ({
  at,
  box,
  clusters: new Map(Object.entries(clusters)),
});

describe("the console's picture of the clouds", () => {
  const toneAndTroubles = (cloud: Partial<BoxCloud>) => {
    const [{ tone, troubles }] = cloudsOf(seen(boxOf({ ...well, ...cloud }), {})) as [ReturnType<typeof cloudsOf>[0]];
    return [tone, troubles.join()];
  };

  it("names everything that was done to a cloud of a box", () => {
    assert.deepEqual(toneAndTroubles({}), ["live", ""]);
    assert.deepEqual(toneAndTroubles({ condition: "down" }), ["stopped", "killed"]);
    assert.deepEqual(toneAndTroubles({ condition: "frozen", health: { status: "down" } }), [
      "stopped",
      "frozen,gets no clients",
    ]);
    assert.deepEqual(toneAndTroubles({ peerLinks: "cut", isCutOff: true }), [
      "waiting",
      "cut off from its peers,cut off from the edge",
    ]);
    assert.deepEqual(toneAndTroubles({ peerLinks: "slow", state: "drained" }), [
      "waiting",
      "slow links to its peers,drained",
    ]);
  });

  it("of a deployment is what the one cloud that answers says", () => {
    const clouds = cloudsOf(seen(null, { aws: cluster("aws", { gcp: 5, azure: 40_000 }) }));
    assert.deepEqual(
      clouds.map(({ name, tone, troubles, box }) => [name, tone, troubles.join(), box]),
      [
        ["aws", "live", "", null],
        ["gcp", "live", "", null],
        ["azure", "stopped", "away, or far behind", null],
      ],
    );
    assert.equal(sentenceOf(clouds), "azure: away, or far behind");
  });

  it("has the lag of each pair, and none of a cloud that does not answer", () => {
    const pairs = pairsOf(seen(null, { aws: cluster("aws", { gcp: 5 }), gcp: null }));
    assert.deepEqual(
      pairs.map(({ from, to, lagMs }) => [from, to, lagMs]),
      [
        ["aws", "gcp", 5],
        ["gcp", "aws", null],
      ],
    );
  });

  it("counts what clients of each region got between two looks", () => {
    const box = (answers: Record<string, number>) => boxOf({ ...well, traffic: { answers } });
    const flows = flowsBetween(seen(box({ WEU: 5, OC: 7 }), {}, 1000), seen(box({ WEU: 25, OC: 7, ME: 4 }), {}, 3000));
    assert.deepEqual(flows, [
      { region: "WEU", cloud: "aws", perSecond: 10 },
      { region: "ME", cloud: "aws", perSecond: 2 },
    ]);
  });

  it("knows a floor that has not risen, which is as old as time", () => {
    const now = Date.UTC(2026, 0, 1);
    const aged = (age: number) => floorAge({ ...cluster("aws", {}), floor_age_ms: age }, now);
    assert.deepEqual([aged(3_600_000), aged(now)], [3_600_000, null]);
  });

  it("is well when nothing is wrong", () => {
    assert.equal(sentenceOf(cloudsOf(seen(boxOf(well), {}))), "All clouds are well");
  });
});
