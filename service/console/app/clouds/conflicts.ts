/** Writes that lost to a concurrent write of another cloud, of one namespace. */
import { el, fill } from "../dom.ts";
import { printable, size, time } from "../format.ts";
import type { Conflict } from "../types.ts";

const maxShown = 50;
const longestShown = 120;

export interface ConflictList {
  element: HTMLElement;
  show(conflicts: readonly Conflict[]): void;
}

const columns = ["Key", "What lost", "Written at", "Written", "Lost"];

/** @param picker chooses the namespace */
export function conflictList(picker: HTMLElement): ConflictList {
  const content = el("div", {});
  return {
    element: el(
      "section",
      { class: "clouds" },
      el("div", { class: "row between" }, el("h2", {}, "Conflicts"), picker),
      content,
    ),
    show: (conflicts) =>
      fill(
        content,
        conflicts.length === 0
          ? el("p", { class: "muted" }, "No write has lost to a concurrent one.")
          : table(conflicts),
      ),
  };
}

/** A conflict is kept in every cloud that saw both writes: it is shown once, the newest first. */
export function distinct(kept: readonly Conflict[]): Conflict[] {
  const found = new Map(kept.map((conflict) => [`${conflict.version} ${conflict.key}`, conflict]));
  return [...found.values()].toSorted((a, b) => b.lost_at.localeCompare(a.lost_at)).slice(0, maxShown);
}

function table(conflicts: readonly Conflict[]): HTMLElement {
  return el(
    "div",
    { class: "table-frame" },
    el(
      "table",
      {},
      el("caption", { class: "visually-hidden" }, "Conflicts"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          columns.map((name) => el("th", { scope: "col" }, name)),
        ),
      ),
      el("tbody", {}, conflicts.map(row)),
    ),
  );
}

function row(conflict: Conflict): HTMLElement {
  return el(
    "tr",
    {},
    el("th", { scope: "row", class: "mono break" }, printable(conflict.key)),
    el("td", { class: "mono break" }, loser(conflict)),
    el("td", {}, conflict.origin),
    el("td", {}, time(conflict.updated_at)),
    el("td", {}, time(conflict.lost_at)),
  );
}

function loser({ kind, value, encoding, size: bytes }: Conflict): string {
  if (kind === "tombstone") return "(a deletion)";
  if (value === undefined || encoding === "base64") return `(${size(bytes)})`;
  const text = printable(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text || "(empty)";
}
