/** API keys: who may do what, creating one (its secret is shown once) and revoking. */
import { api } from "./api.ts";
import { createKey, showSecret } from "./api-key-form.ts";
import { ask } from "./dialog.ts";
import { type Child, el, fill } from "./dom.ts";
import { count, time } from "./format.ts";
import { icon } from "./icons.ts";
import { announce, errorBox } from "./notice.ts";
import { currentKey } from "./session.ts";
import type { ApiKey } from "./types.ts";
import type { View } from "./view.ts";

export const apiKeysView: View = (stage, signal) => {
  const list = el("div", { "aria-busy": "true" }, el("div", { class: "skeleton block" }));
  fill(
    stage,
    el(
      "header",
      { class: "view-header" },
      el("h1", { tabindex: -1 }, "API keys"),
      el("span", { class: "spacer" }),
      el("button", { type: "button", class: "button primary", onclick: () => create() }, icon("plus"), "New API key"),
    ),
    el(
      "p",
      { class: "lead" },
      "Every program gets a key of its own, with no more rights than it needs. Revoking one takes effect within 5 seconds.",
    ),
    list,
  );

  const load = async () => {
    try {
      const keys = await api.apiKeys(signal);
      list.removeAttribute("aria-busy");
      fill(list, keys.length === 0 ? nothingHere() : table(keys));
    } catch (error) {
      if (!signal.aborted) fill(list, errorBox(error, load));
    }
  };

  const nothingHere = () =>
    el(
      "div",
      { class: "empty" },
      el("p", { class: "empty-title" }, "No API keys yet"),
      el(
        "p",
        {},
        "You are using the key that this service was started with. Make others for your programs: that one may do everything.",
      ),
      el("button", { type: "button", class: "button", onclick: () => create() }, icon("plus"), "New API key"),
    );

  const table = (keys: ApiKey[]) =>
    el(
      "div",
      { class: "table-frame" },
      el(
        "table",
        { class: "api-keys" },
        el("caption", { class: "visually-hidden" }, "API keys"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["Name", "Scopes", "State", "Created", "Expires", "Limit"].map((name) => el("th", { scope: "col" }, name)),
            el("td", {}),
          ),
        ),
        el(
          "tbody",
          {},
          keys
            .toSorted((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.created_at.localeCompare(a.created_at))
            .map(row),
        ),
      ),
    );

  const row = (key: ApiKey) =>
    el(
      "tr",
      { class: isOver(key) ? "over" : "" },
      el(
        "th",
        { scope: "row" },
        el("span", { class: "break" }, key.name),
        el("br"),
        el("code", { class: "muted small" }, key.id),
      ),
      labelled(
        "Scopes",
        el(
          "div",
          { class: "scopes" },
          key.scopes.map((scope) => el("code", { class: "badge" }, scope)),
        ),
      ),
      labelled("State", stateOf(key)),
      labelled("Created", time(key.created_at)),
      labelled(
        "Expires",
        key.expires_at ? time(key.expires_at, { expiry: true }) : el("span", { class: "muted" }, "never"),
      ),
      labelled(
        "Limit",
        key.rate_limit
          ? `${count(key.rate_limit.requests, "request")} in ${key.rate_limit.seconds} s`
          : el("span", { class: "muted" }, "none"),
      ),
      el(
        "td",
        { class: "end" },
        !key.revoked_at &&
          el(
            "button",
            { type: "button", class: "button small", "aria-label": `Revoke ${key.name}`, onclick: () => revoke(key) },
            "Revoke",
          ),
      ),
    );

  const create = async () => {
    const created = await createKey();
    if (!created) return;
    await showSecret(created);
    await load();
  };

  const revoke = async (key: ApiKey) => {
    const isOwn = currentKey()?.startsWith(`skykv_${key.id}_`);
    const text = [
      isOwn && el("p", {}, el("strong", {}, "You are signed in with this key.")),
      el("p", {}, "Programs that use it are refused within 5 seconds. This cannot be undone."),
    ];
    if (!(await ask({ title: `Revoke ${key.name}?`, text, action: "Revoke", danger: true }))) return;
    try {
      await api.revokeApiKey(key.id);
      announce(`Revoked ${key.name}`);
      await load();
    } catch (error) {
      fill(list, errorBox(error, load));
    }
  };

  return () => void load();
};

/** Narrow screens show a row as a block, where each cell names itself. */
function labelled(name: string, content: Child): HTMLElement {
  return el("td", { "data-label": name }, content);
}

function isOver(key: ApiKey): boolean {
  return key.revoked_at !== null || (key.expires_at !== null && new Date(key.expires_at).getTime() < Date.now());
}

function stateOf(key: ApiKey): Child {
  if (key.revoked_at)
    return el("span", {}, el("span", { class: "badge delete" }, "revoked"), " ", time(key.revoked_at));
  return isOver(key) ? el("span", { class: "badge" }, "expired") : el("span", { class: "badge put" }, "active");
}
