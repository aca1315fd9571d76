import type { Call } from "../history.ts";

/** Conditions are decided in the cloud that is asked: there, a state is replaced on condition of its version once. */
export function checkSwaps(calls: readonly Call[]): string[] {
  const done = calls.filter(({ kind, outcome, expected }) => kind === "swap" && outcome === "ok" && expected !== null);
  const same = Map.groupBy(done, ({ cloud, key, expected }) => `${key}: in ${cloud} ${expected} was replaced`);
  return [...same].filter(([, calls]) => calls.length > 1).map(([what, calls]) => `${what} ${calls.length} times`);
}
