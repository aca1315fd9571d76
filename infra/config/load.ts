import type { Profile } from "./shared.ts";

/** What the store is expected to do, by which its monthly cost is worked out. It builds nothing. */
export type Load = {
  /** Of all clouds together, a second, as an average over the month. */
  readonly reads: number;
  /** Of all clouds together, a second, as an average over the month. Each is stored by every cloud. */
  readonly writes: number;
  /** Bytes of a value, as an average of what is read and written. */
  readonly valueBytes: number;
  /** Share of reads that are answered without asking the database. */
  readonly cacheHits: number;
  /** GB of entries in each cloud when the month begins. */
  readonly storedGb: number;
  /** Share of writes whose keys are new and stay. */
  readonly newKeys: number;
  /** GB a month that each cloud's own log store takes in: audit, cluster, database, pods. */
  readonly logGb: number;
};

const usual = { valueBytes: 1024, cacheHits: 0.9 };

/** What the profiles are meant for: `standard` is the load that the project was first planned with. */
export const loads: Readonly<Record<Profile, Load>> = {
  small: { ...usual, reads: 20, writes: 5, storedGb: 5, newKeys: 0.05, logGb: 5 },
  standard: { ...usual, reads: 2_000, writes: 500, storedGb: 100, newKeys: 0.01, logGb: 20 },
  large: { ...usual, reads: 20_000, writes: 5_000, storedGb: 1_000, newKeys: 0.01, logGb: 100 },
};
