/** The console: signs in, shows the view of the address, and follows it. */
import { apiKeysView } from "./api-keys.ts";
import { cloudsView } from "./clouds/view.ts";
import { el } from "./dom.ts";
import { refreshTimes } from "./format.ts";
import { healthView } from "./health.ts";
import { keysView } from "./keys/view.ts";
import { namespacesView } from "./namespaces.ts";
import { moveAnnouncements } from "./notice.ts";
import { parseRoute, type Route, type ViewName } from "./route.ts";
import { currentKey, takeKeyFromAddress } from "./session.ts";
import { type Shell, showShell } from "./shell.ts";
import { showSignIn } from "./sign-in.ts";
import type { View } from "./view.ts";
import { watchView } from "./watch.ts";

const views: Record<ViewName, View> = {
  keys: keysView,
  watch: watchView,
  namespaces: namespacesView,
  "api-keys": apiKeysView,
  clouds: cloudsView,
  health: healthView,
};

const page = el("div", { id: "page" });
document.body.replaceChildren(page);
moveAnnouncements();

let shell: Shell | null = null;
let shown: { view: ViewName; update: (route: Route) => void; end: AbortController } | null = null;

function leave(): void {
  shown?.end.abort();
  shown = null;
  shell = null;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

function start(reason = ""): void {
  leave();
  page.className = currentKey() ? "signed-in" : "";
  if (currentKey()) {
    shell = showShell(page);
    follow();
  } else showSignIn(page, reason, start);
}

/** Shows what the address says. */
function follow(): void {
  if (!shell) return;
  const route = parseRoute(location.hash);
  const isFirst = shown === null;
  if (shown?.view !== route.view) {
    shown?.end.abort();
    const end = new AbortController();
    shown = { view: route.view, update: views[route.view](shell.stage, end.signal), end };
    // After a click in the navigation the keyboard and the screen reader are where the eyes are.
    if (!isFirst) shell.stage.querySelector("h1")?.focus();
  }
  shell.mark(route);
  shown!.update(route);
}

window.addEventListener("hashchange", () => (takeKeyFromAddress() ? start() : follow()));
window.addEventListener("signed-out", (event) => start((event as CustomEvent<string>).detail));
setInterval(refreshTimes, 1000);

takeKeyFromAddress();
start();
