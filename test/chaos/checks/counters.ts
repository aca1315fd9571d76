import { type Call, prefixes, type Row } from "../history.ts";

/**
 * A counter that is never deleted has, in the cell of each cloud, every increment that the cloud acknowledged, and no
 * more than those whose outcome is unknown on top. Each increment is by one.
 */
export function checkCounters(calls: readonly Call[], rows: ReadonlyMap<string, Row>): string[] {
  const findings: string[] = [];
  const increments = calls.filter(({ key, kind }) => kind === "increment" && key.startsWith(prefixes.counters));
  const byKey = Map.groupBy(increments, ({ key }) => key);
  for (const key of new Set([...byKey.keys(), ...rows.keys()])) {
    if (!key.startsWith(prefixes.counters)) continue;
    const ofKey = byKey.get(key) ?? [];
    const cells = rows.get(key)?.cells ?? {};
    for (const cloud of new Set([...Object.keys(cells), ...ofKey.map((call) => call.cloud)])) {
      const of = (outcome: Call["outcome"]) =>
        ofKey.filter((call) => call.cloud === cloud && call.outcome === outcome).length;
      const [least, most] = [of("ok"), of("ok") + of("unknown")];
      const found = cells[cloud] ?? 0;
      if (found < least || found > most)
        findings.push(`${key}: ${cloud} counted ${found}, expected ${least === most ? least : `${least} to ${most}`}`);
    }
  }
  return findings;
}
