import type { Cluster } from "../support/cluster.ts";
import { measureLag } from "./lag.ts";
import type { Quantiles } from "./pace.ts";
import { beginUsage } from "./usage.ts";

/** A figure in words, and whether it is what it has to be. */
export type Figure = { readonly text: string; readonly met: boolean };

export type Measure = {
  /** For people, one line. */
  readonly what: string;
  /** For all service processes. */
  readonly environment: Record<string, string>;
  readonly run: (cluster: Cluster, quick: boolean, say: (line: string) => void) => Promise<Figure[]>;
};

const lag: Measure = {
  what: "500 writes a second in one cloud: when can each be read in the others?",
  environment: {},
  run: async (cluster, quick) => {
    const options = { from: "aws", to: ["gcp", "azure"], perSecond: 500 };
    await measureLag(cluster, { ...options, seconds: 5 });
    const usage = beginUsage(cluster);
    const { writes, readable } = await measureLag(cluster, { ...options, seconds: quick ? 15 : 60 });
    return [
      { text: usage(), met: true },
      { text: `writes: ${tell(writes)}`, met: true },
      ...[...readable].map(([cloud, delay]) => ({
        text: `readable in ${cloud}: ${tell(delay)} after the answer (p99 below 250 ms wanted)`,
        met: delay.p99 < 250,
      })),
    ];
  },
};

export const measures = { lag } satisfies Record<string, Measure>;

export function tell({ count, p50, p99, max }: Quantiles): string {
  return `${count}, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(1)} ms`;
}
