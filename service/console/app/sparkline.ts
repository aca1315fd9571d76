import { svg } from "./dom.ts";

const width = 300;
const height = 56;

/** The last `capacity` numbers as a line from zero up, newest at the right. `label` says the same in words. */
export function sparkline(values: readonly number[], capacity: number, label: string): SVGElement {
  const top = Math.max(...values) * 1.15 || 1;
  const step = width / (capacity - 1);
  const points = values.map(
    (value, i) =>
      `${(width - (values.length - 1 - i) * step).toFixed(1)},${(height - (value / top) * height).toFixed(1)}`,
  );
  const [first] = points[0]!.split(",");
  return svg(
    "svg",
    {
      class: "sparkline",
      viewBox: `0 -2 ${width} ${height + 4}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    svg("polygon", { points: `${first},${height} ${points.join(" ")} ${width},${height}` }),
    svg("polyline", { points: points.join(" ") }),
  );
}
