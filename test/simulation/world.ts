import type { Ledger } from "./ledger.ts";
import type { Network } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

/** What must hold in every run, by the numbers that docs/testing.md gives them. */
export const invariants = {
  1: "all clouds end equal",
  2: "a write is everywhere, or something newer is",
  3: "no key gets older, in a database or for a session",
  4: "what was deleted or has expired stays away",
  5: "a watcher is told the last state of every key, in order",
  6: "a cached read is no staler than its bound",
  7: "of conditions on one version one holds",
  8: "a counter is the sum of its increments",
} as const;

export type Invariant = keyof typeof invariants;

/** Something that must never happen has happened. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** What everything in a run shares. */
export type World = {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly network: () => Network;
  /** The clouds that configurations name. */
  readonly names: string[];
  /** That something happened, for the summary. */
  readonly count: (what: string) => void;
  /** That an invariant was looked at. */
  readonly check: (invariant: Invariant) => void;
  /** Part of the history. */
  readonly note: (text: string) => void;
  /** Ends the run if it is a violation: who calls what broke one may take it for any other error. */
  readonly fail: (error: unknown) => void;
  /** Milliseconds between repairs that nothing calls for: never in half of the runs, where the feed must bring everything. */
  readonly repairInterval: number;
  /** Bytes that a process may keep of what it has read: in half of the runs so few that most is forgotten at once. */
  readonly cacheBytes: number;
  /** Whether the processes of a cloud share a cache. */
  readonly hasSharedCache: boolean;
  /** How many databases were restored: what tokens say of them is void. */
  restores: number;
  /** How often writes were lost for good, or may have been: what was seen of them binds nobody. */
  losses: number;
  /** Probability that a hint gets lost. */
  hintLoss: number;
  /** Probability that the connection to the database breaks at a statement, before or after it was done. */
  connectionLoss: number;
};
