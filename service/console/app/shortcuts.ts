/** Single-key shortcuts. They can be switched off, for people whose speech or switch input types keys by accident. */
import { openDialog } from "./dialog.ts";
import { el } from "./dom.ts";

const slot = "skykv-shortcuts";
const enabled = () => localStorage.getItem(slot) !== "off";

const described: [keys: string, does: string][] = [
  ["/", "Search keys"],
  ["↑ ↓", "Move through the list"],
  ["Enter", "Open the key or folder"],
  ["←", "Up one folder"],
  ["n", "New key"],
  ["r", "Refresh the list"],
  ["Del", "Delete the key (asks first)"],
  ["Esc", "Close"],
  ["?", "This list"],
];

/** What a key does; false when it is not for this place and the browser may have it. */
export type KeyHandler = () => unknown;

/** Calls the handler of a pressed key until `signal` aborts; not while typing, in a dialog or with a modifier. */
export function onKeys(handlers: Record<string, KeyHandler>, signal: AbortSignal): void {
  document.addEventListener(
    "keydown",
    (event) => {
      const handler = handlers[event.key];
      if (!handler || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
      if (event.key.length === 1 && !enabled()) return;
      if (handler() !== false) event.preventDefault();
    },
    { signal },
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, select, textarea");
}

export function showShortcuts(): void {
  const box = el("input", {
    type: "checkbox",
    checked: enabled(),
    onchange: () => localStorage.setItem(slot, box.checked ? "on" : "off"),
  });
  openDialog("Keyboard", [
    el(
      "dl",
      { class: "shortcuts" },
      described.map(([keys, does]) => el("div", {}, el("dt", {}, el("kbd", {}, keys)), el("dd", {}, does))),
    ),
    el("label", { class: "check" }, box, "Single-key shortcuts"),
  ]);
}
