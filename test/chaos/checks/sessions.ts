import { type Call, isPassing, isWrite, prefixes } from "../history.ts";

/** Milliseconds by which the clock that lets an entry expire may differ from the one of the history. */
const clockSlack = 10_000;

/**
 * Within a session no key gets older: it reads its own writes and never less than it has read. `sessionOf` says which
 * calls of a client are one session; they are in the order in which the client made them.
 */
export function checkSessions(calls: readonly Call[], sessionOf: (call: Call) => string): string[] {
  const findings: string[] = [];
  const goes = Map.groupBy(
    calls.filter((call) => isWrite(call) && call.outcome !== "refused" && isPassing(call)),
    ({ key }) => key,
  );
  for (const [session, ofSession] of Map.groupBy(calls, sessionOf)) {
    /** The newest that the session has seen of each key, and whether it has found nothing since. */
    const seen = new Map<string, { readonly call: Call; readonly gone: boolean }>();
    for (const call of ofSession) {
      if (call.outcome !== "ok" || call.key.startsWith(prefixes.mixed)) continue;
      const before = seen.get(call.key);
      if (before !== undefined && isOlder(call, before, goes.get(call.key) ?? []))
        findings.push(`${call.key}: session ${session} was told ${tell(call)} after ${tell(before.call)}`);
      else if (before === undefined || call.version !== null) seen.set(call.key, { call, gone: false });
      else seen.set(call.key, { call: before.call, gone: true });
    }
  }
  return findings;
}

/** `goes`: the writes of the key after which it may be absent. */
function isOlder(call: Call, { call: before, gone }: { call: Call; gone: boolean }, goes: readonly Call[]): boolean {
  if (call.key.startsWith(prefixes.counters)) return Number(call.value ?? 0) < Number(before.value ?? 0);
  if (before.version === null) return false;
  const isUnknown = ({ outcome }: Call) => outcome === "unknown";
  if (call.version === null)
    return !goes.some(
      (one) =>
        one.invoked <= call.completed &&
        (isUnknown(one) || one.version! >= before.version!) &&
        (one.ttl === null || one.invoked + one.ttl - clockSlack <= call.completed),
    );
  // What expires is there again for a process whose clock is behind; what was deleted is not.
  const mayExpire = goes.some((one) => one.ttl !== null && (isUnknown(one) || one.version === before.version));
  return call.version < before.version || (gone && call.version === before.version && !mayExpire);
}

function tell({ kind, version, value, cloud }: Call): string {
  return `${kind} ${version ?? "absent"} (${value}) in ${cloud}`;
}
