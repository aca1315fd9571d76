/** One page of keys and folders as a grid: one of its rows is in the tab order, arrows move among them. */
import { type Child, el } from "../dom.ts";
import { printable, size, time } from "../format.ts";
import { icon } from "../icons.ts";
import type { Entry, Page } from "../types.ts";
import { iconFor } from "./viewer.ts";

export interface KeyGrid {
  element: HTMLElement;
  /** The key or prefix of the row that has the focus, and where it is; null when none has. */
  focused(): { name: string; index: number } | null;
  /** Focuses the row of this name, else the one at `index`; false when there is neither. */
  focus(name: string | null, index: number): boolean;
  /** Marks the key that is open beside the grid. */
  markOpen(key: string | undefined): void;
}

const columns = ["Key", "Type", "Size", "Updated", "Expires", "Version"];

/** `folder` is left out of the names; `href` makes their links. */
export function keyGrid(
  namespace: string,
  { prefixes, entries }: Page,
  folder: string,
  href: (target: { prefix: string } | { key: string }) => string,
): KeyGrid {
  const links: HTMLAnchorElement[] = [];
  const row = (name: string, target: string, content: Child, cells: Child) => {
    const link = el("a", { href: target, "data-name": name, tabindex: -1, onfocus: () => makeTabbable(link) }, content);
    links.push(link);
    return el(
      "tr",
      { role: "row", onclick: (event) => follow(event, link) },
      el("th", { scope: "row", role: "rowheader" }, link),
      cells,
    );
  };
  const makeTabbable = (link: HTMLAnchorElement | undefined) => {
    for (const other of links) other.tabIndex = -1;
    if (link) link.tabIndex = 0;
  };
  const folderRow = (prefix: string) =>
    row(
      prefix,
      href({ prefix }),
      el(
        "span",
        { class: "key-name" },
        icon("folder"),
        el("span", {}, printable(prefix.slice(folder.length))),
        el("span", { class: "visually-hidden" }, " folder"),
      ),
      el("td", { role: "gridcell", colspan: columns.length - 1 }),
    );
  const entryRow = (entry: Entry) =>
    row(
      entry.key,
      href({ key: entry.key }),
      el(
        "span",
        { class: "key-name" },
        icon(iconFor({ kind: entry.kind, contentType: entry.content_type })),
        // A key that is the folder's own name would be left with none.
        el("span", {}, printable(entry.key.slice(folder.length) || entry.key)),
      ),
      cellsOf(entry),
    );
  const rows = [...prefixes.map(folderRow), ...entries.map(entryRow)];
  makeTabbable(links[0]);

  const head = columns.map((name) => el("th", { scope: "col", role: "columnheader", class: name.toLowerCase() }, name));
  return {
    element: el(
      "div",
      { class: "table-frame" },
      el(
        "table",
        { class: "keys", role: "grid", "aria-label": `Keys in ${namespace}` },
        el("thead", {}, el("tr", { role: "row" }, head)),
        el("tbody", {}, rows),
      ),
    ),
    focused: () => {
      const index = links.indexOf(document.activeElement as HTMLAnchorElement);
      return index < 0 ? null : { name: links[index]!.dataset.name!, index };
    },
    focus: (name, index) => {
      const link =
        links.find(({ dataset }) => dataset.name === name) ?? links[Math.max(0, Math.min(index, links.length - 1))];
      link?.focus();
      return link !== undefined;
    },
    markOpen: (key) => {
      for (const link of links) {
        if (link.dataset.name === key) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
  };
}

function cellsOf(entry: Entry): Child {
  const cell = (kind: string, content: Child) => el("td", { role: "gridcell", class: kind }, content);
  return [
    cell("type", entry.kind === "counter" ? "counter" : entry.content_type.split(";")[0]),
    cell("size", size(entry.size)),
    cell("updated", time(entry.updated_at)),
    cell("expires", entry.expires_at ? time(entry.expires_at, { expiry: true }) : "never"),
    cell("version", el("code", {}, entry.version)),
  ];
}

/** The whole row is a target for the mouse; keyboards and screen readers have the link. */
function follow(event: MouseEvent, link: HTMLAnchorElement): void {
  const isSelecting = getSelection()?.toString();
  if (!isSelecting && !(event.target as Element).closest("a")) link.click();
}
