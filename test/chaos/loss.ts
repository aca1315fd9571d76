import { setTimeout as sleep } from "node:timers/promises";
import { valueFor } from "../processes/values.ts";
import { Kv } from "../support/kv.ts";
import { pick, type Random } from "../support/random.ts";
import { checkLoss } from "./checks/loss.ts";
import type { Clouds } from "./clouds.ts";

/** What came of losing a cloud for good. */
export type Loss = {
  readonly cloud: string;
  readonly acknowledged: number;
  /** Milliseconds from its expulsion until all that it had acknowledged was in both other clouds. */
  readonly repaired: number;
  readonly findings: readonly string[];
};

const writers = 6;
/** Milliseconds of writing before the cloud is lost. */
const least = 3000;
const most = 6000;
/** Milliseconds after which both other clouds must have everything. */
const repairLimit = 60_000;

/**
 * Destroys a cloud, its data too, in the midst of writes with `KV-Durability: peer`, while now one link and now the other
 * is cut, and expels it. Each write that it acknowledged is in one of the other clouds then, and soon in both.
 */
export async function loseCloud(clouds: Clouds, random: Random): Promise<Loss> {
  const cloud = pick(random, clouds.names);
  const others = clouds.names.filter((name) => name !== cloud);
  /** Versions of acknowledged writes. */
  const acknowledged = new Map<string, string>();
  const lost = new AbortController();
  const write = async (writer: number) => {
    for (let i = 0; !lost.signal.aborted; i++) {
      const key = `lost/${writer}.${i}`;
      const kv = new Kv(pick(random, clouds.urlsOf(cloud)), 7000);
      // Not confirmed, or cut off by the end of the cloud: nobody was promised anything.
      const written = await kv.put(key, valueFor(key, 100), { "KV-Durability": "peer" }).catch(() => null);
      if (written !== null) acknowledged.set(key, written.version);
    }
  };
  const cut = async () => {
    for (let i = 0; !lost.signal.aborted; i++) {
      const links = others.map((name) => clouds.links.between(cloud, name));
      links[i % 2]!.trouble = { kind: "cut" };
      await sleep(random() * 1000);
      links[i % 2]!.trouble = null;
    }
  };
  const all = [cut(), ...Array.from({ length: writers }, (_, writer) => write(writer))];
  await sleep(least + random() * (most - least));
  await clouds.destroy(cloud);
  lost.abort();
  await Promise.all(all);

  await clouds.expel(cloud);
  const expelled = performance.now();
  for (;;) {
    const copies = new Map(await Promise.all(others.map(async (name) => [name, await clouds.rowsOf(name)] as const)));
    const findings = checkLoss(acknowledged, copies);
    const repaired = performance.now() - expelled;
    if (findings.length === 0 || repaired > repairLimit)
      return { cloud, acknowledged: acknowledged.size, repaired, findings };
    await sleep(250);
  }
}
