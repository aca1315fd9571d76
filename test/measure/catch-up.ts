import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../support/cluster.ts";
import { metric, until } from "../support/kv.ts";
import { adminKey } from "../support/service.ts";
import { Clients } from "./clients.ts";
import { atPace, type Quantiles, quantiles } from "./pace.ts";
import { request } from "./request.ts";
import { beginUsage } from "./usage.ts";

export type CatchUpOptions = {
  readonly from: string;
  /** The cloud that is cut off. */
  readonly to: string;
  readonly keys: number;
  /** Over which the keys are written. */
  readonly seconds: number;
  /** Requests a second of other clients, where the sender is. */
  readonly foreground: number;
};

export type CatchUp = {
  /** From the moment that the link is whole. */
  readonly seconds: number;
  /** From the first entry that came. */
  readonly perSecond: number;
  readonly quiet: Quantiles;
  readonly busy: Quantiles;
  readonly usage: string;
};

const batchKeys = 50;
const value = "v".repeat(256);
/** Seconds over which the quiet clients are measured. */
const quietSeconds = 10;

/** A cluster that has been running for a while: each cloud was compared with each other one. */
async function settle(cluster: Cluster): Promise<void> {
  for (const { url } of cluster.services.values()) {
    await until(`${url} was compared with all`, 60_000, async () => {
      const answer = await fetch(`${url}/v1/cluster`, { headers: { Authorization: `Bearer ${adminKey}` } });
      const { clouds } = (await answer.json()) as { clouds: { self: boolean; repaired_at: string | null }[] };
      return clouds.every(({ self, repaired_at }) => self || repaired_at !== null);
    });
  }
}

/** Cuts a cloud off while keys are written elsewhere, and looks how fast it catches up and what other clients notice. */
export async function measureCatchUp(cluster: Cluster, options: CatchUpOptions): Promise<CatchUp> {
  const { from, to, keys, seconds } = options;
  const { url } = cluster.services.get(from)!;
  await settle(cluster);
  for (const link of cluster.links.of(to)) link.trouble = { kind: "cut" };
  const clients = { url, perSecond: options.foreground, value };
  const before = await Clients.start(clients);
  await sleep(quietSeconds * 1000);
  const quiet = await before.stop();
  const done = new AbortController();
  const batches = Math.ceil(keys / batchKeys);
  await atPace(batches / seconds, done.signal, async (index) => {
    if (index === batches - 1) done.abort();
    const operations = Array.from({ length: batchKeys }, (_, i) => ({ op: "put", key: keyOf(index, i), value }));
    const { status, text } = await request(url, "POST", ":batch", JSON.stringify({ operations }));
    if (status !== 200) throw new Error(`a batch was answered ${status}: ${text.slice(0, 200)}`);
  });

  const received = () => receivedOf(cluster, to, from);
  const receivedBefore = await received();
  // Cheap questions, which are asked often: to write down all metrics costs a process as much as many entries.
  const isThere = async (key: string) => {
    const { status } = await request(cluster.services.get(to)!.url, "GET", `/${key}`);
    return status === 200;
  };
  const during = await Clients.start(clients);
  const usage = beginUsage(cluster);
  for (const link of cluster.links.of(to)) link.trouble = null;
  const healed = performance.now();
  let first = 0;
  await until(`${to} has begun to catch up`, 60_000, () => {
    first = performance.now();
    return isThere(keyOf(0, 0));
  });
  await until("the last key is there", 600_000, () => isThere(keyOf(batches - 1, batchKeys - 1)), 100);
  // It may have come before others, and entries that came twice count twice.
  await until(`${to} has caught up`, 60_000, async () => (await received()) >= receivedBefore + keys, 100);
  const last = performance.now();
  const used = usage();
  return {
    usage: used,
    seconds: (last - healed) / 1000,
    perSecond: (keys / (last - first)) * 1000,
    quiet: quantiles(quiet),
    busy: quantiles(await during.stop()),
  };
}

function keyOf(batch: number, index: number): string {
  return `catch-up/${batch}/${index}`;
}

async function receivedOf(cluster: Cluster, cloud: string, peer: string): Promise<number> {
  return metric(
    cluster.services.get(cloud)!.metricsUrl,
    `skykv_replication_received_entries_total\\{peer="${peer}"\\}`,
  ).catch(() => 0);
}
