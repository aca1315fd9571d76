import { type Cell, type Counter, type Entry, epochOf } from "./entry.ts";
import { compareVersions, type Version } from "./version.ts";

/**
 * Which state of a key survives when two meet; null is "nothing was ever written".
 *
 * The newer epoch wins whole; of one epoch, a counter beats the entry that it was born over, and two counters merge
 * cell by cell. Commutative, associative and idempotent, so that any clouds that saw the same writes agree, whatever
 * the order, the number of repeats and the route. Callers pass entries in `normal` form.
 */
export function merge(a: Entry | null, b: Entry | null): Entry | null {
  if (a === null) return b;
  if (b === null) return a;
  const order = compareVersions(epochOf(a), epochOf(b));
  if (order !== 0) return order > 0 ? a : b;
  if (a.kind === "counter" && b.kind === "counter") return mergeCounters(a, b);
  if (a.kind === "counter" || b.kind === "counter") return a.kind === "counter" ? a : b;
  return tieBreak(a, b) <= 0 ? a : b;
}

function mergeCounters(a: Counter, b: Counter): Counter {
  const cells: Record<string, Cell> = { ...a.cells };
  for (const [origin, cell] of Object.entries(b.cells)) {
    const mine = cells[origin];
    // Equal times mean equal sums; were they not, the larger sum keeps all clouds in agreement.
    if (!mine || cell.time > mine.time || (cell.time === mine.time && cell.sum > mine.sum)) cells[origin] = cell;
  }
  const seen: Record<string, bigint> = { ...a.seen };
  for (const [origin, time] of Object.entries(b.seen)) {
    if (time > (seen[origin] ?? 0n)) seen[origin] = time;
  }
  return { kind: "counter", epoch: a.epoch, cells, seen, version: newestCell(cells) };
}

/** The version of a counter: the newest of its cells. */
export function newestCell(cells: Readonly<Record<string, Cell>>): Version {
  let newest: Version = { time: 0n, origin: "" };
  for (const [origin, cell] of Object.entries(cells)) {
    const version = { time: cell.time, origin };
    if (compareVersions(version, newest) > 0) newest = version;
  }
  return newest;
}

/**
 * Equal versions with different bytes are a bug somewhere else (two writers with one origin and one clock). The choice
 * is still fixed, deletion first, then the earlier expiry, then the smaller bytes, so that at least all clouds agree.
 */
function tieBreak(a: Exclude<Entry, Counter>, b: Exclude<Entry, Counter>): number {
  if (a.kind === "tombstone" || b.kind === "tombstone") {
    return Number(b.kind === "tombstone") - Number(a.kind === "tombstone");
  }
  return (
    (a.expiresAt ?? Number.MAX_SAFE_INTEGER) - (b.expiresAt ?? Number.MAX_SAFE_INTEGER) ||
    compareText(a.blob ?? "", b.blob ?? "") ||
    Buffer.compare(a.body ?? new Uint8Array(), b.body ?? new Uint8Array()) ||
    compareText(describe(a), describe(b))
  );
}

function describe(value: { contentType: string | null; contentEncoding: string | null; meta: string | null }): string {
  return JSON.stringify([value.contentType, value.contentEncoding, value.meta]);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
