/** The keys of a namespace: folders, search by prefix, pages by cursor, and the entry that is open beside them. */
import { api, namespacePath } from "../api.ts";
import { commandLine } from "../copy.ts";
import { el, fill } from "../dom.ts";
import { count, printable } from "../format.ts";
import { icon } from "../icons.ts";
import { namespacePicker } from "../namespace-picker.ts";
import { announce, errorBox } from "../notice.ts";
import { linkTo, type Route } from "../route.ts";
import { onKeys, showShortcuts } from "../shortcuts.ts";
import type { Page } from "../types.ts";
import type { View } from "../view.ts";
import { parentOf, showCrumbs } from "./crumbs.ts";
import { editEntry } from "./editor.ts";
import { type KeyGrid, keyGrid } from "./grid.ts";
import { removeEntry, showEntry } from "./pane.ts";

const pageSize = 100;
/** Milliseconds without a letter after which a search is sent. */
const typingPause = 120;
const delimiters = { "/": "Folders at /", ":": "Folders at :", ".": "Folders at .", none: "No folders" };

export const keysView: View = (stage, signal) => {
  let route: Route;
  let page: Page | null = null;
  let grid: KeyGrid | null = null;
  /** The cursor of this page behind those of the pages before it; the first page has none. */
  let trail: (string | undefined)[] = [undefined];
  let loading: AbortController | null = null;
  let reading: AbortController | null = null;
  let typing: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => {
    clearTimeout(typing);
    loading?.abort();
    reading?.abort();
  });

  const folder = () => route.params.prefix ?? "";
  const typed = () => route.params.search ?? "";
  const delimiter = () => (route.params.delimiter! in delimiters ? route.params.delimiter! : "/");
  const linkWith = (params: Record<string, string | undefined>) =>
    linkTo("keys", route.namespace, { ...route.params, ...params });
  const linkToFolder = (prefix: string | undefined) => linkWith({ prefix, search: undefined, key: undefined });
  const go = (link: string) => {
    location.hash = link;
  };

  const picker = namespacePicker("keys", signal);
  const search = el("input", {
    type: "search",
    placeholder: "Keys that start with…",
    "aria-label": "Search keys by how they start",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(find, typingPause);
    },
    onkeydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        grid?.focus(null, 0);
      } else if (event.key === "Escape" && search.value === "") search.blur();
    },
  });
  const folding = el(
    "select",
    {
      "aria-label": "Folders",
      onchange: () => go(linkWith({ delimiter: folding.value, prefix: undefined })),
    },
    Object.entries(delimiters).map(([value, label]) => el("option", { value }, label)),
  );
  const iconButton = (name: Parameters<typeof icon>[0], label: string, onclick: () => void, kind = "") =>
    el("button", { type: "button", class: `icon-button ${kind}`, "aria-label": label, onclick }, icon(name));
  const newButton = (kind = "") =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => create() }, icon("plus"), "New key");
  const heading = el("h1", { tabindex: -1 }, "Keys");
  const crumbs = el("nav", { class: "crumbs", "aria-label": "Folder" });
  const status = el("p", { class: "visually-hidden", role: "status" });
  const listing = el("div", { class: "listing" });
  const pane = el("section", { class: "pane", "aria-label": "Entry", hidden: true });
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
      heading,
      picker.element,
      el("div", { class: "search" }, icon("search"), search, el("kbd", { "aria-hidden": "true" }, "/")),
      folding,
      el("span", { class: "spacer" }),
      iconButton("keyboard", "Keyboard shortcuts", showShortcuts, "for-keyboards"),
      iconButton("refresh", "Refresh", () => load()),
      newButton("primary"),
    ),
    status,
    panes,
  );

  /** Searches for what is typed. No history entry for every letter. */
  const find = () => {
    route = { ...route, params: { ...route.params, search: search.value } };
    history.replaceState(null, "", linkWith({}));
    trail = [undefined];
    void load();
  };

  const load = async () => {
    loading?.abort();
    loading = new AbortController();
    const mine = loading.signal;
    listing.setAttribute("aria-busy", "true");
    if (!page) fill(listing, skeleton());
    const query = {
      prefix: folder() + typed(),
      delimiter: delimiter() === "none" ? undefined : delimiter(),
      cursor: trail.at(-1),
      limit: String(pageSize),
    };
    try {
      page = await api.list(route.namespace, query, mine);
      showPage(page);
    } catch (error) {
      if (mine.aborted) return;
      page = null;
      grid = null;
      fill(listing, errorBox(error, load));
    }
    listing.removeAttribute("aria-busy");
  };

  const showPage = (shown: Page) => {
    const { entries, prefixes, cursor } = shown;
    const contents = [
      prefixes.length > 0 && count(prefixes.length, "folder"),
      entries.length > 0 && count(entries.length, "key"),
    ].filter(Boolean);
    status.textContent = `${contents.join(", ") || "Nothing"}${cursor ? ", more on the next page" : ""}`;
    if (contents.length === 0 && trail.length === 1) {
      grid = null;
      fill(listing, nothingHere());
      return;
    }
    const before = grid?.focused();
    grid = keyGrid(route.namespace, shown, folder(), (target) =>
      "prefix" in target ? linkToFolder(target.prefix) : linkWith(target),
    );
    const first = (trail.length - 1) * pageSize + 1;
    const isAll = trail.length === 1 && !cursor;
    fill(
      listing,
      grid.element,
      el(
        "nav",
        { class: "pager", "aria-label": "Pages" },
        el(
          "span",
          { class: "muted" },
          isAll ? contents.join(", ") : `Rows ${first}–${first + prefixes.length + entries.length - 1}`,
        ),
        !isAll && [
          turnButton(trail.length > 1, trail.slice(0, -1), icon("back"), "Previous"),
          turnButton(cursor !== null, [...trail, cursor ?? undefined], "Next", icon("next")),
        ],
      ),
    );
    if (before) grid.focus(before.name, before.index);
    grid.markOpen(route.params.key);
  };

  const turnButton = (enabled: boolean, next: typeof trail, ...label: (string | Node)[]) => {
    const turn = async () => {
      trail = next;
      await load();
      grid?.focus(null, 0);
    };
    return el("button", { type: "button", class: "button", disabled: !enabled, onclick: turn }, label);
  };

  const nothingHere = () => {
    const prefix = folder() + typed();
    if (prefix !== "")
      return el(
        "div",
        { class: "empty" },
        el("p", { class: "empty-title" }, "No key starts with ", el("code", { class: "break" }, printable(prefix))),
        el("p", {}, "Keys are searched by how they start. Upper and lower case differ."),
      );
    const url = `${location.origin}${namespacePath(route.namespace)}/greeting`;
    return el(
      "div",
      { class: "empty" },
      el("p", { class: "empty-title" }, "No keys in ", el("code", {}, route.namespace), " yet"),
      el("p", {}, "Create one here, or write one from a terminal:"),
      commandLine(`curl -X PUT -H "Authorization: Bearer $SKYKV_KEY" --data 'Hello, sky' '${url}'`),
      newButton(),
    );
  };

  const create = async () => {
    const key = await editEntry({ namespace: route.namespace, key: folder() + typed(), entry: null });
    if (key === null) return;
    await load();
    go(linkWith({ key }));
  };

  const removeFocused = async () => {
    const name = grid?.focused()?.name ?? route.params.key;
    const entry = page?.entries.find(({ key }) => key === name);
    if (!entry) return announce("Move to a key first: folders are deleted key by key.");
    try {
      const { key, etag } = entry;
      const gone = await removeEntry({ namespace: route.namespace, key, etag: `"${etag}"`, shown: null });
      if (gone && route.params.key === key) closePane();
      await load();
    } catch (error) {
      fill(listing, errorBox(error, load));
    }
  };

  const closePane = () => {
    const { key } = route.params;
    if (key === undefined) return;
    // At once, not after the address has changed: on a narrow screen the list is hidden until then.
    const { key: _, ...params } = route.params;
    route = { ...route, params };
    go(linkWith({}));
    showPane();
    if (!grid?.focus(key, 0)) heading.focus();
  };

  const showPane = () => {
    const { key } = route.params;
    reading?.abort();
    pane.hidden = key === undefined;
    panes.classList.toggle("open", key !== undefined);
    grid?.markOpen(key);
    if (key === undefined) return fill(pane);
    reading = new AbortController();
    const gone = () => {
      closePane();
      void load();
    };
    showEntry(pane, route.namespace, key, { close: closePane, changed: () => load(), gone }, reading.signal);
  };

  const move = (by: number) => () => {
    const at = grid?.focused()?.index;
    // Elsewhere these keys scroll what has the focus.
    if (at === undefined && document.activeElement !== document.body) return false;
    return grid?.focus(null, at === undefined ? 0 : at + by);
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
      ArrowLeft: () => folder() !== "" && go(linkToFolder(parentOf(folder(), delimiter()))),
      Delete: () => removeFocused(),
      Escape: closePane,
    },
    signal,
  );

  return (next) => {
    const listed = ({ namespace, params: { prefix, search: start, delimiter: mark } }: Route) =>
      JSON.stringify([namespace, prefix, start, mark]);
    const isListed = route !== undefined && listed(route) === listed(next);
    const isOpen = route !== undefined && route.namespace === next.namespace && route.params.key === next.params.key;
    route = next;
    if (!isListed) {
      page = null;
      grid = null;
      trail = [undefined];
      picker.show(route.namespace);
      folding.value = delimiter();
      search.value = typed();
      showCrumbs(crumbs, route.namespace, folder(), delimiter(), linkToFolder);
      void load();
    }
    if (!isOpen) showPane();
  };
};

function skeleton(): HTMLElement {
  return el(
    "div",
    { class: "skeletons", "aria-hidden": "true" },
    Array.from({ length: 8 }, () => el("div", { class: "skeleton" })),
  );
}
