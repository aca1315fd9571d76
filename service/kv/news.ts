import { type Counter, type Entry, epochOf } from "./entry.ts";
import { compareVersions, type Version } from "./version.ts";

/**
 * Whether a state of a key tells a watcher something that was told `last` of it. Not by versions alone: a counter that
 * gets an older cell from another cloud keeps the version of its newest one, and a deletion ends a counter that has
 * cells newer than itself.
 *
 * Meant for states that one database had, where a counter whose epoch is zero may be one whose epoch was forgotten since.
 */
export function isNews(last: Entry, entry: Entry): boolean {
  if (entry.kind !== "counter") return compareVersions(entry.version, epochOf(last)) > 0;
  if (last.kind === "counter") {
    const order = compareVersions(entry.epoch, last.epoch);
    if (order === 0) return hasNewerCell(entry, last);
    // A cell of an earlier life may be newer than the deletion that ended it.
    if (entry.epoch.time > 0n && last.epoch.time > 0n) return order > 0;
    if (isBefore(last, entry.epoch)) return true;
    return !isBefore(entry, last.epoch) && hasNewerCell(entry, last);
  }
  return entry.epoch.time > 0n ? compareVersions(entry.epoch, last.version) >= 0 : !isBefore(entry, last.version);
}

/** Whether a counter is of a life that this deletion ended: all cells of the next one are newer than it. */
function isBefore({ cells }: Counter, deletion: Version): boolean {
  return Object.values(cells).some(({ time }) => time <= deletion.time);
}

function hasNewerCell(counter: Counter, than: Counter): boolean {
  return Object.entries(counter.cells).some(([origin, { time }]) => time > (than.cells[origin]?.time ?? -1n));
}
