/** Dialogs: the browser's own element does focus, Escape and the layer on top. */
import { type Child, el, uniqueId } from "./dom.ts";
import { field } from "./field.ts";
import { icon } from "./icons.ts";
import { moveAnnouncements } from "./notice.ts";

export interface OpenDialog {
  /** Closes at once; `tryClose` asks `mayClose` first. */
  close(): void;
  tryClose(): void;
  closed: Promise<void>;
}

export interface DialogOptions {
  wide?: boolean;
  /** Asked before Escape or the close button closes; false keeps the dialog open. */
  mayClose?: () => boolean | Promise<boolean>;
}

export function openDialog(title: string, content: Child, { wide = false, mayClose }: DialogOptions = {}): OpenDialog {
  const id = uniqueId();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const close = () => {
    element.close();
    element.remove();
    moveAnnouncements();
    resolve();
  };
  const tryClose = async () => {
    if (!mayClose || (await mayClose())) close();
  };
  const element = el(
    "dialog",
    {
      "aria-labelledby": id,
      class: wide ? "wide" : "",
      oncancel: (event) => {
        // A file input inside sends its own cancel event, which bubbles.
        if (event.target !== element) return;
        event.preventDefault();
        void tryClose();
      },
      // Browsers close a dialog without asking when Escape comes twice in a row.
      onclose: close,
    },
    el(
      "header",
      {},
      el("h2", { id }, title),
      el("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: tryClose }, icon("close")),
    ),
    el("div", { class: "dialog-body" }, content),
  );
  document.body.append(element);
  element.showModal();
  moveAnnouncements();
  return { close, tryClose, closed };
}

export interface Question {
  title: string;
  text: Child;
  /** The word on the button that goes ahead. */
  action: string;
  danger?: boolean;
  /** When given, it must be typed before the button works. */
  typed?: string;
}

/** Asks before something that cannot be undone. Resolves to true when the user goes ahead. */
export async function ask({ title, text, action, danger = false, typed }: Question): Promise<boolean> {
  let answer = false;
  const go = el(
    "button",
    { class: danger ? "button danger" : "button primary", disabled: typed !== undefined },
    action,
  );
  const cancel = el("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const input = el("input", {
    autocomplete: "off",
    oninput: () => {
      go.disabled = input.value !== typed;
    },
  });
  const form = el(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        answer = true;
        dialog.close();
      },
    },
    el("div", { class: "prose" }, text),
    typed !== undefined && field(["Type ", el("code", {}, typed)], input),
    el("div", { class: "actions" }, cancel, go),
  );
  const dialog = openDialog(title, form);
  // A stray Enter must not delete.
  (typed !== undefined ? input : danger ? cancel : go).focus();
  await dialog.closed;
  return answer;
}
