/** A plan as a tree for the terminal: components are branches, resources leaves. */
import type { Verdict } from "../policy/verdict.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import { count, cut, shortPackage, shortType } from "./short.ts";
import type { Style } from "./style.ts";
import { tellingInputs } from "./telling.ts";
import { verdictLines, verdictList, verdictSummary } from "./verdicts.ts";

export type Look = {
  /** Of the terminal, in characters. */
  readonly width: number;
  readonly style: Style;
};

const marks = { protect: "◆", external: "○" } as const;

type Row = {
  /** The lines of the tree to the left. */
  readonly rails: string;
  readonly resource: PlannedResource;
  /** Resources below it. */
  readonly size: number;
};

/** With what policies say beside the resources; `verdicts` is null where none were asked. `cost` are lines that follow. */
export function treeText(
  plan: Plan,
  look: Look,
  verdicts: readonly Verdict[] | null = null,
  cost: readonly string[] = [],
): string {
  const rows = rowsOf(plan);
  const columns = columnsOf(rows, look.width);
  const byUrn = Map.groupBy(verdicts ?? [], ({ urn }) => urn);
  const lines = rows.flatMap((row) => [
    line(row, columns, look),
    ...(byUrn.get(row.resource.urn) ?? []).flatMap((verdict) => verdictLines(verdict, below(row), look)),
  ]);
  const shown = new Set(rows.map(({ resource }) => resource.urn as string | null));
  const others = verdictList(
    (verdicts ?? []).filter(({ urn }) => !shown.has(urn)),
    look,
  );
  const policies = verdicts === null ? [] : [verdictSummary(verdicts, look)];
  return [headline(plan, look), "", ...lines, ...others, ...cost, "", ...policies, ...summary(plan, look)].join("\n");
}

/** The lines of the tree that go on below a resource. */
function below({ rails }: Row): string {
  return rails.replace("├─ ", "│  ").replace("└─ ", "   ");
}

function rowsOf(plan: Plan): Row[] {
  const children = Map.groupBy(plan.resources, ({ parent }) => parent);
  const below = (urn: string | null) => children.get(urn) ?? [];
  const sizeOf = (resource: PlannedResource): number =>
    below(resource.urn).reduce((sum, child) => sum + (isReal(child) ? 1 : 0) + sizeOf(child), 0);
  const rowsBelow = (urn: string, rails: string): Row[] =>
    // What is no branch comes first: it belongs to the heading above.
    below(urn)
      .toSorted((a, b) => sizeOf(a) - sizeOf(b) && Number(sizeOf(a) > 0) - Number(sizeOf(b) > 0))
      .flatMap((resource, index, siblings) => {
        const last = index === siblings.length - 1;
        const row = { rails: `${rails}${last ? "└─ " : "├─ "}`, resource, size: sizeOf(resource) };
        return [row, ...rowsBelow(resource.urn, `${rails}${last ? "   " : "│  "}`)];
      });
  const [stack] = plan.resources;
  if (stack === undefined) return [];
  return below(stack.urn).flatMap((resource) => [
    { rails: "", resource, size: sizeOf(resource) },
    ...rowsBelow(resource.urn, ""),
  ]);
}

/** True for what will exist in a cloud. */
function isReal(resource: PlannedResource): boolean {
  return resource.custom && !resource.external;
}

type Columns = { readonly name: number; readonly type: number };

// The same in all of the tree, so that the eye can run down. Names get most of the room, inputs what is left.
function columnsOf(rows: readonly Row[], width: number): Columns {
  const leaves = rows.filter(({ resource }) => resource.custom);
  const longest = (lengths: number[], limit: number) => Math.min(limit, Math.max(0, ...lengths));
  return {
    name: longest(
      leaves.map(({ rails, resource }) => rails.length + resource.name.length),
      Math.floor(width * 0.34),
    ),
    type: longest(
      leaves.map(({ resource }) => shortType(resource.type).length),
      Math.floor(width * 0.34),
    ),
  };
}

function line(row: Row, columns: Columns, { width, style }: Look): string {
  const { rails, resource, size } = row;
  const lead = style("dim", rails);
  if (!resource.custom) {
    const type = resource.type.split(":").at(-1)!;
    const isNamesake = type.toLowerCase() === resource.name.replaceAll("-", "").toLowerCase();
    return `${lead}${style("bold", resource.name)} ${style("dim", `${isNamesake ? "" : `${type} `}(${size})`)}`;
  }
  const name = cut(resource.name, columns.name - rails.length).padEnd(columns.name - rails.length);
  const type = cut(shortType(resource.type), columns.type);
  const columnEnd = " ".repeat(columns.type - type.length);
  const mark = resource.protect ? style("yellow", marks.protect) : resource.external ? marks.external : " ";
  const said = cut(tellingInputs(resource), width - columns.name - columns.type - 6);
  const inputs = said === "" ? "" : style("dim", said);
  return `${lead}${name}  ${style("cyan", type)}${columnEnd}  ${mark} ${inputs}`.trimEnd();
}

function headline({ stack, resources }: Plan, { style }: Look): string {
  const components = resources.filter(({ custom, parent }) => !custom && parent !== null).length;
  const total = resources.filter(isReal).length;
  return `${style("bold", stack)}: ${count(total, "resource")} in ${count(components, "component")}`;
}

function summary({ resources, messages }: Plan, { width, style }: Look): string[] {
  const real = resources.filter(isReal);
  const packages = [...Map.groupBy(real, ({ type }) => shortPackage(type))].sort(([, a], [, b]) => b.length - a.length);
  const parts = packages.map(([name, { length }]) => `${length} ${name}`).join(", ");
  const guarded = real.filter(({ protect }) => protect).length;
  const read = resources.filter(({ external }) => external).length;
  return [
    parts,
    `${marks.protect} ${guarded} protected from deletion  ${marks.external} ${read} only read`,
    ...messages.map(({ severity, text }) => style(severity === "info" ? "dim" : "yellow", `${severity}: ${text}`)),
    style(
      "dim",
      wrap(
        "This is what the program asks for, worked out offline. It was not compared with what is deployed, and no cloud was asked whether it would agree: pulumi preview does both.",
        width,
      ),
    ),
  ];
}

function wrap(text: string, width: number): string {
  return text.replace(new RegExp(`(.{1,${width}})(\\s+|$)`, "g"), "$1\n").trimEnd();
}
