/** API keys: who may do what, creating one (its secret is shown once) and revoking. */
import { api } from "./api.ts";
import { copyButton } from "./copy.ts";
import { ask, openDialog } from "./dialog.ts";
import { type Child, el, fill } from "./dom.ts";
import { field } from "./field.ts";
import { count, time } from "./format.ts";
import { icon } from "./icons.ts";
import { announce, errorBox } from "./notice.ts";
import { rateLimitField } from "./rate-limit.ts";
import { currentKey } from "./session.ts";
import type { ApiKey, CreatedApiKey } from "./types.ts";
import type { View } from "./view.ts";

const verbs = { read: "read", write: "write", admin: "administer" };
const lifetimes = { Never: 0, "In 30 days": 30, "In 90 days": 90, "In a year": 365 };

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

async function createKey(): Promise<CreatedApiKey | null> {
  let created: CreatedApiKey | null = null;
  const name = el("input", { required: true, maxlength: 100, placeholder: "billing service", autocomplete: "off" });
  const lifetime = el(
    "select",
    {},
    Object.keys(lifetimes).map((label) => el("option", {}, label)),
  );
  const rateLimit = rateLimitField(null);
  const scopes = el("div", { class: "stack tight" });
  const problem = el("div", {});

  const addScope = () => {
    const line = el(
      "div",
      { class: "row scope" },
      el(
        "select",
        { "aria-label": "May" },
        Object.entries(verbs).map(([verb, label]) => el("option", { value: verb }, label)),
      ),
      el("input", {
        required: true,
        pattern: "[a-z0-9._\\-]{1,64}|[a-z0-9._\\-]{0,63}\\*",
        value: "default",
        "aria-label": "Namespace, or its beginning and *",
        list: "namespace-names",
        spellcheck: "false",
        autocomplete: "off",
        class: "mono",
      }),
      el(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Remove this scope",
          onclick: () => {
            line.remove();
            if (scopes.childElementCount === 0) addScope();
          },
        },
        icon("close"),
      ),
    );
    scopes.append(line);
    return line;
  };
  addScope();

  const chosenScopes = () =>
    [...scopes.children].map((line) => `${line.querySelector("select")!.value}:${line.querySelector("input")!.value}`);
  const submit = async () => {
    const days = lifetimes[lifetime.value as keyof typeof lifetimes];
    try {
      created = await api.createApiKey({
        name: name.value,
        scopes: [...new Set(chosenScopes())],
        expires_at: days ? new Date(Date.now() + days * 86_400_000).toISOString() : null,
        rate_limit: rateLimit.value(),
      });
      dialog.close();
    } catch (error) {
      fill(problem, errorBox(error));
    }
  };
  const names = el("datalist", { id: "namespace-names" }, el("option", { value: "*" }));
  void api
    .namespaces()
    .then((all) => names.append(...all.map((one) => el("option", { value: one.name }))))
    .catch(() => {});
  const form = el(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
    field("Name", name, "What will use it"),
    el(
      "fieldset",
      { class: "plain" },
      el("legend", {}, "It may"),
      scopes,
      el(
        "small",
        { class: "muted" },
        "In a namespace, or in all that begin alike: ",
        el("code", {}, "team-*"),
        ". ",
        el("code", {}, "*"),
        " is all of them.",
      ),
      el(
        "div",
        {},
        el(
          "button",
          { type: "button", class: "button small", onclick: () => addScope().querySelector("select")!.focus() },
          icon("plus"),
          "Another scope",
        ),
      ),
    ),
    names,
    field("Expires", lifetime),
    rateLimit.element,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      el("button", { class: "button primary" }, "Create"),
    ),
  );
  const dialog = openDialog("New API key", form);
  name.focus();
  await dialog.closed;
  return created;
}

async function showSecret({ name, key }: CreatedApiKey): Promise<void> {
  const secret = el("input", {
    value: key,
    readonly: true,
    class: "mono",
    "aria-label": "The new API key",
    onfocus: () => secret.select(),
  });
  const dialog = openDialog(
    `Key for ${name}`,
    el(
      "div",
      { class: "stack" },
      el("p", {}, el("strong", {}, "Copy it now. "), "It is shown this once: the service keeps only a hash of it."),
      el("div", { class: "row secret" }, secret, copyButton(key, "API key", "Copy")),
      el(
        "div",
        { class: "actions" },
        el("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, "I have it"),
      ),
    ),
  );
  secret.focus();
  await dialog.closed;
}
