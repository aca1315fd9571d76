/** What the console tells its user: short announcements, and errors that say what to do about them. */
import { ApiError } from "./api.ts";
import { el } from "./dom.ts";
import { icon } from "./icons.ts";

const announcements = el("div", { class: "toasts", role: "status" });

/** Puts announcements where they are seen and heard: everything outside of an open dialog is neither. */
export function moveAnnouncements(): void {
  const dialogs = document.querySelectorAll("dialog[open]");
  (dialogs[dialogs.length - 1] ?? document.body).append(announcements);
}

/** Shows a short text for a few seconds and has screen readers say it. */
export function announce(text: string): void {
  const toast = el("p", { class: "toast" }, text);
  announcements.append(toast);
  while (announcements.childElementCount > 3) announcements.firstElementChild!.remove();
  setTimeout(() => toast.remove(), 6000);
}

/** An error as a box in the page. With `retry` it has a button to try again. */
export function errorBox(error: unknown, retry?: () => void): HTMLElement {
  const { title, detail, advice, request } = explain(error);
  return el(
    "div",
    { class: "error-box", role: "alert" },
    icon("warning"),
    el(
      "div",
      {},
      el("p", { class: "error-title" }, title),
      detail && el("p", {}, detail),
      advice && el("p", {}, advice),
      request && el("p", { class: "muted small" }, "Request ", el("code", {}, request)),
      retry && el("button", { type: "button", class: "button", onclick: retry }, icon("refresh"), "Try again"),
    ),
  );
}

interface Explanation {
  title: string;
  detail?: string | undefined;
  advice?: string | undefined;
  request?: string | undefined;
}

function explain(error: unknown): Explanation {
  if (!(error instanceof ApiError))
    return { title: "Something went wrong in the console", detail: String(error), advice: "Reload the page." };
  const { problem, status } = error;
  return {
    title: problem.title ?? `The service answered with status ${status}`,
    detail: sentence(problem.detail),
    advice: adviceFor(error),
    request: problem.instance,
  };
}

/** The API's details begin in lower case, as parts of log lines do. */
function sentence(text: string | undefined): string | undefined {
  return text && `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function adviceFor({ status, problem }: ApiError): string | undefined {
  if (problem.code === "unreachable-key") return undefined;
  if (problem.code === "namespace-not-found") return "Choose another namespace, or create this one under Namespaces.";
  if (status === 0) return "Check that it runs and that this computer reaches it; then try again.";
  if (status === 403) return "Sign in with a key that has this scope, or ask who administers this service for one.";
  if (status === 429)
    return `Wait ${problem.retry_after ?? "a few"} seconds; the limit belongs to the key or the namespace.`;
  if (status === 507)
    return "The disk is full: reads go on. Delete what is not needed, or give the database more room.";
  if (status >= 500) return "This is the service's fault. Try again in a moment; Health shows what is wrong.";
  return undefined;
}
