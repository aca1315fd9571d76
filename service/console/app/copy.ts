import { el } from "./dom.ts";
import { icon } from "./icons.ts";
import { announce } from "./notice.ts";

/** A button that copies `text`. `what` names it for people: "Key", "Command". */
export function copyButton(text: string, what: string, label?: string): HTMLButtonElement {
  return el(
    "button",
    {
      type: "button",
      class: label ? "button" : "icon-button",
      "aria-label": label ? null : `Copy ${what.toLowerCase()}`,
      onclick: () => copy(text, what),
    },
    icon("copy"),
    label,
  );
}

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  } catch {
    // Plain HTTP from another host, or no permission: browsers then keep the clipboard to themselves.
    announce("This browser does not let the page copy: select the text and copy it yourself.");
  }
}

/** A command line to paste, with its copy button. */
export function commandLine(command: string): HTMLElement {
  return el(
    "div",
    { class: "command" },
    el("pre", { tabindex: 0 }, el("code", {}, command)),
    copyButton(command, "Command"),
  );
}
