/** Namespaces: how much they hold, their settings, and making and deleting them. */
import { api } from "./api.ts";
import { ask, openDialog } from "./dialog.ts";
import { el, fill } from "./dom.ts";
import { field } from "./field.ts";
import { count, digits, duration, size } from "./format.ts";
import { icon } from "./icons.ts";
import { announce, errorBox } from "./notice.ts";
import { rateLimitField } from "./rate-limit.ts";
import { linkTo } from "./route.ts";
import type { Namespace, Settings } from "./types.ts";
import type { View } from "./view.ts";

export const namespacesView: View = (stage, signal) => {
  const list = el("div", { "aria-busy": "true" }, el("div", { class: "skeleton block" }));
  fill(
    stage,
    el(
      "header",
      { class: "view-header" },
      el("h1", { tabindex: -1 }, "Namespaces"),
      el("span", { class: "spacer" }),
      el(
        "button",
        { type: "button", class: "button primary", onclick: () => edit(null) },
        icon("plus"),
        "New namespace",
      ),
    ),
    el(
      "p",
      { class: "lead" },
      "A namespace holds keys and has settings of its own: a default expiry, limits, who may read.",
    ),
    list,
  );

  const load = async () => {
    try {
      const all = await api.namespaces(signal);
      list.removeAttribute("aria-busy");
      fill(list, el("ul", { class: "cards" }, all.map(card)));
    } catch (error) {
      if (!signal.aborted) fill(list, errorBox(error, load));
    }
  };

  const card = (namespace: Namespace) =>
    el(
      "li",
      { class: "card" },
      el(
        "div",
        { class: "row between" },
        el("h2", {}, el("a", { href: linkTo("keys", namespace.name) }, namespace.name)),
        el(
          "div",
          { class: "row" },
          el(
            "button",
            {
              type: "button",
              class: "icon-button",
              "aria-label": `Edit ${namespace.name}`,
              onclick: () => edit(namespace),
            },
            icon("edit"),
          ),
          el(
            "button",
            {
              type: "button",
              class: "icon-button",
              "aria-label": `Delete ${namespace.name}`,
              onclick: () => remove(namespace),
            },
            icon("trash"),
          ),
        ),
      ),
      el(
        "p",
        { class: "figures" },
        el("span", {}, el("b", {}, digits(namespace.entries)), namespace.entries === 1 ? " key" : " keys"),
        el("span", {}, el("b", {}, size(namespace.bytes))),
      ),
      el("p", { class: "muted small" }, settingsInWords(namespace)),
    );

  const edit = async (namespace: Namespace | null) => {
    if (await editNamespace(namespace)) await load();
  };

  const remove = async (namespace: Namespace) => {
    const { name, entries } = namespace;
    const question = {
      title: `Delete ${name}?`,
      text:
        entries === 0
          ? "It is empty."
          : `Its ${count(entries, "key")} (${size(namespace.bytes)}) are deleted with it, for good.`,
      action: "Delete",
      danger: true,
    };
    if (!(await ask(entries === 0 ? question : { ...question, typed: name }))) return;
    try {
      await api.deleteNamespace(name, entries > 0);
      announce(`Deleted ${name}`);
      await load();
    } catch (error) {
      fill(list, errorBox(error, load));
    }
  };

  return () => void load();
};

function settingsInWords(settings: Settings): string {
  return [
    settings.home ? `Home: ${settings.home}` : "Every cloud takes writes",
    settings.default_ttl === null ? "no expiry" : `expires after ${duration(settings.default_ttl * 1000)}`,
    `values up to ${size(settings.max_value_bytes)}`,
    settings.default_durability !== "local" && `durability ${settings.default_durability}`,
    settings.rate_limit && `${digits(settings.rate_limit.requests)} requests in ${settings.rate_limit.seconds} s`,
    settings.require_condition && "writes need a condition",
    settings.public_read && "anyone may read",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** True when something was saved. */
async function editNamespace(namespace: Namespace | null): Promise<boolean> {
  let saved = false;
  const name = el("input", {
    value: namespace?.name ?? "",
    required: true,
    pattern: "[a-z0-9.\\-][a-z0-9._\\-]{0,63}",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "team-a",
    class: "mono",
  });
  const home = el("input", {
    value: namespace?.home ?? "",
    placeholder: "none",
    pattern: "[a-z0-9\\-]{1,32}",
    autocomplete: "off",
    spellcheck: "false",
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
      announce(`Saved ${name.value}`);
      saved = true;
      dialog.close();
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
