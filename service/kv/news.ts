import { type Counter, type Entry, epochOf } from "./entry.ts";
import { compareVersions } from "./version.ts";

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
    // A cell of an earlier life may be newer than the deletion that ended it.
    if (order !== 0 && entry.epoch.time > 0n && last.epoch.time > 0n) return order > 0;
    // Born over nothing, or over what was forgotten since: the same life has all cells that were told, a later one is younger.
    const mayFollow = entry.epoch.time > 0n || !hasNewerCell(last, entry) || isYounger(entry, last);
    return mayFollow && hasNewerCell(entry, last);
  }
  return compareVersions(entry.epoch.time === 0n ? entry.version : entry.epoch, last.version) >= 0;
}

function isYounger(counter: Counter, than: Counter): boolean {
  return counter.version.time > than.version.time;
}

function hasNewerCell(counter: Counter, than: Counter): boolean {
  return Object.entries(counter.cells).some(([origin, { time }]) => time > (than.cells[origin]?.time ?? -1n));
}
