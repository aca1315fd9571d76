/** What is to be shown of the clouds, worked out of what they and the box say. Pure. */
import type { Cluster } from "../types.ts";
import type { Box, BoxCloud } from "./state.ts";

const dayMs = 86_400_000;

export interface Seen {
  /** Milliseconds that never jump. */
  at: number;
  box: Box | null;
  /** What each cloud says of itself and its peers; null: it did not answer. Without a box there is one alone. */
  clusters: ReadonlyMap<string, Cluster | null>;
}

export interface CloudPicture {
  name: string;
  tone: "live" | "waiting" | "stopped";
  /** What was done to it or is wrong with it; empty: nothing. */
  troubles: string[];
  cluster: Cluster | null;
  box: BoxCloud | null;
}

export interface Pair {
  from: string;
  to: string;
  /** Since `to` was last known to have everything that was written at `from`; null: `from` does not say. */
  lagMs: number | null;
  /** When both were last compared key by key; null: not known, or a repair is due. */
  repairedAt: string | null;
}

/** Clients of a region and who answers them. */
export interface Flow {
  region: string;
  cloud: string;
  perSecond: number;
}

export function cloudsOf({ box, clusters }: Seen): CloudPicture[] {
  if (box) return box.clouds.map((cloud) => boxPicture(cloud, clusters.get(cloud.cloud) ?? null));
  const [own] = clusters.values();
  return (own?.clouds ?? []).map(({ name, self, ready }) => ({
    name,
    tone: ready ? "live" : "stopped",
    troubles: ready ? [] : [self ? "not ready" : "away, or far behind"],
    cluster: self ? own! : null,
    box: null,
  }));
}

function boxPicture(box: BoxCloud, cluster: Cluster | null): CloudPicture {
  const troubles = [
    { running: "", frozen: "frozen", starting: "starting", down: "killed" }[box.condition],
    { open: "", slow: "slow links to its peers", cut: "cut off from its peers" }[box.peerLinks],
    box.isCutOff && "cut off from the edge",
    box.state === "drained" && "drained",
    box.health.status !== "up" && "gets no clients",
  ].filter((text): text is string => Boolean(text));
  const isGone = box.condition === "down" || box.condition === "frozen";
  return {
    name: box.cloud,
    tone: isGone ? "stopped" : troubles.length > 0 ? "waiting" : "live",
    troubles,
    cluster,
    box,
  };
}

export function pairsOf({ clusters }: Seen): Pair[] {
  return [...clusters].flatMap(([from, cluster]): Pair[] => {
    const told = cluster?.clouds.filter(({ self }) => !self);
    if (told)
      return told.map(({ name, lag_ms, repaired_at }) => ({ from, to: name, lagMs: lag_ms, repairedAt: repaired_at }));
    const peers = [...clusters.keys()].filter((name) => name !== from);
    return peers.map((to) => ({ from, to, lagMs: null, repairedAt: null }));
  });
}

/** What clients got between two looks at a box. */
export function flowsBetween(before: Seen, after: Seen): Flow[] {
  const seconds = (after.at - before.at) / 1000;
  return (after.box?.clouds ?? []).flatMap(({ cloud, traffic }) => {
    const earlier = before.box?.clouds.find((one) => one.cloud === cloud)?.traffic.answers ?? {};
    return Object.entries(traffic.answers).flatMap(([region, answers]) => {
      const perSecond = (answers! - (earlier[region] ?? 0)) / seconds;
      return perSecond > 0 ? [{ region, cloud, perSecond }] : [];
    });
  });
}

/** Milliseconds; null while it has not risen: then it is of 1970. */
export function floorAge({ floor_age_ms: age }: Cluster, now: number): number | null {
  return now - age > dayMs ? age : null;
}

/** The state of all in a sentence, for those who hear it. */
export function sentenceOf(clouds: readonly CloudPicture[]): string {
  const troubled = clouds.filter(({ troubles }) => troubles.length > 0);
  if (troubled.length === 0) return "All clouds are well";
  return troubled.map(({ name, troubles }) => `${name}: ${troubles.join(", ")}`).join("; ");
}
