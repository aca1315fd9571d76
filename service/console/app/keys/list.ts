/** The keys of a namespace: folders, search by prefix, pages by cursor, and the entry that is open beside them. */
import { api, namespacePath } from "../api.ts";
import { commandLine } from "../copy.ts";
import { type Child, el, fill } from "../dom.ts";
import { count, printable, size, time } from "../format.ts";
import { icon } from "../icons.ts";
import { namespacePicker } from "../namespace-picker.ts";
import { announce, errorBox } from "../notice.ts";
import { linkTo, type Route } from "../route.ts";
import { onKeys, showShortcuts } from "../shortcuts.ts";
import type { Entry, Page } from "../types.ts";
import type { View } from "../view.ts";
import { editEntry } from "./editor.ts";
import { removeEntry, showEntry } from "./pane.ts";
import { iconFor } from "./viewer.ts";

const pageSize = 100;
const delimiters = { "/": "Folders at /", ":": "Folders at :", ".": "Folders at .", none: "No folders" };

export const keysView: View = (stage, signal) => {
  let route: Route;
  let page: Page | null = null;
  /** Cursors of the pages before this one and of this one; the first page has none. */
  let trail: (string | undefined)[] = [undefined];
  let loading: AbortController | null = null;
  let openPane: AbortController | null = null;
  let openKey: string | undefined;

  const folder = () => route.params.prefix ?? "";
  const typed = () => route.params.search ?? "";
  const delimiter = () => route.params.delimiter ?? "/";

  const picker = namespacePicker("keys", signal);
  const search = el("input", {
    type: "search",
    placeholder: "Keys that start with…",
    "aria-label": "Search keys by how they start",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => searchSoon(),
    onkeydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        focusRow(0);
      } else if (event.key === "Escape" && search.value === "") search.blur();
    },
  });
  const folding = el(
    "select",
    {
      "aria-label": "Folders",
      onchange: () => go({ delimiter: folding.value === "/" ? undefined : folding.value, prefix: undefined }),
    },
    Object.entries(delimiters).map(([value, label]) => el("option", { value }, label)),
  );
  const crumbs = el("nav", { class: "crumbs", "aria-label": "Folder" });
  const status = el("p", { class: "visually-hidden", role: "status" });
  const listing = el("div", { class: "listing" });
  const pane = el("section", { class: "pane", "aria-label": "Entry", hidden: true });
  const newButton = el(
    "button",
    { type: "button", class: "button primary", "aria-keyshortcuts": "n", onclick: () => create() },
    icon("plus"),
    "New key",
  );
  const panes = el(
    "div",
    { class: "panes" },
    el("section", { class: "pane-list", "aria-label": "Keys" }, crumbs, listing),
    pane,
  );
  fill(
    stage,
    el(
      "header",
      { class: "view-header" },
      el("h1", { tabindex: -1 }, "Keys"),
      picker.element,
      el("div", { class: "search" }, icon("search"), search, el("kbd", { "aria-hidden": "true" }, "/")),
      folding,
      el("span", { class: "spacer" }),
      el(
        "button",
        {
          type: "button",
          class: "icon-button for-keyboards",
          "aria-label": "Keyboard shortcuts",
          onclick: showShortcuts,
        },
        icon("keyboard"),
      ),
      el(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Refresh", onclick: () => load() },
        icon("refresh"),
      ),
      newButton,
    ),
    status,
    panes,
  );

  const go = (params: Record<string, string | undefined>) => {
    location.hash = linkTo("keys", route.namespace, { ...route.params, ...params });
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  const searchSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // No history entry for every letter.
      route = { ...route, params: { ...route.params, search: search.value } };
      history.replaceState(null, "", linkTo("keys", route.namespace, route.params));
      void load({ first: true });
    }, 120);
  };
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    loading?.abort();
    openPane?.abort();
  });

  const load = async ({ first = false } = {}) => {
    if (first) trail = [undefined];
    loading?.abort();
    loading = new AbortController();
    const { signal: mine } = loading;
    listing.setAttribute("aria-busy", "true");
    if (!page) fill(listing, skeleton());
    try {
      const query: Parameters<typeof api.list>[1] = { prefix: folder() + typed(), limit: String(pageSize) };
      if (delimiter() !== "none") query.delimiter = delimiter();
      const cursor = trail.at(-1);
      if (cursor !== undefined) query.cursor = cursor;
      page = await api.list(route.namespace, query, mine);
      showPage(page);
    } catch (error) {
      if (mine.aborted) return;
      page = null;
      fill(listing, errorBox(error, load));
    }
    listing.removeAttribute("aria-busy");
  };

  const showPage = (result: Page) => {
    const { entries, prefixes, cursor } = result;
    const focused = listing.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset.name
      : undefined;
    status.textContent = `${count(prefixes.length, "folder")}, ${count(entries.length, "key")}${cursor ? ", more on the next page" : ""}`;
    if (entries.length + prefixes.length === 0 && trail.length === 1) return fill(listing, nothingHere());
    const rows = [...prefixes.map(folderRow), ...entries.map(entryRow)];
    fill(
      listing,
      el(
        "div",
        { class: "table-frame" },
        el(
          "table",
          { class: "keys", role: "grid", "aria-label": `Keys in ${route.namespace}` },
          el(
            "thead",
            {},
            el(
              "tr",
              { role: "row" },
              columns.map(([name, kind]) => el("th", { scope: "col", role: "columnheader", class: kind }, name)),
            ),
          ),
          el("tbody", {}, rows),
        ),
      ),
      pager(result),
    );
    const again = links().findIndex((link) => link.dataset.name === focused);
    if (focused === undefined) makeTabbable(links()[0]);
    else focusRow(Math.max(0, again));
    markOpen();
  };

  const folderRow = (prefix: string) =>
    row(
      prefix,
      linkTo("keys", route.namespace, { ...route.params, prefix, search: undefined, key: undefined }),
      el(
        "span",
        { class: "key-name" },
        icon("folder"),
        el("span", {}, printable(prefix.slice(folder().length))),
        el("span", { class: "visually-hidden" }, " folder"),
      ),
      el("td", { role: "gridcell", colspan: columns.length - 1 }),
    );

  const entryRow = (entry: Entry) =>
    row(
      entry.key,
      linkTo("keys", route.namespace, { ...route.params, key: entry.key }),
      el(
        "span",
        { class: "key-name" },
        icon(iconFor({ kind: entry.kind, contentType: entry.content_type })),
        el("span", {}, printable(entry.key.slice(folder().length)) || el("em", {}, printable(entry.key))),
      ),
      cell("type", entry.kind === "counter" ? "counter" : entry.content_type.split(";")[0]!),
      cell("size", size(entry.size)),
      cell("updated", time(entry.updated_at)),
      cell(
        "expires",
        entry.expires_at ? time(entry.expires_at, { expiry: true }) : el("span", { class: "muted" }, "never"),
      ),
      cell("version", el("code", {}, entry.version)),
    );

  const row = (name: string, href: string, content: Child, ...cells: Child[]) =>
    el(
      "tr",
      { role: "row", "data-name": name, onclick: (event) => openRow(event) },
      el(
        "th",
        { scope: "row", role: "rowheader" },
        el(
          "a",
          {
            href,
            "data-name": name,
            tabindex: -1,
            onfocus: (event) => makeTabbable(event.currentTarget as HTMLElement),
          },
          content,
        ),
      ),
      ...cells,
    );

  /** The whole row is a target for the mouse; keyboards and screen readers have the link. */
  const openRow = (event: MouseEvent) => {
    if ((event.target as Element).closest("a") || getSelection()?.toString()) return;
    (event.currentTarget as Element).querySelector("a")?.click();
  };

  const pager = ({ entries, prefixes, cursor }: Page) => {
    const total = prefixes.length + entries.length;
    const contents = [
      prefixes.length > 0 && count(prefixes.length, "folder"),
      entries.length > 0 && count(entries.length, "key"),
    ]
      .filter(Boolean)
      .join(", ");
    const before = (trail.length - 1) * pageSize;
    const turn = (next: (string | undefined)[]) => async () => {
      trail = next;
      await load();
      listing.querySelector(".table-frame")?.scrollTo({ top: 0 });
      focusRow(0);
    };
    const single = trail.length === 1 && !cursor;
    return el(
      "nav",
      { class: "pager", "aria-label": "Pages" },
      el("span", { class: "muted" }, single ? contents : `Rows ${before + 1}–${before + total}`),
      !single && [
        el(
          "button",
          { type: "button", class: "button", disabled: trail.length === 1, onclick: turn(trail.slice(0, -1)) },
          icon("back"),
          "Previous",
        ),
        el(
          "button",
          { type: "button", class: "button", disabled: !cursor, onclick: turn([...trail, cursor ?? undefined]) },
          "Next",
          icon("next"),
        ),
      ],
    );
  };

  const nothingHere = () => {
    if (folder() + typed() !== "")
      return el(
        "div",
        { class: "empty" },
        el(
          "p",
          { class: "empty-title" },
          "No key starts with ",
          el("code", { class: "break" }, printable(folder() + typed())),
        ),
        el("p", {}, "Keys are searched by how they start. Upper and lower case differ."),
      );
    return el(
      "div",
      { class: "empty" },
      el("p", { class: "empty-title" }, "No keys in ", el("code", {}, route.namespace), " yet"),
      el("p", {}, "Create one here, or write one from a terminal:"),
      commandLine(
        `curl -X PUT -H "Authorization: Bearer $SKYKV_KEY" --data 'Hello, sky' '${location.origin}${namespacePath(route.namespace)}/greeting'`,
      ),
      el("button", { type: "button", class: "button", onclick: () => create() }, icon("plus"), "New key"),
    );
  };

  const showCrumbs = () => {
    const mark = delimiter();
    const parts = mark === "none" ? [] : folder().split(mark).slice(0, -1);
    const crumb = (label: string, prefix: string | undefined, current: boolean) =>
      el(
        "li",
        {},
        el(
          "a",
          {
            href: linkTo("keys", route.namespace, { ...route.params, prefix, search: undefined, key: undefined }),
            "aria-current": current ? "page" : null,
          },
          label,
        ),
      );
    fill(
      crumbs,
      el(
        "ol",
        {},
        crumb(route.namespace, undefined, parts.length === 0),
        parts.map((part, i) =>
          crumb(printable(part) || "(empty)", parts.slice(0, i + 1).join(mark) + mark, i === parts.length - 1),
        ),
      ),
    );
  };

  const links = () => [...listing.querySelectorAll<HTMLElement>("tbody a")];
  /** One row of the grid is in the tab order: Tab passes the list in one step, arrows move within. */
  const makeTabbable = (link: HTMLElement | undefined) => {
    for (const other of listing.querySelectorAll('tbody a[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    link?.setAttribute("tabindex", "0");
  };
  const focusRow = (index: number) => {
    const all = links();
    all[Math.min(index, all.length - 1)]?.focus();
  };
  const move = (by: number) => () => {
    // Elsewhere these keys scroll what has the focus.
    if (document.activeElement !== document.body && !listing.contains(document.activeElement)) return false;
    const all = links();
    const at = all.indexOf(document.activeElement as HTMLElement);
    focusRow(at < 0 ? 0 : Math.max(0, at + by));
  };

  onKeys(
    {
      "/": () => search.select(),
      n: () => create(),
      r: () => load(),
      "?": showShortcuts,
      ArrowDown: move(1),
      ArrowUp: move(-1),
      PageDown: move(10),
      PageUp: move(-10),
      Home: move(-pageSize),
      End: move(pageSize),
      ArrowLeft: () => up(),
      Delete: () => removeFocused(),
      Escape: () => closePane(),
    },
    signal,
  );

  const up = () => {
    const parts = folder().split(delimiter());
    if (folder() !== "")
      go({
        prefix: parts
          .slice(0, -2)
          .map((part) => part + delimiter())
          .join(""),
        search: undefined,
        key: undefined,
      });
  };

  const create = async () => {
    const key = await editEntry({ namespace: route.namespace, key: folder() + typed(), entry: null });
    if (key === null) return;
    await load();
    go({ key });
  };

  const removeFocused = async () => {
    const name = (document.activeElement as HTMLElement).closest<HTMLElement>("tr")?.dataset.name ?? openKey;
    const entry = page?.entries.find(({ key }) => key === name);
    if (!entry) return announce("Move to a key first: folders are deleted key by key.");
    try {
      const gone = await removeEntry({
        namespace: route.namespace,
        key: entry.key,
        etag: `"${entry.etag}"`,
        shown: null,
      });
      if (gone && openKey === entry.key) closePane();
      await load();
    } catch (error) {
      fill(listing, errorBox(error, load));
    }
  };

  const closePane = () => {
    if (openKey === undefined) return;
    const key = openKey;
    go({ key: undefined });
    links()
      .find((link) => link.dataset.name === key)
      ?.focus();
  };

  const markOpen = () => {
    for (const link of links()) {
      if (link.dataset.name === openKey) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  const showPane = (key: string | undefined) => {
    openPane?.abort();
    openKey = key;
    pane.hidden = key === undefined;
    panes.classList.toggle("open", key !== undefined);
    markOpen();
    if (key === undefined) return fill(pane);
    openPane = new AbortController();
    const gone = () => {
      closePane();
      void load();
    };
    showEntry(pane, route.namespace, key, { close: closePane, changed: () => load(), gone }, openPane.signal);
  };

  return (next) => {
    const listed = (it: Route) =>
      JSON.stringify([it.namespace, it.params.prefix, it.params.search, it.params.delimiter]);
    const same = route !== undefined && listed(route) === listed(next);
    const sameKey = route !== undefined && route.namespace === next.namespace && route.params.key === next.params.key;
    route = next;
    if (!same) {
      page = null;
      picker.show(route.namespace);
      folding.value = delimiter() in delimiters ? delimiter() : "/";
      search.value = typed();
      showCrumbs();
      void load({ first: true });
    }
    if (!sameKey) showPane(route.params.key);
  };
};

const columns: [name: string, kind: string][] = [
  ["Key", "key"],
  ["Type", "type"],
  ["Size", "size"],
  ["Updated", "updated"],
  ["Expires", "expires"],
  ["Version", "version"],
];

function cell(kind: string, content: Child): HTMLElement {
  return el("td", { role: "gridcell", class: kind }, content);
}

function skeleton(): HTMLElement {
  return el(
    "div",
    { class: "skeletons", "aria-hidden": "true" },
    Array.from({ length: 8 }, () => el("div", { class: "skeleton" })),
  );
}
