import assert from "node:assert/strict";
import fc from "fast-check";
import { distance, findLocation, type Location, locationOf, locations } from "../../../infra/edge/locations.ts";
import { type Member, regions, steer } from "../../../infra/edge/steering.ts";
import { type Cloud, clouds } from "../../../infra/names.ts";

const locationsAnywhere: fc.Arbitrary<Location> = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});

/** Any subset of the clouds in any order of preference, anywhere, at least one of them active. */
const members: fc.Arbitrary<Member[]> = fc
  .shuffledSubarray([...clouds], { minLength: 1 })
  .chain((some) =>
    fc.tuple(
      ...some.map((cloud) =>
        fc.record({
          cloud: fc.constant(cloud),
          state: fc.constantFrom("active" as const, "drained" as const),
          location: locationsAnywhere,
        }),
      ),
    ),
  )
  .filter((some) => some.some(({ state }) => state === "active"));

const policies = fc.constantFrom("geo" as const, "off" as const);
const names = (given: readonly Member[]) => given.map(({ cloud }) => cloud);
const active = (given: readonly Member[]) => names(given.filter(({ state }) => state === "active"));

describe("steering", () => {
  it("has an order for every region, which holds each active cloud once and no other", () => {
    fc.assert(
      fc.property(policies, members, (policy, given) => {
        const steering = steer(policy, given);
        assert.deepEqual(Object.keys(steering.regions).sort(), Object.keys(regions).sort());
        for (const order of [steering.order, ...Object.values(steering.regions)]) {
          assert.deepEqual([...order].sort(), active(given).sort());
        }
      }),
    );
  });

  it("falls back to the preferred of the active clouds, never to a drained one", () => {
    fc.assert(
      fc.property(policies, members, (policy, given) => {
        assert.equal(steer(policy, given).fallback, active(given)[0]);
      }),
    );
  });

  it("by distance gives each region its nearest cloud first, and of equals the preferred", () => {
    fc.assert(
      fc.property(members, (given) => {
        const steering = steer("geo", given);
        for (const [region, order] of Object.entries(steering.regions)) {
          const point = regions[region as keyof typeof regions];
          const away = (cloud: Cloud) => distance(point, given.find((member) => member.cloud === cloud)!.location);
          for (const [index, cloud] of order.slice(1).entries()) {
            const [nearer, farther] = [away(order[index]!), away(cloud)];
            assert.ok(nearer <= farther, `${region}: ${order}`);
            if (nearer === farther) assert.ok(names(given).indexOf(order[index]!) < names(given).indexOf(cloud));
          }
        }
      }),
    );
  });

  it("by preference gives all regions one order", () => {
    fc.assert(
      fc.property(members, (given) => {
        const steering = steer("off", given);
        for (const order of Object.values(steering.regions)) assert.deepEqual(order, active(given));
      }),
    );
  });

  it("is the same with a drained cloud as without it", () => {
    fc.assert(
      fc.property(policies, members, (policy, given) => {
        const without = given.filter(({ state }) => state === "active");
        assert.deepEqual(steer(policy, given), steer(policy, without));
      }),
    );
  });

  it("is refused without an active cloud", () => {
    const drained: Member = { cloud: "aws", state: "drained", location: { latitude: 0, longitude: 0 } };
    assert.throws(() => steer("geo", [drained]), /expected at least one active cloud, found none/);
    assert.throws(() => steer("geo", []), /expected at least one active cloud, found none/);
  });

  it("sends Europe to Europe and Japan to Japan", () => {
    const at = (cloud: Cloud, region: string): Member => ({
      cloud,
      state: "active",
      location: locationOf(cloud, region, undefined),
    });
    const { regions: orders } = steer("geo", [
      at("aws", "us-east-1"),
      at("gcp", "europe-west1"),
      at("azure", "japaneast"),
    ]);
    assert.deepEqual(orders.ENAM, ["aws", "gcp", "azure"]);
    assert.deepEqual(orders.WEU[0], "gcp");
    assert.deepEqual(orders.NEAS[0], "azure");
    assert.deepEqual(orders.OC[0], "azure");
  });
});

describe("distance", () => {
  it("is the same in both directions, zero to oneself, and never more than half around the earth", () => {
    fc.assert(
      fc.property(locationsAnywhere, locationsAnywhere, (a, b) => {
        assert.ok(Math.abs(distance(a, b) - distance(b, a)) < 1e-6);
        assert.equal(distance(a, a), 0);
        assert.ok(distance(a, b) >= 0 && distance(a, b) <= 20_016);
      }),
    );
  });

  it("goes the short way over the date line", () => {
    const km = distance({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 });
    assert.ok(Math.abs(km - 222.4) < 0.1, `${km}`);
  });
});

describe("the place of a region", () => {
  it("is known for the regions of all clouds, somewhere on earth", () => {
    for (const cloud of clouds) {
      for (const { latitude, longitude } of Object.values(locations[cloud])) {
        assert.ok(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180);
      }
    }
  });

  it("is what the configuration says, over what is known", () => {
    const given = { latitude: 1, longitude: 2 };
    assert.deepEqual(findLocation("aws", "us-east-1", given), given);
    assert.equal(findLocation("aws", "mars-north-1", undefined), undefined);
    assert.throws(() => locationOf("aws", "mars-north-1", undefined), /found mars-north-1/);
  });
});
