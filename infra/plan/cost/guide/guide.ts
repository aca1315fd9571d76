/** The guide to costs, made of plans, rules and prices: `docs/cost.md` and its charts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loads } from "../../../config/load.ts";
import { type Profile, profiles } from "../../../config/shared.ts";
import { tableRow } from "../../../markdown.ts";
import { whole } from "../../view/short.ts";
import type { Cost } from "../cost.ts";
import { type Component, components, withoutVendor } from "../line.ts";
import { prices } from "../prices/prices.ts";
import { bars, lines } from "./charts.ts";
import { choices } from "./choices.ts";
import { costIn, type PlanOf, scaled, stacks, wholeUsd } from "./costs.ts";
import { original } from "./original.ts";

const names = { aws: "AWS", gcp: "Google Cloud", azure: "Azure", global: "edge" } as const;

/** Texts by path below `docs`. The same plans give the same bytes. */
export function guide(planOf: PlanOf): Readonly<Record<string, string>> {
  const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8");
  const parts: Readonly<Record<string, string>> = {
    PROFILES: profileTable(planOf),
    COMPONENTS: profiles.map((profile) => componentTable(planOf, profile)).join("\n\n"),
    ORIGINAL: originalTable(planOf),
    CHOICES: choiceTable(planOf),
    LINES: lineTables(planOf),
    UNCOUNTED: uncountedTable(planOf),
    PRICES: priceTable(),
  };
  const text = introduction.replace(/^\{([A-Z]+)\}$/gm, (_, name: string) => parts[name]!);
  return { "cost.md": text, "cost-by-load.svg": byLoad(planOf), "cost-by-component.svg": byComponent(planOf) };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const numbers = /^[\d,.+−]*$/;
  const rule = head.map((_, column) =>
    rows.every((row) => numbers.test(row[column]!.replaceAll("*", ""))) ? "---:" : "---",
  );
  return [tableRow(head), tableRow(rule), ...rows.map(tableRow)].join("\n");
}

function profileTable(planOf: PlanOf): string {
  const rows = profiles.map((profile) => {
    const { reads, writes } = loads[profile];
    const each = stacks.map((stack) => whole(costIn(planOf(stack, profile), stack, loads[profile]).usd));
    return [`\`${profile}\``, whole(reads), whole(writes), ...each, `**${whole(wholeUsd(planOf, profile))}**`];
  });
  return table(["size", "reads/s", "writes/s", ...stacks.map((stack) => names[stack]), "all together"], rows);
}

function componentTable(planOf: PlanOf, profile: Profile): string {
  const costs = stacks.map((stack) => costIn(planOf(stack, profile), stack, loads[profile]));
  const rows = components.map((component) => {
    const each = costs.map((cost) => of(cost, component));
    const shown = each.map((usd) => (usd === 0 ? "" : whole(usd)));
    return [component, ...shown, whole(each.reduce((sum, usd) => sum + usd, 0))];
  });
  const totals = costs.map(({ usd }) => `**${whole(usd)}**`);
  return table(
    [`\`${profile}\``, ...stacks.map((stack) => names[stack]), "all together"],
    [...rows, ["**sum**", ...totals, `**${whole(wholeUsd(planOf, profile))}**`]],
  );
}

function originalTable(planOf: PlanOf): string {
  const alone = costIn(planOf("aws", "standard"), "aws", loads.standard, 1);
  const inPlace = (some: readonly Component[]) => some.reduce((sum, component) => sum + of(alone, component), 0);
  const rows = original.map(({ name, planned, listed, components: some, why }) => [
    name,
    whole(planned),
    whole(listed),
    whole(inPlace(some)),
    why,
  ]);
  const sums = [
    original.reduce((sum, { planned }) => sum + planned, 0),
    original.reduce((sum, { listed }) => sum + listed, 0),
    alone.usd,
  ];
  return table(
    ["line", "planned", "the same, at list prices", "this program, AWS alone", "why they differ"],
    [...rows, ["**sum**", ...sums.map((sum) => `**${whole(sum)}**`), ""]],
  );
}

function choiceTable(planOf: PlanOf): string {
  const rows = choices.map(({ stack, profile, config, key, effect }) => {
    const [now, then] = [planOf(stack, profile), planOf(stack, profile, config)].map(
      (plan) => costIn(plan, stack, loads[profile]).usd,
    ) as [number, number];
    const change = `${then > now ? "+" : "−"}${whole(Math.abs(then - now))}`;
    return [`${names[stack]}, \`${profile}\``, whole(now), whole(then), change, `\`${key}\``, effect];
  });
  return table(["", "now", "then", "change", "choice", "what it means"], rows);
}

function lineTables(planOf: PlanOf): string {
  return stacks
    .map((stack) => {
      const { lines: all } = costIn(planOf(stack, "standard"), stack, loads.standard);
      const rows = all.map(({ component, price, quantity, usd, driver }) => [
        component,
        withoutVendor(price),
        number(quantity),
        prices[price].unit,
        usd.toFixed(2),
        driver,
      ]);
      const title = `### ${stack === "global" ? "The edge" : names[stack]}`;
      return `${title}\n\n${table(["component", "what", "quantity", "unit", "USD", "driven by"], rows)}`;
    })
    .join("\n\n");
}

function uncountedTable(planOf: PlanOf): string {
  const found = profiles.flatMap((profile) =>
    stacks.flatMap((stack) => costIn(planOf(stack, profile), stack, loads[profile]).uncounted),
  );
  const reasons = Map.groupBy(found, ({ why }) => why);
  const rows = [...reasons].map(([why, some]) => [
    [...new Set(some.map(({ type }) => `\`${type}\``))].sort().join(", "),
    why,
  ]);
  return table(["type", "what is not counted"], rows);
}

function priceTable(): string {
  const rows = Object.entries(prices).map(([name, { usd, unit, region, source, date, reported }]) => [
    name,
    typeof usd === "number" ? number(usd) : steps(usd),
    unit,
    region,
    `[${new URL(source).hostname}](${source})${reported ? ", as others report it" : ""}`,
    date,
  ]);
  return table(["price", "USD", "for one", "region", "read at", "on"], rows);
}

function steps(tiers: readonly { upTo: number; usd: number }[]): string {
  return tiers.map(({ upTo, usd }) => `${usd}${Number.isFinite(upTo) ? ` to ${whole(upTo)}` : ""}`).join(", ");
}

function byLoad(planOf: PlanOf): string {
  const series = profiles.map((profile) => {
    const load = loads[profile];
    const point = (times: number) => ({ x: load.reads * times, y: wholeUsd(planOf, profile, scaled(load, times)) });
    const times = [0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 5, 7, 10];
    return { name: profile, points: times.map(point), dot: point(1) };
  });
  return lines(
    "USD a month on three clouds, by size of the program",
    "reads a second, and a quarter as many writes",
    series,
  );
}

function byComponent(planOf: PlanOf): string {
  const times = [0.25, 0.5, 1, 2, 4];
  const load = loads.standard;
  const costs = times.map((many) =>
    stacks.map((stack) => costIn(planOf(stack, "standard"), stack, scaled(load, many))),
  );
  const series = components.map((component) => ({
    name: component,
    points: costs.map((all, x) => ({ x, y: all.reduce((sum, cost) => sum + of(cost, component), 0) })),
  }));
  const labels = times.map((many) => whole(load.reads * many));
  return bars(
    "USD a month on three clouds in the size standard, by component",
    "reads a second, and a quarter as many writes",
    labels,
    series,
  );
}

function of({ components: all }: Cost, component: Component): number {
  return all.find((one) => one.component === component)?.usd ?? 0;
}

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}
