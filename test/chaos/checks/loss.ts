import type { Row } from "../history.ts";

/** What a lost cloud acknowledged as committed elsewhere too is in one of the `copies` that are left. Keys are written once. */
export function checkLoss(
  acknowledged: ReadonlyMap<string, string>,
  copies: readonly ReadonlyMap<string, Row>[],
): string[] {
  return [...acknowledged]
    .filter(([key, version]) => copies.every((rows) => rows.get(key)?.version !== version))
    .map(([key, version]) => `${key}: ${version} was acknowledged as committed in another cloud, and is in none`);
}
