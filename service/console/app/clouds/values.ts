/** Write a key in one cloud and see it in all. */
import { ApiError, call, keyPath } from "../api.ts";
import { el, fill } from "../dom.ts";
import { field } from "../field.ts";
import { printable } from "../format.ts";
import { announce } from "../notice.ts";

/** Milliseconds between two looks, and until a cloud that does not answer is said not to. */
const intervalMs = 400;
const patienceMs = 1500;
const longestShown = 80;

export interface Values {
  element: HTMLElement;
  /** Of which namespace. */
  choose(namespace: string): void;
}

export function values(clouds: readonly string[], signal: AbortSignal): Values {
  let namespace = "default";
  const key = el("input", { value: "greeting", spellcheck: "false", autocomplete: "off", required: true });
  const value = el("input", { value: "hello", spellcheck: "false", autocomplete: "off" });
  const verdict = el("p", { class: "state waiting", role: "status" }, "Asking…");
  const outputs = new Map(clouds.map((cloud) => [cloud, el("output", { class: "mono", "aria-live": "off" })]));
  const byEdge = el("output", { class: "mono", "aria-live": "off" });
  const chosen = el("dt", {}, "the edge");
  const found = new Map<string, string | null>();

  const write = async (cloud: string) => {
    try {
      const headers = { "edge-cloud": cloud, "content-type": "text/plain; charset=utf-8" };
      const timed = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
      await call(keyPath(namespace, key.value), { method: "PUT", headers, body: value.value, signal: timed });
    } catch (error) {
      if (!signal.aborted) announce(`${cloud} did not take it: ${(error as Error).message}`);
    }
  };
  const look = async (cloud: string) => {
    found.set(cloud, (await read(namespace, key.value, cloud, signal)).text);
    outputs.get(cloud)!.textContent = found.get(cloud) ?? "does not answer";
    const words = verdictOn(clouds, found);
    if (verdict.textContent === words) return;
    verdict.textContent = words;
    verdict.className = `state ${words === same ? "live" : "waiting"}`;
  };
  /** As clients see it: from whichever cloud the edge chooses. */
  const lookThroughEdge = async () => {
    const { text, cloud } = await read(namespace, key.value, null, signal);
    byEdge.textContent = text ?? "does not answer";
    chosen.textContent = cloud ? `the edge asked ${cloud}` : "the edge";
  };
  const follow = async (once: () => Promise<void>) => {
    while (!signal.aborted) {
      if (document.visibilityState === "visible" && key.value !== "") await once();
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  };
  for (const cloud of clouds) void follow(() => look(cloud));
  void follow(lookThroughEdge);

  const buttons = clouds.map((cloud) =>
    el("button", { type: "button", class: "button", onclick: () => void write(cloud) }, `Write at ${cloud}`),
  );
  const tiles = clouds.map((cloud) => el("div", {}, el("dt", {}, cloud), el("dd", {}, outputs.get(cloud)!)));
  const element = el("section", { class: "card values" });
  fill(
    element,
    el("h2", {}, "Write here, see it there"),
    el("div", { class: "fields" }, field("Key", key), field("Value", value)),
    el("div", { class: "toolbar" }, buttons),
    el("dl", { class: "tiles" }, tiles, el("div", {}, chosen, el("dd", {}, byEdge))),
    verdict,
  );
  return {
    element,
    choose: (name) => {
      namespace = name;
    },
  };
}

const same = "The same in all clouds";

function verdictOn(clouds: readonly string[], found: ReadonlyMap<string, string | null>): string {
  if (found.size < clouds.length) return "Asking…";
  const silent = clouds.filter((cloud) => found.get(cloud) === null);
  if (silent.length > 0) return `No answer from ${silent.join(", ")}`;
  return new Set(found.values()).size === 1 ? same : "The clouds differ";
}

interface Answer {
  /** Null: none came. */
  text: string | null;
  /** Who gave it. */
  cloud: string | null;
}

/** What one cloud's database has, or, where none is named, what the edge gets. */
async function read(namespace: string, key: string, cloud: string | null, signal: AbortSignal): Promise<Answer> {
  const timed = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    const pin: Record<string, string> = cloud === null ? {} : { "edge-cloud": cloud };
    const headers = { ...pin, "kv-consistency": "local", range: `bytes=0-${longestShown * 4}` };
    const response = await call(keyPath(namespace, key), { headers, signal: timed });
    return { text: shown(printable(await response.text())), cloud: response.headers.get("edge-cloud") };
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 0;
    return { text: status === 404 ? "(nothing)" : status === 416 ? "(empty)" : null, cloud: null };
  }
}

function shown(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text || "(empty)";
}
