/** The clouds on a map of the world, what goes on between them, and whence their clients come. */
import { el, svg } from "../dom.ts";
import { digits, milliseconds } from "../format.ts";
import { gridDegrees, landFields } from "./land.ts";
import type { CloudPicture, Flow, Pair } from "./picture.ts";
import { regionName } from "./region.ts";
import type { Box } from "./state.ts";

type Point = readonly [x: number, y: number];

/** Degrees of latitude that are shown; nobody lives beyond. */
const north = 81;
const south = -57;
/** Milliseconds from which on a lag is worth a look (in quiet, clouds hear of each other once a second), or a cloud is away. */
const lateMs = 3000;
const awayMs = 30_000;

export interface WorldMap {
  element: HTMLElement;
  draw(box: Box, clouds: readonly CloudPicture[], pairs: readonly Pair[], flows: readonly Flow[]): void;
}

export function worldMap(): WorldMap {
  const lines = svg("g", {});
  const marks = svg("g", {});
  const picture = svg(
    "svg",
    { class: "world", viewBox: `0 0 360 ${north - south}`, role: "img", "aria-label": "Map of the clouds" },
    svg("path", { class: "land", d: landPath(), "stroke-width": gridDegrees * 0.62 }),
    lines,
    marks,
  );
  return {
    element: el("figure", { class: "card map" }, picture),
    draw: (box, clouds, pairs, flows) => {
      const places = new Map(box.clouds.map(({ cloud, location }) => [cloud, project(location)]));
      const isCut = (name: string) => clouds.some((cloud) => cloud.name === name && cloud.box?.peerLinks === "cut");
      const links = unordered(pairs).map((pair) => linkBetween(places, pair, pair.ends.some(isCut)));
      const streams = flows.map((flow) => stream(project(box.regions[flow.region]!), places.get(flow.cloud)!, flow));
      lines.replaceChildren(...streams.flat(), ...links.flat());
      marks.replaceChildren(...clouds.flatMap(({ name, tone }) => mark(places.get(name)!, name, tone)));
      picture.setAttribute("aria-label", inWords(clouds, pairs, flows));
    },
  };
}

function project({ latitude, longitude }: { latitude: number; longitude: number }): Point {
  return [longitude + 180, north - latitude];
}

/** One path: a dot is a line of no length with round ends. */
function landPath(): string {
  return landFields()
    .map(([longitude, latitude]) => `M${longitude + 180} ${north - latitude}h0`)
    .join("");
}

interface Both {
  ends: readonly [string, string];
  /** The worse of both directions. */
  lagMs: number | null;
}

function unordered(pairs: readonly Pair[]): Both[] {
  return pairs
    .filter(({ from, to }) => from < to)
    .map(({ from, to, lagMs }) => {
      const back = pairs.find((pair) => pair.from === to && pair.to === from)?.lagMs ?? null;
      return { ends: [from, to], lagMs: lagMs === null || back === null ? null : Math.max(lagMs, back) };
    });
}

function linkBetween(places: ReadonlyMap<string, Point>, { ends, lagMs }: Both, isCut: boolean): SVGElement[] {
  const [[x1, y1], [x2, y2]] = ends.map((name) => places.get(name)!) as [Point, Point];
  // Bent to the north, more the longer it is, so that no two lie on each other.
  const [bendX, bendY] = [(x1 + x2) / 2, (y1 + y2) / 2 - Math.hypot(x2 - x1, y2 - y1) * 0.3];
  const tone = isCut || lagMs === null || lagMs >= awayMs ? "stopped" : lagMs >= lateMs ? "waiting" : "live";
  const text = lagMs === null ? "?" : milliseconds(lagMs);
  return [
    svg("path", { class: `link ${tone}`, d: `M${x1} ${y1}Q${bendX} ${bendY} ${x2} ${y2}` }),
    // Half way along the curve.
    label((x1 + x2) / 4 + bendX / 2, (y1 + y2) / 4 + bendY / 2 - 1.5, text, "lag"),
  ];
}

function stream([x1, y1]: Point, [x2, y2]: Point, { perSecond }: Flow): SVGElement[] {
  const width = 0.5 + Math.min(2, Math.log10(1 + perSecond) * 0.7);
  return [
    svg("path", { class: "flow", d: `M${x1} ${y1}L${x2} ${y2}`, "stroke-width": width.toFixed(2) }),
    svg("circle", { class: "client", cx: x1, cy: y1, r: 1.6 }),
  ];
}

function mark([x, y]: Point, name: string, tone: string): SVGElement[] {
  return [svg("circle", { class: `cloud ${tone}`, cx: x, cy: y, r: 3.2 }), label(x, y + 8.5, name, "name")];
}

function label(x: number, y: number, text: string, kind: string): SVGElement {
  return svg("text", { class: kind, x: x.toFixed(1), y: y.toFixed(1) }, document.createTextNode(text));
}

function inWords(clouds: readonly CloudPicture[], pairs: readonly Pair[], flows: readonly Flow[]): string {
  const states = clouds.map(({ name, troubles }) => `${name} ${troubles.join(", ") || "well"}`);
  const lags = pairs.map(
    ({ from, to, lagMs }) => `${from} to ${to} ${lagMs === null ? "unknown" : milliseconds(lagMs)}`,
  );
  const clients = flows.map(
    ({ region, cloud, perSecond }) => `${regionName(region)} at ${cloud}, ${digits(Math.round(perSecond))} a second`,
  );
  return `Map of the clouds: ${states.join("; ")}. Lag: ${lags.join("; ")}. Clients: ${clients.join("; ") || "none"}.`;
}
