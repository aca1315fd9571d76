/** How this cloud does, measured every two seconds while somebody looks. */
import { ApiError, api, call } from "./api.ts";
import { type Child, el, fill } from "./dom.ts";
import { count, digits, milliseconds, size } from "./format.ts";
import { errorBox } from "./notice.ts";
import { sparkline } from "./sparkline.ts";
import type { Cluster } from "./types.ts";
import type { View } from "./view.ts";

const intervalMs = 2000;
/** Two minutes of samples. */
const maxSamples = 60;
/** The service refuses writes when its clock and the database's are further apart. */
const maxSkewMs = 5000;
/** A feed normally moves within milliseconds. */
const maxHorizonAgeMs = 10_000;

export const healthView: View = (stage, signal) => {
  const samples: number[] = [];
  /** Without the scope `admin` there is no more than readiness; asking again and again would not help. */
  let mayAsk = true;
  const state = el("p", { class: "state", role: "status" }, "Asking…");
  const cloud = el("dl", { class: "facts" });
  const latency = el("div", {});
  const details = el("div", { "aria-busy": "true" }, el("div", { class: "skeleton block" }));
  fill(
    stage,
    el(
      "header",
      { class: "view-header" },
      el("h1", { tabindex: -1 }, "Health"),
      el("span", { class: "spacer" }),
      el("p", { class: "muted small" }, "Measured every 2 seconds"),
    ),
    el(
      "div",
      { class: "cards wide" },
      el("section", { class: "card" }, el("h2", {}, "This cloud"), state, cloud),
      el("section", { class: "card" }, el("h2", {}, "Latency from this browser"), latency),
    ),
    details,
  );

  const measure = async () => {
    const ready = await readiness(signal);
    if (signal.aborted) return;
    // Written only when it changes: screen readers speak each change.
    const words = wordsFor(ready);
    if (state.textContent !== words) {
      state.className = `state ${ready?.reason === null ? "live" : "stopped"}`;
      state.textContent = words;
    }
    if (ready) samples.push(ready.ms);
    if (samples.length > maxSamples) samples.shift();
    fill(latency, latencyView(samples));
    if (mayAsk) await describe();
  };

  const describe = async () => {
    try {
      const cluster = await api.cluster(signal);
      fill(cloud, cloudFacts(cluster));
      fill(details, detailsOf(cluster));
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || error.status === 0) return;
      mayAsk = error.status !== 403;
      fill(details, errorBox(error));
    }
    details.removeAttribute("aria-busy");
  };

  const loop = async () => {
    while (!signal.aborted) {
      if (document.visibilityState === "visible") await measure();
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  };
  void loop();
  return () => {};
};

interface Readiness {
  /** Why it is not ready; null when it is. */
  reason: string | null;
  ms: number;
}

function wordsFor(ready: Readiness | null): string {
  if (ready === null) return "The service does not answer";
  return ready.reason === null ? "Ready: takes reads and writes" : `Not ready: ${ready.reason}`;
}

/** Null when no answer came at all. */
async function readiness(signal: AbortSignal): Promise<Readiness | null> {
  const start = performance.now();
  try {
    await call("/ready", { signal });
    return { reason: null, ms: performance.now() - start };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0) return null;
    return { reason: String(error.problem.reason ?? error.message), ms: performance.now() - start };
  }
}

function latencyView(samples: number[]): Child {
  if (samples.length === 0) return el("p", { class: "muted" }, "Nothing measured yet");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)]!;
  const worst = sorted.at(-1)!;
  return [
    el(
      "p",
      { class: "figures" },
      el("span", {}, el("b", {}, milliseconds(samples.at(-1)!)), " now"),
      el("span", {}, el("b", {}, milliseconds(middle)), " median"),
      el("span", {}, el("b", {}, milliseconds(worst)), " worst"),
    ),
    sparkline(
      samples,
      maxSamples,
      `Round trips of the last two minutes: median ${milliseconds(middle)}, worst ${milliseconds(worst)}`,
    ),
  ];
}

function cloudFacts(cluster: Cluster): Child {
  return [
    fact("Cloud", cluster.cloud),
    fact("Release", cluster.release),
    fact("Incarnation", el("code", {}, cluster.incarnation)),
    fact("Watchers", digits(cluster.watchers)),
  ];
}

function detailsOf({ database, cache, clouds }: Cluster): Child {
  const skewed = Math.abs(database.clock_skew_ms) > maxSkewMs / 2;
  const heldBack = database.horizon_age_ms > maxHorizonAgeMs;
  return [
    el(
      "div",
      { class: "cards wide" },
      card(
        "Database",
        fact("PostgreSQL", database.version),
        fact(
          "Clock skew",
          milliseconds(Math.abs(database.clock_skew_ms)),
          skewed && warning(`Writes stop at ${milliseconds(maxSkewMs)}: set this computer's clock right`),
        ),
        fact(
          "Feed horizon",
          `${milliseconds(database.horizon_age_ms)} old`,
          heldBack && warning("An open transaction in the database holds watches back"),
        ),
      ),
      card(
        "Cache",
        fact("In this process", `${count(cache.l1_entries, "entry", "entries")}, ${size(cache.l1_bytes)}`),
        fact(
          "Shared",
          { none: "none configured", up: "up", down: warning("Down: reads are slower, never wrong") }[cache.l2],
        ),
      ),
    ),
    el(
      "section",
      { class: "clouds" },
      el("h2", {}, "Clouds"),
      el(
        "div",
        { class: "table-frame" },
        el(
          "table",
          {},
          el("caption", { class: "visually-hidden" }, "Clouds"),
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["Cloud", "State", "Lag"].map((name) => el("th", { scope: "col" }, name)),
            ),
          ),
          el(
            "tbody",
            {},
            clouds.map((cloud) =>
              el(
                "tr",
                {},
                el("th", { scope: "row" }, cloud.name, cloud.self && el("span", { class: "muted" }, " (answers you)")),
                el(
                  "td",
                  {},
                  el("span", { class: `badge ${cloud.ready ? "put" : "delete"}` }, cloud.ready ? "ready" : "not ready"),
                ),
                el("td", {}, cloud.self ? "–" : milliseconds(cloud.lag_ms)),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}

function card(title: string, ...facts: Child[]): HTMLElement {
  return el("section", { class: "card" }, el("h2", {}, title), el("dl", { class: "facts" }, facts));
}

function fact(name: string, ...value: Child[]): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
}

function warning(text: string): HTMLElement {
  return el("strong", { class: "warning" }, text);
}
