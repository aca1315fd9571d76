/** All clouds at once: where they are, how far behind each other, and in a box what can be done to them. */
import { ApiError, api } from "../api.ts";
import { el, fill } from "../dom.ts";
import { namespacePicker } from "../namespace-picker.ts";
import { errorBox } from "../notice.ts";
import type { Cluster } from "../types.ts";
import type { View } from "../view.ts";
import { findBox } from "./box.ts";
import { type CloudCard, cloudCard } from "./card.ts";
import { conflictList, distinct } from "./conflicts.ts";
import { lagTable } from "./lags.ts";
import { worldMap } from "./map.ts";
import { cloudsOf, flowsBetween, pairsOf, type Seen, sentenceOf } from "./picture.ts";
import { regionField } from "./region.ts";
import type { Box } from "./state.ts";
import { type Values, values } from "./values.ts";

const intervalMs = 1000;
/** Milliseconds until a cloud that does not answer is shown as such. */
const patienceMs = 1500;

export const cloudsView: View = (stage, signal) => {
  let namespace = "default";
  let before: Seen | null = null;
  let panel: Values | null = null;
  const cards = new Map<string, CloudCard>();
  const map = worldMap();
  const lags = lagTable();
  const picker = namespacePicker("clouds", signal);
  const conflicts = conflictList(picker.element);
  const sentence = el("p", { class: "muted", role: "status" });
  const top = el("div", { class: "stack" });
  const cardsPlace = el("div", { class: "cards" });
  const panelPlace = el("div", {});
  const error = el("div", {});
  const header = el(
    "header",
    { class: "view-header" },
    el("h1", { tabindex: -1 }, "Clouds"),
    el("span", { class: "spacer" }),
    sentence,
  );
  fill(stage, header, error, top, cardsPlace, panelPlace, lags.element, conflicts.element);

  const look = async () => {
    const seen = await lookAround(before !== null && before.box === null, signal);
    const clouds = cloudsOf(seen);
    const [pairs, flows] = [pairsOf(seen), before ? flowsBetween(before, seen) : []];
    before = seen;
    if (cards.size === 0)
      build(
        seen.box,
        clouds.map(({ name }) => name),
      );
    for (const cloud of clouds) cards.get(cloud.name)?.show(cloud, flows);
    if (seen.box) map.draw(seen.box, clouds, pairs, flows);
    lags.show(pairs);
    const words = sentenceOf(clouds);
    // Written only when it changes: screen readers speak each change.
    if (sentence.textContent !== words) sentence.textContent = words;
    conflicts.show(await conflictsOf(seen, namespace, signal));
    fill(error);
  };
  /** Once: what has the focus must not be made anew. */
  const build = (box: Box | null, names: string[]) => {
    for (const name of names)
      cards.set(
        name,
        cloudCard(name, box !== null, () => void look().catch(() => {})),
      );
    fill(
      cardsPlace,
      [...cards.values()].map(({ element }) => element),
    );
    if (!box) return;
    fill(top, map.element, el("div", { class: "region" }, regionField(box)));
    panel = values(names, signal);
    panel.choose(namespace);
    fill(panelPlace, panel.element);
  };
  const loop = async () => {
    while (!signal.aborted) {
      if (document.visibilityState === "visible") {
        const failed = await look().catch((reason) => reason);
        if (signal.aborted) return;
        if (failed) fill(error, errorBox(failed));
        // Without the scope `admin`, asking again would not help.
        if (failed instanceof ApiError && failed.status === 403) return;
      }
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  };
  void loop();
  return (route) => {
    namespace = route.namespace;
    picker.show(namespace);
    panel?.choose(namespace);
  };
};

/** @param isDeployed there was no box before, so that it is not asked for in vain again and again */
async function lookAround(isDeployed: boolean, signal: AbortSignal): Promise<Seen> {
  const box = isDeployed ? null : await findBox(signal);
  const at = performance.now();
  if (box === null) {
    const cluster = await api.cluster(signal);
    return { at, box, clusters: new Map([[cluster.cloud, cluster]]) };
  }
  const asked = box.clouds.map(async ({ cloud }) => [cloud, await clusterOf(cloud, signal)] as const);
  return { at, box, clusters: new Map(await Promise.all(asked)) };
}

/** Null when the cloud gives no answer in time. */
async function clusterOf(cloud: string, signal: AbortSignal): Promise<Cluster | null> {
  return patiently(signal, (timed) => api.cluster(timed, cloud), null);
}

async function conflictsOf({ box, clusters }: Seen, namespace: string, signal: AbortSignal) {
  if (box === null) return distinct(await api.conflicts(namespace, signal));
  const answering = [...clusters].flatMap(([cloud, cluster]) => (cluster ? [cloud] : []));
  const asked = answering.map((cloud) => patiently(signal, (timed) => api.conflicts(namespace, timed, cloud), []));
  return distinct((await Promise.all(asked)).flat());
}

/** What is asked, or `otherwise` where it is refused or does not come. */
async function patiently<T>(signal: AbortSignal, ask: (timed: AbortSignal) => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask(AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]));
  } catch (error) {
    if (signal.aborted) throw error;
    return otherwise;
  }
}
