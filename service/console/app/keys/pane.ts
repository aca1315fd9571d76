/** One entry: its value, its facts and what can be done with it. */
import { ApiError, keyPath } from "../api.ts";
import { commandLine, copyButton } from "../copy.ts";
import { ask, openDialog } from "../dialog.ts";
import { type Child, el, fill } from "../dom.ts";
import { printable, size, time } from "../format.ts";
import { icon } from "../icons.ts";
import { announce, errorBox } from "../notice.ts";
import { writeConditionally } from "./conflict.ts";
import { editEntry } from "./editor.ts";
import { deleteEntry, downloadEntry, incrementEntry, readEntry, type ShownEntry, touchEntry } from "./entry.ts";
import { expiryField } from "./expiry.ts";
import { decodeText } from "./text.ts";
import { iconFor, viewValue } from "./viewer.ts";

export interface PaneEvents {
  close(): void;
  /** The entry was deleted. */
  gone(): void;
  /** The entry was written: the list beside shows something old. */
  changed(): void;
}

/** Shows the entry in `stage` until `signal` aborts. */
export function showEntry(
  stage: HTMLElement,
  namespace: string,
  key: string,
  events: PaneEvents,
  signal: AbortSignal,
): void {
  const heading = el("h2", { class: "mono break", tabindex: -1 }, printable(key));
  const facts = el("div", {});
  const value = el("div", { "aria-busy": "true" }, el("div", { class: "skeleton block" }));
  const actions = el("div", { class: "toolbar" });
  const problem = el("div", {});

  fill(
    stage,
    el(
      "header",
      { class: "pane-header" },
      el(
        "button",
        { type: "button", class: "icon-button back", "aria-label": "Back to the list", onclick: events.close },
        icon("back"),
      ),
      heading,
      copyButton(key, "Key"),
      el(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Reload entry", onclick: () => load() },
        icon("refresh"),
      ),
      el(
        "button",
        { type: "button", class: "icon-button close", "aria-label": "Close", onclick: events.close },
        icon("close"),
      ),
    ),
    actions,
    problem,
    facts,
    value,
  );
  heading.focus({ preventScroll: true });

  const load = async () => {
    try {
      const entry = await readEntry(namespace, key, signal);
      value.removeAttribute("aria-busy");
      fill(actions, actionsFor(entry));
      fill(facts, factsOf(entry));
      fill(value, entry.kind === "counter" ? counterView(entry) : viewValue(entry), curlLine(entry));
    } catch (error) {
      if (signal.aborted) return;
      const gone = error instanceof ApiError && error.status === 404 && error.problem.code !== "namespace-not-found";
      value.removeAttribute("aria-busy");
      fill(actions);
      fill(facts);
      fill(value, gone ? missing() : errorBox(error, load));
    }
  };

  const missing = () =>
    el(
      "div",
      { class: "empty" },
      el("p", { class: "empty-title" }, "No such key"),
      el("p", {}, "It was deleted, or it expired, or it was never there."),
      el("button", { type: "button", class: "button", onclick: () => create() }, icon("plus"), "Create it"),
    );
  const create = async () => {
    if (await editEntry({ namespace, key, entry: null })) await reload();
  };
  const reload = async () => {
    await load();
    events.changed();
  };

  const actionsFor = (entry: ShownEntry): Child => [
    entry.kind === "value" && action("edit", "Edit", () => edit(entry), "primary"),
    action("download", "Download", () => attempt(() => downloadEntry(namespace, key))),
    entry.kind === "value" && action("clock", "Expiry", () => changeExpiry(entry)),
    action("trash", "Delete", () => remove(entry), "danger-text"),
  ];

  const edit = async (entry: ShownEntry) => {
    if (await editEntry({ namespace, key, entry })) await reload();
    heading.focus();
  };

  const attempt = async (work: () => Promise<void>) => {
    problem.replaceChildren();
    try {
      await work();
    } catch (error) {
      fill(problem, errorBox(error));
    }
  };

  const remove = (entry: ShownEntry) =>
    attempt(async () => {
      if (await removeEntry({ ...entry, shown: entry })) events.gone();
      else await load();
    });

  const changeExpiry = async (entry: ShownEntry) => {
    if (await askExpiry(entry)) await reload();
  };

  const counterView = (entry: ShownEntry) => {
    const add = (by: number) => () =>
      attempt(async () => {
        await incrementEntry(namespace, key, by);
        await reload();
        value.querySelector<HTMLElement>(by > 0 ? ".plus" : ".minus")?.focus();
      });
    return el(
      "div",
      { class: "counter" },
      el("button", { type: "button", class: "button minus", "aria-label": "Subtract 1", onclick: add(-1) }, "−1"),
      el("output", { "aria-live": "polite" }, decodeText(entry.bytes)),
      el("button", { type: "button", class: "button plus", "aria-label": "Add 1", onclick: add(1) }, "+1"),
    );
  };

  void load();
}

function action(name: Parameters<typeof icon>[0], label: string, onclick: () => void, kind = ""): HTMLElement {
  return el("button", { type: "button", class: `button ${kind}`, onclick }, icon(name), label);
}

function factsOf(entry: ShownEntry): HTMLElement {
  const fact = (name: string, ...value: Child[]) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
  return el(
    "dl",
    { class: "facts" },
    fact(
      "Type",
      el(
        "span",
        { class: "with-icon" },
        icon(iconFor(entry)),
        entry.kind === "counter" ? "counter" : entry.contentType,
      ),
    ),
    fact("Size", size(entry.size), entry.contentEncoding && ` (unpacked; stored as ${entry.contentEncoding})`),
    fact("Updated", time(entry.updatedAt)),
    fact("Expires", entry.expiresAt ? time(entry.expiresAt, { expiry: true }) : "never"),
    fact("Version", el("code", {}, entry.version)),
    fact("Written in", entry.origin),
    entry.meta !== null &&
      el("div", { class: "whole" }, el("dt", {}, "Metadata"), el("dd", {}, el("code", { class: "break" }, entry.meta))),
  );
}

function curlLine({ namespace, key }: ShownEntry): HTMLElement {
  const url = location.origin + keyPath(namespace, key).replaceAll("%2F", "/").replaceAll("'", "%27");
  return el(
    "details",
    { class: "from-shell" },
    el("summary", {}, "From the command line"),
    commandLine(`curl -H "Authorization: Bearer $SKYKV_KEY" '${url}'`),
  );
}

/** What a deletion refers to: an entry of a list, or one that was read. */
export interface Doomed {
  namespace: string;
  key: string;
  etag: string;
  shown: ShownEntry | null;
}

/** Asks, then deletes what was shown and nothing newer. False when the user steps back. */
export async function removeEntry({ namespace, key, etag, shown }: Doomed): Promise<boolean> {
  const text = [
    el("p", {}, "Its value is gone for good, for every client."),
    el("p", { class: "mono break" }, printable(key)),
  ];
  if (!(await ask({ title: "Delete this key?", text, action: "Delete", danger: true }))) return false;
  const outcome = await writeConditionally({
    namespace,
    key,
    expected: etag,
    shown,
    write: (expected) => deleteEntry(namespace, key, expected),
    insist: (current) => current && "Delete it all the same",
  });
  if (outcome === "written") announce(`Deleted ${printable(key)}`);
  return outcome === "written";
}

/** True when the expiry was changed, or the entry turned out to be another. */
async function askExpiry(entry: ShownEntry): Promise<boolean> {
  let changed = false;
  const field = expiryField(["after", "none"], entry.expiresAt);
  const problem = el("div", {});
  const form = el(
    "form",
    {
      class: "stack",
      onsubmit: async (event) => {
        event.preventDefault();
        try {
          const outcome = await writeConditionally({
            namespace: entry.namespace,
            key: entry.key,
            expected: entry.etag,
            shown: entry,
            write: (expected) => touchEntry(entry.namespace, entry.key, expected, field.value()),
            insist: (current) => current && "Set it all the same",
          });
          changed = outcome !== "back";
          dialog.close();
          if (outcome === "written") announce("Expiry set");
        } catch (error) {
          fill(problem, errorBox(error));
        }
      },
    },
    el(
      "p",
      {},
      entry.expiresAt ? ["It expires ", time(entry.expiresAt, { expiry: true }), "."] : "It never expires.",
      " The value stays, the version is a new one.",
    ),
    field.element,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      el("button", { class: "button primary" }, "Set expiry"),
    ),
  );
  const dialog = openDialog("Expiry", form);
  await dialog.closed;
  return changed;
}
