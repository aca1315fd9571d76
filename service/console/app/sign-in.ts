/** The form that takes an API key. */
import { ApiError, api } from "./api.ts";
import { el, fill } from "./dom.ts";
import { field } from "./field.ts";
import { errorBox } from "./notice.ts";
import { currentKey, signIn } from "./session.ts";

/** Shows the form; calls `done` once the service accepts the key. `reason`: why the last one does no more. */
export function showSignIn(stage: HTMLElement, reason: string, done: () => void): void {
  const problem = el("div", { role: "alert" }, reason && el("p", { class: "note" }, reason));
  const input = el("input", {
    type: "password",
    required: true,
    pattern: "\\s*[\\x21-\\x7e]+\\s*",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "skykv_…",
    class: "mono",
  });
  const button = el("button", { class: "button primary" }, "Sign in");
  const submit = async () => {
    button.disabled = true;
    problem.replaceChildren();
    signIn(input.value.trim());
    try {
      await api.namespaces();
    } catch (error) {
      // 403: the key is good, only not for this list. On 401 the session has ended and this form is shown anew.
      if (!(error instanceof ApiError && error.status === 403)) {
        button.disabled = false;
        if (currentKey()) fill(problem, errorBox(error));
        return;
      }
    }
    done();
  };
  fill(
    stage,
    el(
      "main",
      { class: "sign-in" },
      el("img", { src: "/console/icon.svg", alt: "", width: 48, height: 48 }),
      el("h1", {}, "SkyKV"),
      el("p", { class: "muted" }, `The console of ${location.host}`),
      el(
        "form",
        {
          class: "stack card",
          onsubmit: (event) => {
            event.preventDefault();
            void submit();
          },
        },
        field("API key", input),
        problem,
        button,
        el("p", { class: "muted small" }, "It stays in this tab and is forgotten when you close it."),
      ),
      el(
        "details",
        {},
        el("summary", {}, "Where is my key?"),
        el(
          "p",
          {},
          el("code", {}, "npm start"),
          " prints one, with a link that signs you in. A deployed service starts with the key in ",
          el("code", {}, "SKYKV_ADMIN_KEY"),
          "; whoever has that can create others under API keys.",
        ),
      ),
    ),
  );
  input.focus();
}
