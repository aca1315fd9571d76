/**
 * Which cloud answers whom: the one definition from which Cloudflare's load balancer and the box's edge are made. Pure.
 */
import type { Cloud } from "../names.ts";
import { distance, type Location } from "./locations.ts";

/** Cloudflare's regions of clients, with a point in the middle of the people who live there. */
export const regions = {
  WNAM: { latitude: 37, longitude: -120 },
  ENAM: { latitude: 40, longitude: -79 },
  NSAM: { latitude: 5, longitude: -72 },
  SSAM: { latitude: -23, longitude: -51 },
  WEU: { latitude: 49, longitude: 4 },
  EEU: { latitude: 51, longitude: 27 },
  NAF: { latitude: 30, longitude: 15 },
  SAF: { latitude: -15, longitude: 28 },
  ME: { latitude: 28, longitude: 47 },
  SAS: { latitude: 22, longitude: 78 },
  SEAS: { latitude: 5, longitude: 108 },
  NEAS: { latitude: 36, longitude: 122 },
  OC: { latitude: -33, longitude: 147 },
} as const satisfies Record<string, Location>;

export type Region = keyof typeof regions;

/** How a cloud is found to be able to serve. Times in seconds. */
export type Probe = {
  readonly path: "/ready";
  readonly interval: number;
  readonly timeout: number;
  /** Repeats at once after a timeout. */
  readonly retries: number;
  /** Failed intervals until a cloud gets no more traffic; at least 1, as 0 shows a difference in every preview. */
  readonly consecutiveDown: number;
  /** Good intervals until it gets traffic again. */
  readonly consecutiveUp: number;
  /** Where probes come from; never left out, which would mean every data centre and needs an enterprise contract. */
  readonly regions: readonly Region[];
};

export type Member = {
  readonly cloud: Cloud;
  /** `drained` takes no traffic, and stays a peer. */
  readonly state: "active" | "drained";
  readonly location: Location;
};

export type Steering = {
  /** `geo`: each region has its nearest clouds first. `off`: all have the order of preference. */
  readonly policy: "geo" | "off";
  /** The active clouds, most preferred first. */
  readonly order: readonly Cloud[];
  /**
   * For each region all active clouds, first to last choice. Each region has all, because a failing request is tried again
   * within its region's order only; and each policy has this map, because Cloudflare keeps the one it was last given.
   */
  readonly regions: Readonly<Record<Region, readonly Cloud[]>>;
  /** Gets the traffic when every probe fails: a false alarm more often than the loss of all. Never a drained cloud. */
  readonly fallback: Cloud;
};

/**
 * @param members the clouds behind the edge, most preferred first; of two equally near the preferred comes first
 * @throws RangeError when none of them is active: an edge without a cloud answers nobody
 */
export function steer(policy: Steering["policy"], members: readonly Member[]): Steering {
  const active = members.filter(({ state }) => state === "active");
  const first = active[0];
  if (first === undefined) throw new RangeError("expected at least one active cloud, found none");
  const order = active.map(({ cloud }) => cloud);
  const nearest = (point: Location) =>
    active.toSorted((a, b) => distance(point, a.location) - distance(point, b.location)).map(({ cloud }) => cloud);
  return {
    policy,
    order,
    regions: mapRegions((point) => (policy === "geo" ? nearest(point) : order)),
    fallback: first.cloud,
  };
}

function mapRegions<Result>(of: (point: Location) => Result): Record<Region, Result> {
  const entries = Object.entries(regions).map(([region, point]) => [region, of(point)]);
  return Object.fromEntries(entries) as Record<Region, Result>;
}
