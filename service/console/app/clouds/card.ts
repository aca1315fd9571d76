/** One cloud: how it is, and in a box what can be done to it. */
import { type Child, el, fill } from "../dom.ts";
import { digits, duration } from "../format.ts";
import { announce } from "../notice.ts";
import type { Cluster } from "../types.ts";
import { act } from "./box.ts";
import { type CloudPicture, type Flow, floorAge } from "./picture.ts";
import { regionName } from "./region.ts";
import type { Action, BoxCloud } from "./state.ts";

export interface CloudCard {
  element: HTMLElement;
  show(cloud: CloudPicture, flows: readonly Flow[]): void;
}

/** What a button does, and whether that is so already. */
const faults: readonly [label: string, action: Action, isDone: (cloud: BoxCloud) => boolean][] = [
  ["Kill", "kill", ({ condition }) => condition === "down"],
  ["Freeze", "freeze", ({ condition }) => condition === "frozen"],
  ["Cut off from peers", "cut-peers", ({ peerLinks }) => peerLinks === "cut"],
  ["Slow its links", "slow-peers", ({ peerLinks }) => peerLinks === "slow"],
  ["Cut off from the edge", "cut-edge", ({ isCutOff }) => isCutOff],
];

/** @param changed is called when something was done, to look at once */
export function cloudCard(name: string, hasBox: boolean, changed: () => void): CloudCard {
  const state = el("p", { class: "state" });
  const facts = el("dl", { class: "facts" });
  const buttons = faults.map(([label, action]) => button(label, () => perform(action)));
  const heal = button("Heal", () => perform("heal"));
  let isDrained = false;
  const drain = button("Drain", () => perform(isDrained ? "undrain" : "drain"));
  const perform = async (action: Action) => {
    try {
      await act(name, action);
    } catch (error) {
      announce(`${name}: ${(error as Error).message}`);
    }
    changed();
  };
  const controls =
    hasBox && el("div", { class: "toolbar", role: "group", "aria-label": `Do to ${name}` }, buttons, drain, heal);
  return {
    element: el(
      "section",
      { class: "card cloud-card", "aria-label": name },
      el("h2", {}, name),
      state,
      facts,
      controls,
    ),
    show: ({ tone, troubles, cluster, box }, flows) => {
      state.className = `state ${tone}`;
      state.textContent = troubles.join(", ") || "well";
      fill(facts, [
        box && fact("Clients", clients(flows.filter(({ cloud }) => cloud === name))),
        cluster && fact("Watchers", digits(cluster.watchers)),
        cluster && fact("Floor", floor(cluster)),
        cluster?.cache.l2 === "down" && fact("Shared cache", "down"),
      ]);
      if (!box) return;
      for (const [i, [, , isDone]] of faults.entries()) press(buttons[i]!, isDone(box));
      isDrained = box.state === "drained";
      press(drain, isDrained);
      const isHurt = faults.some(([, , isDone]) => isDone(box));
      heal.classList.toggle("primary", isHurt);
    },
  };
}

function button(label: string, onclick: () => void): HTMLButtonElement {
  return el("button", { type: "button", class: "button small", onclick }, label);
}

/** Never disabled: it would lose the focus of who has just pressed it. */
function press(element: HTMLElement, isPressed: boolean): void {
  element.setAttribute("aria-pressed", String(isPressed));
}

function clients(flows: readonly Flow[]): Child {
  if (flows.length === 0) return "none now";
  return flows
    .map(({ region, perSecond }) => `${regionName(region)} ${digits(Math.max(1, Math.round(perSecond)))}/s`)
    .join(", ");
}

function floor(cluster: Cluster): string {
  const age = floorAge(cluster, Date.now());
  return age === null ? "has not risen yet" : `${duration(age)} old`;
}

function fact(name: string, value: Child): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}
