import { type Child, el, uniqueId } from "./dom.ts";

/** A form field below its label. The hint is the field's description, not a part of its name. */
export function field(label: Child, input: HTMLElement, hint?: Child): HTMLElement {
  input.id ||= uniqueId();
  const element = el("div", { class: "field" }, el("label", { for: input.id }, label), input);
  if (hint) {
    const id = uniqueId();
    input.setAttribute("aria-describedby", id);
    element.append(el("small", { class: "muted", id }, hint));
  }
  return element;
}
