/** Namespaces: how much they hold, their settings, and making and deleting them. */
import { api } from "./api.ts";
import { ask } from "./dialog.ts";
import { el, fill } from "./dom.ts";
import { count, digits, duration, size } from "./format.ts";
import { icon } from "./icons.ts";
import { editNamespace } from "./namespace-form.ts";
import { announce, errorBox } from "./notice.ts";
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

  let names: string[] = [];
  const load = async () => {
    try {
      const all = await api.namespaces(signal);
      names = all.map(({ name }) => name);
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
    if (await editNamespace(namespace, names)) await load();
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
