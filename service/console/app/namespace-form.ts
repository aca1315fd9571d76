/** The form for the settings of a namespace. */
import { api } from "./api.ts";
import { openDialog } from "./dialog.ts";
import { el, fill } from "./dom.ts";
import { field } from "./field.ts";
import { announce, errorBox } from "./notice.ts";
import { rateLimitField } from "./rate-limit.ts";
import type { Namespace, Settings } from "./types.ts";

/** Edits the settings of `namespace`, or makes one when that is null. True when something was saved. */
export async function editNamespace(namespace: Namespace | null, taken: readonly string[]): Promise<boolean> {
  let saved = false;
  const name = el("input", {
    value: namespace?.name ?? "",
    required: true,
    pattern: "[a-z0-9.\\-][a-z0-9._\\-]{0,63}",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "team-a",
    class: "mono",
    oninput: () => {
      // Making one is the same request as replacing its settings.
      name.setCustomValidity(taken.includes(name.value) ? "This namespace exists already" : "");
    },
  });
  const home = el("input", {
    value: namespace?.home ?? "",
    placeholder: "none",
    pattern: "[a-z0-9\\-]{1,32}",
    autocomplete: "off",
    spellcheck: "false",
    // Chosen with the namespace; later it is moved, which takes a while and is not a setting.
    readOnly: namespace !== null,
  });
  const ttl = el("input", {
    type: "number",
    min: 0.001,
    step: "any",
    value: namespace?.default_ttl ?? "",
    placeholder: "none",
  });
  const durability = el(
    "select",
    {},
    (["local", "peer", "all"] as const).map((level) =>
      el("option", { selected: level === namespace?.default_durability }, level),
    ),
  );
  const valueBytes = el("input", {
    type: "number",
    min: 1,
    max: 25 * 2 ** 20,
    step: 1,
    value: namespace?.max_value_bytes ?? 25 * 2 ** 20,
    required: true,
  });
  const rateLimit = rateLimitField(namespace?.rate_limit ?? null);
  const condition = el("input", { type: "checkbox", checked: namespace?.require_condition });
  const publicRead = el("input", {
    type: "checkbox",
    checked: namespace?.public_read,
    onchange: () => {
      maxAgeField.hidden = !publicRead.checked;
    },
  });
  const maxAge = el("input", { type: "number", min: 0, max: 86_400, step: 1, value: namespace?.public_max_age ?? 0 });
  const problem = el("div", {});

  const maxAgeField = field("Browsers may keep public answers", maxAge, "Seconds");
  maxAgeField.hidden = !namespace?.public_read;

  const submit = async () => {
    const optional = (input: HTMLInputElement) => (input.value === "" ? null : input.valueAsNumber);
    try {
      await api.putNamespace(name.value, {
        home: home.value || null,
        default_ttl: optional(ttl),
        default_durability: durability.value as Settings["default_durability"],
        max_value_bytes: valueBytes.valueAsNumber,
        rate_limit: rateLimit.value(),
        require_condition: condition.checked,
        public_read: publicRead.checked,
        public_max_age: maxAge.valueAsNumber || 0,
      });
      saved = true;
      dialog.close();
      announce(`Saved ${name.value}`);
    } catch (error) {
      fill(problem, errorBox(error));
    }
  };
  const form = el(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
    !namespace && field("Name", name, "1 to 64 of a-z 0-9 . _ -"),
    el(
      "div",
      { class: "fields" },
      field("Default expiry", ttl, "Seconds after each write; empty: never"),
      field("Largest value", valueBytes, "Bytes, at most 25 MiB"),
      field("Home cloud", home, "Takes all writes; empty: every cloud does"),
      field("Durability", durability, "Where a write must be before it is confirmed"),
    ),
    rateLimit.element,
    el(
      "label",
      { class: "check" },
      condition,
      el("span", {}, "Writes must carry a condition ", el("small", { class: "muted" }, "(If-Match or If-None-Match)")),
    ),
    el(
      "label",
      { class: "check" },
      publicRead,
      el("span", {}, "Anyone may read ", el("small", { class: "muted" }, "(without an API key)")),
    ),
    maxAgeField,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      el("button", { class: "button primary" }, namespace ? "Save" : "Create"),
    ),
  );
  const dialog = openDialog(namespace ? `Settings of ${namespace.name}` : "New namespace", form);
  if (!namespace) name.focus();
  await dialog.closed;
  return saved;
}
