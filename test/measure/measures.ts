import type { Cluster } from "../support/cluster.ts";
import { measureCatchUp } from "./catch-up.ts";
import { measureHung } from "./hung.ts";
import { measureLag } from "./lag.ts";
import { measureOutage } from "./outage.ts";
import type { Quantiles } from "./pace.ts";
import { beginUsage, memoryOf } from "./usage.ts";

/** A figure in words, and how much of what it may be it is: more than 1 is missed. Null: nothing is demanded of it. */
export type Figure = { readonly text: string; readonly share: number | null };

export type Measure = {
  /** For people, one line. */
  readonly what: string;
  /** `quick`: about a minute, instead of up to ten. */
  readonly run: (cluster: Cluster, quick: boolean, say: (line: string) => void) => Promise<Figure[]>;
};

/** Milliseconds after which a write can be read in the other clouds, at p99. */
const maxDelay = 250;

const lag: Measure = {
  what: "500 writes a second in one cloud: when can each be read in the others?",
  run: async (cluster, quick) => {
    const options = { from: "aws", to: ["gcp", "azure"], perSecond: 500 };
    await measureLag(cluster, { ...options, seconds: 5 });
    const usage = beginUsage(cluster);
    const { writes, readable } = await measureLag(cluster, { ...options, seconds: quick ? 15 : 60 });
    return [
      { text: usage(), share: null },
      { text: `writes: ${tell(writes)}`, share: null },
      ...[...readable].map(([cloud, delay]) => ({
        text: `readable in ${cloud}: ${tell(delay)} after the answer (p99 below ${maxDelay} ms wanted)`,
        share: delay.p99 / maxDelay,
      })),
    ];
  },
};

const leastPerSecond = 10_000;
/** Milliseconds that other clients may wait whatever the quiet value. */
const unnoticed = 10;

const catchUp: Measure = {
  what: "a cloud is cut off while many keys are written elsewhere: how fast does it catch up, and do clients notice?",
  run: async (cluster, quick, say) => {
    const options = { from: "aws", to: "gcp", foreground: 200 };
    const amount = quick ? { keys: 60_000, seconds: 30 } : { keys: 200_000, seconds: 600 };
    say(`${amount.keys} keys in ${amount.seconds} s`);
    const { seconds, perSecond, quiet, busy, usage } = await measureCatchUp(cluster, { ...options, ...amount });
    return [
      { text: usage, share: null },
      {
        text: `${Math.round(perSecond)} entries a second (${leastPerSecond} wanted), all there ${seconds.toFixed(1)} s after the cut ended`,
        share: leastPerSecond / perSecond,
      },
      {
        text: `other clients: quiet ${tell(quiet)}; meanwhile ${tell(busy)} (p99 within twice the quiet one or ${unnoticed} ms wanted)`,
        share: busy.p99 / Math.max(unnoticed, 2 * quiet.p99),
      },
    ];
  },
};

/** Bytes of a feed in which there is nothing: its parts and their indexes. */
const emptyFeed = 2 * 2 ** 20;

const outage: Measure = {
  what: "a cloud is away for longer than changes are kept: is it repaired, and do memory and disk stay bounded?",
  run: async (cluster, quick, say) => {
    const rounds = quick ? 1 : 5;
    const figures: Figure[] = [];
    const memory: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const options = { away: "gcp", seconds: quick ? 10 : 30, perSecond: 100 };
      const { repairSeconds, sizes } = await measureOutage(cluster, options);
      memory.push(memoryOf([...cluster.services.values()].map(({ pid }) => pid)));
      say(`round ${round}: repaired after ${repairSeconds.toFixed(1)} s; services use ${megabytes(memory.at(-1)!)}`);
      for (const [cloud, { before, after }] of sizes) {
        const text = `${cloud}: changes ${megabytes(before.feed)}, then ${megabytes(after.feed)}; ${before.conflicts} conflicts, then ${after.conflicts}; database ${megabytes(after.database)}`;
        figures.push({ text, share: after.feed / emptyFeed });
      }
    }
    const [first, last] = [memory[0]!, memory.at(-1)!];
    figures.push({ text: `memory of the services: ${memory.map(megabytes).join(", ")}`, share: last / (first * 1.5) });
    return figures;
  },
};

const hung: Measure = {
  what: "a peer hangs with all connections open: do the others, and those who watch them, notice?",
  run: async (cluster, quick) => {
    const { quiet, meanwhile } = await measureHung(cluster, "aws", "gcp", quick ? 15 : 60);
    const [before, during] = [quiet.readable.get("azure")!, meanwhile.readable.get("azure")!];
    const limit = (usual: Quantiles) => Math.max(maxDelay, 2 * usual.p99);
    return [
      {
        text: `writes: quiet ${tell(quiet.writes)}; meanwhile ${tell(meanwhile.writes)}`,
        share: meanwhile.writes.p99 / limit(quiet.writes),
      },
      {
        text: `watched in azure: quiet ${tell(before)}; meanwhile ${tell(during)} (p99 within twice the quiet one or ${maxDelay} ms wanted)`,
        share: during.p99 / limit(before),
      },
    ];
  },
};

export const measures = { lag, "catch-up": catchUp, outage, hung } satisfies Record<string, Measure>;

export function tell({ count, p50, p99, max }: Quantiles): string {
  return `${count}, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(1)} ms`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

export const isMet = ({ share }: Figure): boolean => share === null || share <= 1;
