/** The choice of when an entry expires, as a group of form fields. */
import { el } from "../dom.ts";
import { field } from "../field.ts";
import { relative } from "../format.ts";
import type { Expiry } from "./entry.ts";

const units = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

export interface ExpiryField {
  element: HTMLElement;
  value(): Expiry;
}

/** `choices` in the order shown, the first one chosen. `expiresAt` words the choice `keep`. */
export function expiryField(
  choices: readonly ("keep" | "default" | "none" | "after")[],
  expiresAt: string | null,
): ExpiryField {
  const labels = {
    keep: expiresAt ? `As now (${relative(new Date(expiresAt))})` : "As now (never)",
    default: "As the namespace says",
    none: "Never",
    after: "After…",
  };
  const choice = el(
    "select",
    { name: "expiry", onchange: () => update() },
    choices.map((name) => el("option", { value: name }, labels[name])),
  );
  const amount = el("input", {
    type: "number",
    min: 0.001,
    step: "any",
    value: 1,
    required: true,
    "aria-label": "Amount",
    class: "short",
  });
  const unit = el(
    "select",
    { "aria-label": "Unit" },
    Object.keys(units).map((name) => el("option", {}, name)),
  );
  unit.value = "hours";
  const length = el("span", { class: "row" }, amount, unit);
  const update = () => {
    length.hidden = choice.value !== "after";
    amount.disabled = length.hidden;
  };
  update();
  return {
    element: el("div", { class: "row end" }, field("Expires", choice), length),
    value: () => {
      if (choice.value !== "after") return choice.value as Expiry;
      // Milliseconds are the finest that the API takes.
      return Number((amount.valueAsNumber * units[unit.value as keyof typeof units]).toFixed(3));
    },
  };
}
