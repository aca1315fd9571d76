/** Changes as they happen: a bounded list that survives breaks of the connection. */
import { ApiError, call, namespacePath } from "./api.ts";
import { commandLine } from "./copy.ts";
import { el, fill } from "./dom.ts";
import { count, printable, size, versionTime } from "./format.ts";
import { icon } from "./icons.ts";
import { namespacePicker } from "./namespace-picker.ts";
import { errorBox } from "./notice.ts";
import { linkTo, type Route } from "./route.ts";
import { serverEvents } from "./sse.ts";
import type { WatchEvent } from "./types.ts";
import type { View } from "./view.ts";

const maxEvents = 500;
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

export const watchView: View = (stage, signal) => {
  let route: Route;
  let stream: AbortController | null = null;
  /** Newest first. */
  let events: WatchEvent[] = [];
  /** Arrived since the last drawing, oldest first. */
  let waiting: WatchEvent[] = [];
  let paused = false;
  let received = 0;

  const picker = namespacePicker("watch", signal);
  const prefix = el("input", {
    placeholder: "All keys",
    spellcheck: "false",
    autocomplete: "off",
    class: "mono",
    onchange: () => {
      location.hash = linkTo("watch", route.namespace, { prefix: prefix.value });
    },
  });
  const filter = el("input", {
    type: "search",
    placeholder: "Any part of a key or value",
    spellcheck: "false",
    oninput: () => draw(),
  });
  const pauseButton = el("button", {
    type: "button",
    class: "button",
    onclick: () => {
      paused = !paused;
      draw();
    },
  });
  const state = el("p", { class: "state", role: "status" });
  const tally = el("p", { class: "muted" });
  const problem = el("div", {});
  const rows = el("tbody", {});
  const empty = el("div", { class: "empty" });
  const table = el(
    "div",
    { class: "table-frame" },
    el(
      "table",
      { class: "watch" },
      el("caption", { class: "visually-hidden" }, "Changes, newest first"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["Time", "Change", "Key", "Size", "Value"].map((name) =>
            el("th", { scope: "col", class: name.toLowerCase() }, name),
          ),
        ),
      ),
      rows,
    ),
  );
  fill(
    stage,
    el(
      "header",
      { class: "view-header" },
      el("h1", { tabindex: -1 }, "Watch"),
      picker.element,
      el("label", { class: "picker filter" }, el("span", {}, "Prefix"), prefix),
      el("label", { class: "picker filter" }, el("span", {}, "Filter"), filter),
      el("span", { class: "spacer" }),
      pauseButton,
      el(
        "button",
        {
          type: "button",
          class: "button",
          onclick: () => {
            events = [];
            waiting = [];
            draw();
          },
        },
        "Clear",
      ),
    ),
    el("div", { class: "row between state-bar" }, state, tally),
    problem,
    empty,
    table,
  );

  const draw = () => {
    if (!paused && waiting.length > 0) {
      events = [...waiting.reverse(), ...events].slice(0, maxEvents);
      waiting = [];
    }
    const wanted = filter.value.toLowerCase();
    const shown = events.filter((event) => `${event.key}\n${event.value ?? ""}`.toLowerCase().includes(wanted));
    fill(rows, shown.map(rowOf));
    fill(pauseButton, icon(paused ? "play" : "pause"), paused ? "Resume" : "Pause");
    tally.textContent = [
      paused && waiting.length > 0 ? `${count(waiting.length, "change")} waiting` : "",
      wanted === "" ? "" : `${shown.length} of ${events.length} shown`,
      `${count(received, "change")} received${received > maxEvents ? `, the last ${maxEvents} kept` : ""}`,
    ]
      .filter(Boolean)
      .join(" · ");
    table.hidden = events.length === 0;
    empty.hidden = events.length > 0;
  };

  let frame = 0;
  const take = (event: WatchEvent) => {
    received += 1;
    waiting.push(event);
    if (waiting.length > maxEvents) waiting.shift();
    // A busy feed is drawn once a frame, and not at all in a hidden tab.
    if (frame === 0)
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
  };

  const rowOf = (event: WatchEvent) =>
    el(
      "tr",
      { class: event.type },
      el(
        "td",
        { class: "time" },
        el("time", { datetime: versionTime(event.version).toISOString() }, clock.format(versionTime(event.version))),
      ),
      el("td", { class: "change" }, el("span", { class: `badge ${event.type}` }, event.type)),
      el(
        "td",
        { class: "key" },
        el("a", { href: linkTo("keys", route.namespace, { key: event.key }) }, printable(event.key)),
      ),
      el("td", { class: "size" }, event.type === "put" ? size(event.size) : "–"),
      el("td", { class: "value" }, el("code", {}, previewOf(event))),
    );

  const show = (text: string, kind: string) => {
    state.className = `state ${kind}`;
    state.textContent = text;
  };

  const follow = async (mine: AbortSignal) => {
    let lastId: string | null = null;
    for (let failures = 0; !mine.aborted; failures += 1) {
      try {
        show(failures === 0 ? "Connecting…" : "Connecting again…", "waiting");
        const headers: Record<string, string> = { accept: "text/event-stream" };
        if (lastId !== null) headers["last-event-id"] = lastId;
        const query = { prefix: route.params.prefix || undefined, values: "1" };
        const response = await call(`${namespacePath(route.namespace)}:watch`, { headers, query, signal: mine });
        show("Live", "live");
        problem.replaceChildren();
        for await (const event of serverEvents(response.body!)) {
          failures = 0;
          lastId = event.id ?? lastId;
          if (event.type === "put" || event.type === "delete") take(JSON.parse(event.data));
        }
      } catch (error) {
        if (mine.aborted) return;
        if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) {
          if (error.status !== 410) {
            show("Stopped", "stopped");
            return fill(problem, errorBox(error, start));
          }
          lastId = null;
          fill(
            problem,
            el(
              "p",
              { class: "note" },
              "The connection was away for too long: some changes before now are missing here.",
            ),
          );
        }
      }
      const wait = Math.min(15_000, 500 * 2 ** failures);
      show(
        `Disconnected, trying again in ${Math.ceil(wait / 1000)} s. Nothing is lost: it goes on where it stopped.`,
        "waiting",
      );
      await sleep(wait, mine);
    }
  };

  const start = () => {
    stream?.abort();
    stream = new AbortController();
    problem.replaceChildren();
    void follow(stream.signal);
  };
  signal.addEventListener("abort", () => {
    stream?.abort();
    cancelAnimationFrame(frame);
  });

  return (next) => {
    route = next;
    picker.show(route.namespace);
    prefix.value = route.params.prefix ?? "";
    events = [];
    waiting = [];
    received = 0;
    fill(
      empty,
      el("p", { class: "empty-title" }, "Waiting for changes"),
      el(
        "p",
        {},
        "Every put and delete in ",
        el("code", {}, route.namespace),
        " appears here the moment it is committed. Make one:",
      ),
      commandLine(
        `curl -X PUT -H "Authorization: Bearer $SKYKV_KEY" --data "$(date)" '${location.origin}${namespacePath(route.namespace)}/clock'`,
      ),
    );
    draw();
    start();
  };
};

function previewOf(event: WatchEvent): string {
  if (event.value === undefined) return "";
  if (event.encoding === "base64") return "(bytes)";
  return printable(event.value.slice(0, 160).replaceAll(/\s+/g, " "));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
