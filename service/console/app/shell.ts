/** What stands around every view: the brand, the way to the other views, and who is signed in where. */
import { api } from "./api.ts";
import { el, fill } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";
import { linkTo, type Route, type ViewName } from "./route.ts";
import { signOut } from "./session.ts";

const entries: [view: ViewName, label: string, icon: IconName][] = [
  ["keys", "Keys", "key"],
  ["watch", "Watch", "watch"],
  ["namespaces", "Namespaces", "boxes"],
  ["api-keys", "API keys", "shield"],
  ["clouds", "Clouds", "cloud"],
  ["health", "Health", "health"],
];

export interface Shell {
  /** Where views go. */
  stage: HTMLElement;
  /** Marks the view in the navigation and names it in the title. */
  mark(route: Route): void;
}

export function showShell(page: HTMLElement): Shell {
  const links = entries.map(([view, label, name]) =>
    el("a", { href: linkTo(view), "data-view": view }, icon(name), el("span", {}, label)),
  );
  const place = el("p", { class: "place" }, location.host);
  const stage = el("main", { id: "main", tabindex: -1 });
  fill(
    page,
    el("a", { class: "skip", href: "#main", onclick: skipTo(stage) }, "Skip to content"),
    el(
      "aside",
      { class: "sidebar" },
      el(
        "a",
        { class: "brand", href: linkTo("keys") },
        el("img", { src: "/console/icon.svg", alt: "", width: 28, height: 28 }),
        "SkyKV",
      ),
      el("nav", { "aria-label": "Views" }, links),
      el(
        "div",
        { class: "session" },
        place,
        el("a", { href: "/docs", class: "quiet" }, "API documentation"),
        el("button", { type: "button", class: "button small", onclick: () => signOut() }, icon("signout"), "Sign out"),
      ),
    ),
    stage,
  );
  // Only administrators may ask; to others the host name says enough.
  void api
    .cluster()
    .then(({ cloud, release }) =>
      fill(place, `Cloud ${cloud}`, el("br"), el("span", { class: "muted" }, `${location.host} · ${release}`)),
    )
    .catch(() => {});
  return {
    stage,
    mark: ({ view, namespace }) => {
      const isInNamespace = view === "keys" || view === "watch";
      for (const link of links) {
        const { view: target } = link.dataset;
        if (target === view) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
        // Keys and Watch look at the same namespace.
        if (isInNamespace && (target === "keys" || target === "watch")) link.href = linkTo(target, namespace);
      }
      const label = entries.find(([name]) => name === view)![1];
      document.title = `${label}${isInNamespace ? ` in ${namespace}` : ""} · SkyKV`;
    },
  };
}

/** The fragment is the route, so the link moves the focus instead of the address. */
function skipTo(target: HTMLElement): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    target.focus();
  };
}
