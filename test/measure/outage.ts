import { checkCopies } from "../chaos/checks/copies.ts";
import type { Cluster } from "../support/cluster.ts";
import { copiesOf, query } from "../support/databases.ts";
import { until } from "../support/kv.ts";
import { age, type Sizes, sizesOf } from "./ageing.ts";
import { atPace, forSeconds } from "./pace.ts";
import { request } from "./request.ts";

export type OutageOptions = {
  /** The cloud that is cut off. */
  readonly away: string;
  readonly seconds: number;
  /** Writes a second in each cloud, the one that is away included. */
  readonly perSecond: number;
};

export type Outage = {
  /** From the end of the cut until the copies were equal and both sides called the repair finished. */
  readonly repairSeconds: number;
  /** By cloud: after the changes of the outage were dropped, and what was dropped. */
  readonly sizes: ReadonlyMap<string, { readonly before: Sizes; readonly after: Sizes }>;
};

const keys = 5000;
/** Hours that go by while the cloud is away: more than the feed (24 hours) and conflicts (7 days) are kept for. */
const away = 8 * 24;
/** Milliseconds. Maintenance looks once a minute. */
const pruning = 120_000;

/** Cuts a cloud off for longer than changes are kept, and looks whether it is marked, repaired, and equal in the end. */
export async function measureOutage(cluster: Cluster, options: OutageOptions): Promise<Outage> {
  const links = cluster.links.of(options.away);
  const others = [...cluster.clouds].filter(([name]) => name !== options.away);
  for (const link of links) link.trouble = { kind: "cut" };
  await write(cluster, options);
  await until("the others are equal", 60_000, async () => isEqual(new Map(others)));

  const before = new Map<string, Sizes>();
  for (const [name, cloud] of cluster.clouds) {
    before.set(name, await sizesOf(cloud));
    await age(cloud, away);
  }
  const sizes = new Map<string, { before: Sizes; after: Sizes }>();
  for (const [name, cloud] of cluster.clouds) {
    const isPruned = async () => (await query(cloud, "select from feed limit 1")).length === 0;
    await until(`${name} drops old changes`, pruning, isPruned, 500);
    await until(`${name} drops old conflicts`, pruning, async () => (await sizesOf(cloud)).conflicts === 0, 500);
    sizes.set(name, { before: before.get(name)!, after: await sizesOf(cloud) });
  }
  for (const [name, cloud] of others)
    await until(
      `${name} has marked ${options.away} for repair`,
      60_000,
      async () => isMarked(cloud, options.away),
      200,
    );

  for (const link of links) link.trouble = null;
  const healed = performance.now();
  const isRepaired = async () => {
    const marks = await Promise.all(others.map(([, cloud]) => isMarked(cloud, options.away)));
    return !marks.some(Boolean) && (await isEqual(cluster.clouds));
  };
  await until("the copies are equal and the repair is over", 300_000, isRepaired, 250);
  return { repairSeconds: (performance.now() - healed) / 1000, sizes };
}

/** The same keys everywhere, so that some writes lose to others that did not know of them; a few are deleted or counted. */
async function write(cluster: Cluster, { seconds, perSecond }: OutageOptions): Promise<void> {
  const signal = forSeconds(seconds);
  await Promise.all(
    [...cluster.services.values()].map(({ url }) =>
      atPace(perSecond, signal, async () => {
        const path = `/outage-${Math.floor(Math.random() * keys)}`;
        const choice = Math.random();
        if (choice < 0.05) await request(url, "DELETE", path);
        else if (choice < 0.1) await request(url, "POST", "/outage-count:increment");
        else await request(url, "PUT", path, "v".repeat(256));
      }),
    ),
  );
}

async function isMarked(cloud: Parameters<typeof query>[0], peer: string): Promise<boolean> {
  const [row] = await query<{ repair: string | null }>(cloud, "select repair from peers where peer = $1", [peer]);
  return row!.repair !== null;
}

async function isEqual(clouds: Cluster["clouds"]): Promise<boolean> {
  return checkCopies(await copiesOf(clouds)).length === 0;
}
