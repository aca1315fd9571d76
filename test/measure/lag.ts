import { type Event, Watcher } from "../processes/watcher.ts";
import type { Cluster } from "../support/cluster.ts";
import { until } from "../support/kv.ts";
import { atPace, forSeconds, type Quantiles, quantiles } from "./pace.ts";
import { request } from "./request.ts";

export type LagOptions = {
  readonly from: string;
  readonly to: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
};

export type Lag = {
  /** How long the writes took. */
  readonly writes: Quantiles;
  /** By cloud: from the answer to a write until it could be read there. */
  readonly readable: ReadonlyMap<string, Quantiles>;
};

const keys = 10_000;
const value = "v".repeat(256);
/** Of so many events one is followed by a read, to see that what a watch tells can be read. */
const checkedEvents = 50;

let runs = 0;

/** Writes in one cloud and looks when each write can be read in others: when a watch there tells of it. */
export async function measureLag(cluster: Cluster, { from, to, perSecond, seconds }: LagOptions): Promise<Lag> {
  const run = ++runs;
  const keyOf = (index: number) => `lag/${run}/${index % keys}`;
  const answeredAt = new Map<string, number>();
  const arrivals = new Map(to.map((cloud) => [cloud, [] as { version: string; at: number }[]]));
  const reads: Promise<unknown>[] = [];
  const watchers = await Promise.all(
    to.map((cloud) => {
      const kv = cluster.kv(cloud);
      const arrived = arrivals.get(cloud)!;
      const onEvent = ({ key, version }: Event) => {
        if (arrived.push({ version, at: performance.now() }) % checkedEvents === 0)
          reads.push(kv.get(key, {}).then((found) => assertNoOlder(cloud, key, version, found?.version)));
      };
      return Watcher.start("stream", () => cluster.services.get(cloud)!.url, { prefix: `lag/${run}/` }, onEvent);
    }),
  );
  try {
    const { url } = cluster.services.get(from)!;
    const last = new Map<string, string>();
    const took = await atPace(perSecond, forSeconds(seconds), async (index) => {
      const { version } = await request(url, "PUT", `/${keyOf(index)}`, value);
      answeredAt.set(version!, performance.now());
      if ((last.get(keyOf(index)) ?? "") < version!) last.set(keyOf(index), version!);
    });
    for (const [i, watcher] of watchers.entries())
      await until(`${to[i]} has every key's last write`, 60_000, () => {
        const told = new Map(watcher.events.map(({ key, version }) => [key, version]));
        return [...last].every(([key, version]) => told.get(key) === version);
      });
    await Promise.all(reads);
    const delays = [...arrivals].map(([cloud, arrived]) => {
      const known = arrived.filter(({ version }) => answeredAt.has(version));
      return [cloud, quantiles(known.map(({ version, at }) => Math.max(0, at - answeredAt.get(version)!)))] as const;
    });
    return { writes: quantiles(took), readable: new Map(delays) };
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.stop()));
  }
}

function assertNoOlder(cloud: string, key: string, told: string, found: string | undefined): void {
  if (found === undefined || found < told) throw new Error(`${cloud} told of ${key} ${told}, but answered ${found}`);
}
