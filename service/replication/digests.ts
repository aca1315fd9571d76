import type { Path } from "../kv/path.ts";
import type { DigestRow } from "../store/member.ts";

/**
 * A sum, not an exclusive or: two equal digests would cancel each other. Modulo 2^64, so that the order and the grouping
 * do not matter.
 */
export function summarise(rows: readonly DigestRow[]): { readonly count: number; readonly sum: bigint } {
  let sum = 0n;
  for (const { digest } of rows) sum += digest;
  return { count: rows.length, sum: BigInt.asUintN(64, sum) };
}

/** Paths that only one of the two has, or both in another state. */
export function differing(mine: readonly DigestRow[], theirs: readonly DigestRow[]): Path[] {
  const other = new Map(theirs.map(({ path, digest }) => [path, digest]));
  const paths = mine.filter(({ path, digest }) => other.get(path) !== digest).map(({ path }) => path);
  const here = new Set(mine.map(({ path }) => path));
  return [...paths, ...theirs.filter(({ path }) => !here.has(path)).map(({ path }) => path)];
}
