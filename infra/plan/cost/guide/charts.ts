/** Charts of cost against load, as SVG that is readable on a light and on a dark page. */
import { whole } from "../../view/short.ts";

/** One colour a series: each has enough contrast on white and on black. */
const colours = [
  "#2f81f7",
  "#d29922",
  "#3fb950",
  "#db61a2",
  "#a371f7",
  "#f85149",
  "#39c5cf",
  "#8b949e",
  "#b08800",
  "#6e7681",
];
const size = { width: 760, height: 400 };
const plot = { left: 76, right: 590, top: 40, bottom: 340 };

const style = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #d1d9e0; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #3d444d } }
</style>`;

export type Point = { readonly x: number; readonly y: number };
export type Series = { readonly name: string; readonly points: readonly Point[] };

/** Lines on logarithmic axes. `dot` is the load that a series is meant for. */
export function lines(title: string, xLabel: string, series: readonly (Series & { readonly dot: Point })[]): string {
  const all = series.flatMap(({ points }) => points);
  const [x, y] = [
    logScale(
      all.map((point) => point.x),
      plot.left,
      plot.right,
    ),
    logScale(
      all.map((point) => point.y),
      plot.bottom,
      plot.top,
    ),
  ];
  const drawn = series.map(({ points, dot }, index) => {
    const path = points.map((point) => `${round(x.at(point.x))},${round(y.at(point.y))}`).join(" ");
    const colour = colours[index]!;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/><circle cx="${round(x.at(dot.x))}" cy="${round(y.at(dot.y))}" r="5" fill="${colour}"/>`;
  });
  const names = series.map(({ name }) => name);
  return svg(title, [...axes(x, y, xLabel), ...drawn, ...legend(names)]);
}

/** Stacked bars: one for each `labels`, a part of it for each series, whose `x` counts the bars. */
export function bars(title: string, xLabel: string, labels: readonly string[], series: readonly Series[]): string {
  const sums = labels.map((_, bar) => series.reduce((sum, { points }) => sum + points[bar]!.y, 0));
  const y = linearScale(Math.max(...sums));
  const step = (plot.right - plot.left) / labels.length;
  const parts = labels.flatMap((label, bar) => {
    const left = plot.left + bar * step + step * 0.2;
    let base = 0;
    const rectangles = series.map(({ points }, index) => {
      const top = base + points[bar]!.y;
      const box = `<rect x="${round(left)}" y="${round(y.at(top))}" width="${round(step * 0.6)}" height="${round(y.at(base) - y.at(top))}" fill="${colours[index]!}"/>`;
      base = top;
      return box;
    });
    const middle = round(left + step * 0.3);
    return [
      ...rectangles,
      `<text x="${middle}" y="${plot.bottom + 18}" text-anchor="middle">${label}</text>`,
      `<text x="${middle}" y="${round(y.at(base) - 6)}" text-anchor="middle">${whole(base)}</text>`,
    ];
  });
  const grid = y.ticks.map((tick) => horizontal(y.at(tick), whole(tick)));
  return svg(title, [...grid, ...parts, below(xLabel), ...legend(series.map(({ name }) => name))]);
}

type Scale = { readonly at: (value: number) => number; readonly ticks: readonly number[] };

function logScale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  };
}

function linearScale(highest: number): Scale {
  const step = 10 ** Math.floor(Math.log10(highest / 2));
  const top = Math.ceil((highest * 1.05) / step) * step;
  const count = Math.ceil(top / step);
  const every = Math.ceil(count / 6);
  return {
    at: (value) => plot.bottom - (value / top) * (plot.bottom - plot.top),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step).filter((_, index) => index % every === 0),
  };
}

function axes(x: Scale, y: Scale, xLabel: string): string[] {
  return [
    ...y.ticks.map((tick) => horizontal(y.at(tick), label(tick))),
    ...x.ticks.map(
      (tick) =>
        `<line class="grid" x1="${round(x.at(tick))}" x2="${round(x.at(tick))}" y1="${plot.top}" y2="${plot.bottom}"/><text x="${round(x.at(tick))}" y="${plot.bottom + 18}" text-anchor="middle">${label(tick)}</text>`,
    ),
    below(xLabel),
  ];
}

function horizontal(y: number, label: string): string {
  return `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${round(y)}" y2="${round(y)}"/><text x="${plot.left - 8}" y="${round(y + 4)}" text-anchor="end">${label}</text>`;
}

function below(label: string): string {
  return `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 42}" text-anchor="middle">${label}</text>`;
}

/** From the top down as bars are stacked. */
function legend(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const y = plot.top + 10 + (names.length - 1 - index) * 22;
    return `<rect x="${plot.right + 18}" y="${y - 10}" width="12" height="12" fill="${colours[index]!}"/><text x="${plot.right + 36}" y="${y}">${name}</text>`;
  });
}

function svg(title: string, parts: readonly string[]): string {
  const { width, height } = size;
  const heading = `<text class="title" x="${plot.left}" y="22">${title}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">\n<title>${title}</title>\n${[style, heading, ...parts].join("\n")}\n</svg>\n`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

/** Of an axis, which may begin below 1. */
function label(number: number): string {
  return number < 1 ? `${number}` : whole(number);
}
