/** How far each cloud is behind each other one, and when both were last compared. */
import { el, fill } from "../dom.ts";
import { milliseconds, time } from "../format.ts";
import type { Pair } from "./picture.ts";

export interface LagTable {
  element: HTMLElement;
  show(pairs: readonly Pair[]): void;
}

const columns = ["Written at", "Read at", "Lag", "Compared key by key"];

export function lagTable(): LagTable {
  const body = el("tbody", {});
  const head = el(
    "tr",
    {},
    columns.map((name) => el("th", { scope: "col" }, name)),
  );
  const caption = el("caption", { class: "visually-hidden" }, "Lag between clouds");
  const table = el("table", { class: "lags" }, caption, el("thead", {}, head), body);
  return {
    element: el("section", { class: "clouds" }, el("h2", {}, "Lag"), el("div", { class: "table-frame" }, table)),
    show: (pairs) => fill(body, pairs.map(row)),
  };
}

function row({ from, to, lagMs, repairedAt }: Pair): HTMLElement {
  const compared = lagMs === null ? "–" : repairedAt ? time(repairedAt) : "a repair is due";
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, from),
    el("td", {}, to),
    el("td", {}, lagMs === null ? "unknown" : milliseconds(lagMs)),
    el("td", {}, compared),
  );
}
