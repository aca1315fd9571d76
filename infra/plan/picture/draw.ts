import type { Box, Graph } from "./graph.ts";
import { type Layout, type Placed, type Point, sizes } from "./layout.ts";

// Room around the picture, and for heading and legend.
const margin = 24;
const headHeight = 56;
const legendHeight = 40;

// One tone for each maker, that reads on both backgrounds.
const tones: Readonly<Record<string, string>> = {
  aws: "#e8871e",
  gcp: "#3f7ef0",
  azure: "#1490df",
  cloudflare: "#f0592a",
  k8s: "#5b6ee1",
  random: "#8a8f98",
  tls: "#2a9d78",
  "docker-build": "#2a9d78",
  stack: "#8a8f98",
};
const otherTone = "#8a8f98";

const css = `
svg { color-scheme: light dark; font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.page { fill: #ffffff; }
.box { fill: #f6f7f9; stroke: #d3d8df; }
.inner { fill: #ffffff; }
.title { fill: #1d232b; font-size: 14px; font-weight: 600; }
.line, .legend { fill: #59636f; font-size: 12px; }
.protect { fill: #1d232b; }
.head { fill: #1d232b; font-size: 20px; font-weight: 650; }
.arrow { fill: none; stroke: #8792a0; stroke-width: 1.4; }
.tip { fill: #8792a0; }
.stack { fill: none; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
  .page { fill: #0f141a; }
  .box { fill: #171e26; stroke: #303a46; }
  .inner { fill: #0f141a; }
  .title, .head { fill: #e8edf3; }
  .line, .legend { fill: #9aa6b3; }
  .protect { fill: #e8edf3; }
  .arrow { stroke: #66727f; }
  .tip { fill: #66727f; }
  .stack { fill: none; }
}`.trim();

export function draw(graph: Graph, layout: Layout): string {
  const makers = [...new Set(layout.boxes.map(({ maker }) => maker))].filter((maker) => maker !== "stack").sort();
  const width = Math.max(layout.width + 2 * margin, 560);
  const height = layout.height + headHeight + legendHeight + 2 * margin;
  const heading = `SkyKV: the stack ${graph.title}`;
  const names = new Map(layout.boxes.map(({ id, title }) => [id, title]));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="img" aria-labelledby="title">`,
    `<title id="title">${xml(heading)}</title>`,
    `<style>\n${css}\n</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse"><path class="tip" d="M0 0.5 7.5 4 0 7.5z"/></marker></defs>`,
    `<rect class="page" width="100%" height="100%"/>`,
    `<text class="head" x="${margin}" y="${margin + 18}">${xml(heading)}</text>`,
    `<g transform="translate(${round((width - layout.width) / 2)} ${margin + headHeight - 16})">`,
    ...layout.boxes.map((box) => drawBox(box, layout)),
    ...layout.arrows.map((arrow) => {
      const says = `${names.get(arrow.from)} needs ${names.get(arrow.to)} (${arrow.pairs})`;
      return `<path class="arrow" d="${rounded(arrow.points)}" marker-end="url(#tip)"><title>${xml(says)}</title></path>`;
    }),
    `</g>`,
    ...legend(makers, height - margin),
    `</svg>`,
  ].join("\n")}\n`;
}

function drawBox(box: Placed<Box>, { boxes }: Layout): string {
  const { x, y, width, height, title, lines, maker } = box;
  const isInner = boxes.some((other) => other.boxes.some(({ id }) => id === box.id));
  const classes = ["box", isInner ? "inner" : "", maker === "stack" ? "stack" : ""].filter(Boolean).join(" ");
  const left = x + sizes.padding;
  return [
    `<g>`,
    `<rect class="${classes}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8"/>`,
    `<circle cx="${round(left + 4)}" cy="${round(y + 17)}" r="4" fill="${tones[maker] ?? otherTone}"/>`,
    `<text class="title" x="${round(left + 15)}" y="${round(y + 22)}">${xml(title)}</text>`,
    ...lines.map(({ text, protect }, index) => {
      const baseline = round(y + sizes.title + 13 + index * sizes.line);
      return `<text class="line${protect ? " protect" : ""}" x="${round(left)}" y="${baseline}">${xml(text)}${protect ? " ◆" : ""}</text>`;
    }),
    `</g>`,
  ].join("");
}

function legend(makers: readonly string[], y: number): string[] {
  let x = margin;
  const entry = (symbol: string, text: string) => {
    const part = `<g transform="translate(${round(x)} ${round(y)})">${symbol}<text class="legend" x="16">${xml(text)}</text></g>`;
    x += 16 + text.length * sizes.lineLetter + 20;
    return part;
  };
  const dot = (maker: string) => `<circle cx="5" cy="-4" r="4" fill="${tones[maker] ?? otherTone}"/>`;
  return [
    ...makers.map((maker) => entry(dot(maker), maker)),
    entry(`<text class="line protect">◆</text>`, "protected from deletion"),
    entry(`<path class="arrow" d="M-2 -4H10" marker-end="url(#tip)"/>`, "needs"),
  ];
}

/** A path with round corners. */
function rounded(points: readonly Point[]): string {
  const [start, ...others] = points;
  if (start === undefined) return "";
  const parts = others.map((point, index) => {
    const [before, after] = [points[index]!, others[index + 1]];
    if (after === undefined) return `L${at(point)}`;
    return `L${at(towards(point, before))} Q${at(point)} ${at(towards(point, after))}`;
  });
  return `M${at(start)} ${parts.join(" ")}`;
}

const radius = 7;

/** The point at most `radius` away from one on the way to another. */
function towards(from: Point, to: Point): Point {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const part = distance === 0 ? 0 : Math.min(radius, distance / 2) / distance;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function at({ x, y }: Point): string {
  return `${round(x)} ${round(y)}`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function xml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (letter) => names[letter]!);
}
