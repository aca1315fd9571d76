import type { Copies } from "../../support/databases.ts";

/** The copies are equal byte by byte. */
export function checkCopies(copies: Copies): string[] {
  const keys = new Set([...copies.values()].flatMap((copy) => [...copy.keys()]));
  return [...keys].flatMap((key) => {
    const states = [...copies].map(([cloud, copy]) => `${cloud} ${copy.get(key) ?? "nothing"}`);
    const isEqual = new Set([...copies.values()].map((copy) => copy.get(key))).size === 1;
    return isEqual ? [] : [`${key}: the copies differ: ${states.join(", ")}`];
  });
}
