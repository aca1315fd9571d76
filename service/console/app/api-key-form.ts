/** The form for a new API key, and the one look at its secret. */
import { api } from "./api.ts";
import { copyButton } from "./copy.ts";
import { openDialog } from "./dialog.ts";
import { el, fill } from "./dom.ts";
import { field } from "./field.ts";
import { icon } from "./icons.ts";
import { errorBox } from "./notice.ts";
import { rateLimitField } from "./rate-limit.ts";
import type { CreatedApiKey } from "./types.ts";

const verbs = { read: "read", write: "write", admin: "administer" };
const lifetimes = { Never: 0, "In 30 days": 30, "In 90 days": 90, "In a year": 365 };

/** Asks for an API key and makes it; null when the user steps back. */
export async function createKey(): Promise<CreatedApiKey | null> {
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

/** Shows the new key, the only time that it can be seen. */
export async function showSecret({ name, key }: CreatedApiKey): Promise<void> {
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
