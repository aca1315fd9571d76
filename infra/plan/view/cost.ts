/** What a plan costs, for the terminal. */
import type { Cost } from "../cost/cost.ts";
import { withoutVendor } from "../cost/line.ts";
import { count, cut, whole } from "./short.ts";
import type { Look } from "./tree.ts";

/** Share of the whole from which on a line is shown; of each component at least the dearest is. */
const worthShowing = 0.02;
/** So many lines are named when a budget is exceeded. */
const suspects = 3;

/** By component, with the lines that matter and what drives each. */
export function costText(cost: Cost, { width, style }: Look): string[] {
  const { usd, components, lines, uncounted, load, clouds } = cost;
  const whose = clouds === 1 ? "of one cloud" : `of ${clouds} clouds together`;
  const rows = components.flatMap((part) => {
    const own = lines.filter(({ component }) => component === part.component);
    const shown = own.filter((line, index) => index === 0 || line.usd > worthShowing * usd);
    return shown.map((line, index) => {
      const [name, sum] = index === 0 ? [part.component, whole(part.usd)] : ["", ""];
      const left = `  ${name.padEnd(17)}${sum.padStart(7)}  ${whole(line.usd).padStart(7)}  ${withoutVendor(line.price).padEnd(34)}  `;
      return `${left}${style("dim", cut(line.driver, width - left.length))}`.trimEnd();
    });
  });
  const types = count(new Set(uncounted.map(({ type }) => type)).size, "type");
  return [
    `${style("bold", `Cost: about USD ${whole(usd)} a month`)} at ${whole(load.reads)} reads and ${whole(load.writes)} writes a second ${whose}`,
    ...rows,
    ...budgetText(cost, style),
    ...(uncounted.length === 0
      ? []
      : [style("dim", `  ${types} of resources not counted, in part or whole: docs/cost.md`)]),
  ];
}

function budgetText(cost: Cost, style: Look["style"]): string[] {
  if (cost.budget === null) return [];
  if (cost.excess === 0) return [style("green", `  Within the budget of USD ${whole(cost.budget)}.`)];
  const dearest = cost.lines.toSorted((a, b) => b.usd - a.usd).slice(0, suspects);
  return [
    style(
      "red",
      `  ✗ USD ${whole(cost.excess)} over the budget of USD ${whole(cost.budget)}. What costs most, and what changes it:`,
    ),
    ...dearest.map((line) => `${whole(line.usd).padStart(35)}  ${withoutVendor(line.price)}: ${line.driver}`),
  ];
}
