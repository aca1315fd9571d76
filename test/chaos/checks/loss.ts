import type { Row } from "../history.ts";

/** What a lost cloud acknowledged as committed elsewhere too is in each of the `copies`, by cloud. Keys are written once. */
export function checkLoss(
  acknowledged: ReadonlyMap<string, string>,
  copies: ReadonlyMap<string, ReadonlyMap<string, Row>>,
): string[] {
  return [...copies].flatMap(([cloud, rows]) =>
    [...acknowledged]
      .filter(([key, version]) => rows.get(key)?.version !== version)
      .map(
        ([key, version]) => `${key}: ${version} was acknowledged as committed in another cloud, and is not in ${cloud}`,
      ),
  );
}
