import { prefixes, type Row, type Told } from "../history.ts";

/** A watcher is told the states of a key in their order, and in the end the one that is there. Restarts may repeat. */
export function checkWatch(who: string, told: readonly Told[], rows: ReadonlyMap<string, Row>): string[] {
  const findings: string[] = [];
  const last = new Map<string, Told>();
  for (const event of told) {
    const before = last.get(event.key);
    if (before !== undefined && event.version < before.version && !event.key.startsWith(prefixes.mixed))
      findings.push(`${event.key}: ${who} was told ${event.version} after ${before.version}`);
    last.set(event.key, event);
  }
  return [...findings, ...behind(who, last, rows)];
}

/** Keys of which the last that was told is not what is there. */
function behind(who: string, last: ReadonlyMap<string, Told>, rows: ReadonlyMap<string, Row>): string[] {
  return [...rows].flatMap(([key, row]) => {
    const event = last.get(key);
    const type = row.kind === "tombstone" ? "delete" : "put";
    // What had expired before it could be told is told as gone.
    if (event?.version === row.version && (event.type === type || row.expires)) return [];
    return [
      `${key}: ${who} was told ${event?.type ?? "nothing"} ${event?.version ?? ""} last, not ${type} ${row.version}`,
    ];
  });
}

/** Whether the watcher has heard the last of everything, for waiting. */
export function isUpToDate(told: readonly Told[], rows: ReadonlyMap<string, Row>): boolean {
  return behind("", new Map(told.map((event) => [event.key, event])), rows).length === 0;
}
