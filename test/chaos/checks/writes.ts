import { type Call, isPassing, isWrite, prefixes, type Row } from "../history.ts";

/**
 * No acknowledged write is lost, none that nobody made appears, and what was deleted does not come back: each key ends
 * with a state at least as new as every acknowledged one, which is that write's own where the version is the same.
 */
export function checkWrites(calls: readonly Call[], rows: ReadonlyMap<string, Row>): string[] {
  const findings: string[] = [];
  const writes = calls.filter((call) => isWrite(call) && call.outcome !== "refused" && isValue(call.key));
  const byKey = Map.groupBy(writes, ({ key }) => key);
  for (const [key, ofKey] of byKey) {
    const row = rows.get(key);
    const acknowledged = ofKey.filter(({ outcome }) => outcome === "ok");
    const newest = acknowledged.reduce<Call | null>((a, b) => (a === null || b.version! > a.version! ? b : a), null);
    if (row === undefined) {
      const mayBeGone = ofKey.some(
        (call) =>
          isPassing(call) && (call.outcome === "unknown" || newest === null || call.version! >= newest.version!),
      );
      if (newest !== null && !mayBeGone) findings.push(`${key}: nothing is there, though ${tell(newest)}`);
    } else if (newest !== null && row.version < newest.version!) {
      const back = newest.kind === "delete" ? "came back" : "is there";
      findings.push(`${key}: ${row.kind} ${row.version} ${back}, though ${tell(newest)}`);
    } else if (!comesFrom(row, ofKey)) {
      findings.push(`${key}: nobody wrote ${row.kind} ${row.version} with the value ${row.value}`);
    }
  }
  for (const [key, { version }] of rows)
    if (isValue(key) && !byKey.has(key)) findings.push(`${key}: nobody wrote it, but it has ${version}`);
  return findings;
}

const isValue = (key: string) => key.startsWith(prefixes.values);

function comesFrom(row: Row, writes: readonly Call[]): boolean {
  const of = writes.find(({ version }) => version === row.version);
  const isPut = ({ kind }: Call) => kind === "put" || kind === "swap";
  if (of !== undefined && isPut(of)) return row.kind === "value" && row.value === of.value;
  if (of?.kind === "delete") return row.kind === "tombstone";
  const unknown = writes.filter(({ outcome }) => outcome === "unknown");
  if (row.kind === "tombstone") return unknown.some(({ kind }) => kind === "delete");
  // A touch keeps the value of some earlier write.
  const isTouched = of?.kind === "touch" || unknown.some(({ kind }) => kind === "touch");
  return (isTouched ? writes : unknown).some((call) => isPut(call) && call.value === row.value);
}

function tell({ client, cloud, kind, version }: Call): string {
  return `client ${client} was told by ${cloud} that its ${kind} is ${version}`;
}
