/** What differs between two plans, for the terminal. What could lose data is said first and loudest. */
import type { Change, ChangedProperty, Comparison } from "../compare/compare.ts";
import { count, cut, shortType, shortValue } from "./short.ts";
import type { Style } from "./style.ts";
import type { Look } from "./tree.ts";

// Of a new policy document, say, the first few properties are enough to find it.
const propertiesShown = 8;

const kinds = {
  create: { mark: "+", format: "green", verb: "to create" },
  update: { mark: "~", format: "yellow", verb: "to update" },
  replace: { mark: "±", format: "magenta", verb: "to replace" },
  delete: { mark: "-", format: "red", verb: "to delete" },
} as const satisfies Record<Change["kind"], { mark: string; format: Parameters<Style>[0]; verb: string }>;

export function changesText({ stack, changes, unchanged }: Comparison, look: Look): string {
  const { style } = look;
  const dangers = changes.map(danger).filter((text) => text !== null);
  const counts = Object.entries(kinds).map(([kind, { verb }]) => {
    return `${changes.filter((change) => change.kind === kind).length} ${verb}`;
  });
  return [
    ...dangers.map((text) => style(["bold", "red"], text)),
    ...(dangers.length > 0 ? [""] : []),
    ...changes.flatMap((change) => changeLines(change, look)),
    ...(changes.length > 0 ? [""] : []),
    `${style("bold", stack)}: ${counts.join(", ")}, ${unchanged} unchanged.`,
    style("dim", "Two plans were compared with each other, neither of them with what is deployed."),
  ].join("\n");
}

/** Null where nothing can be lost. */
function danger(change: Change): string | null {
  if (change.kind !== "replace" && change.kind !== "delete") return null;
  const what = `${place(change)} (${shortType(change.type)})`;
  const fate = change.kind === "replace" ? "is replaced" : "is deleted";
  if (change.kind === "delete" && change.retained) return null;
  if (change.protect) return `PROTECTED: ${what} ${fate}. Pulumi refuses as long as it is protected.`;
  return change.stateful ? `DATA LOSS: ${what} ${fate}, and what it holds is lost.` : null;
}

function changeLines(change: Change, { width, style }: Look): string[] {
  const { mark, format } = kinds[change.kind];
  const kept = change.kind === "delete" && change.retained ? ", kept in the cloud" : "";
  const head = `${style(format, mark)} ${place(change)}  ${style("cyan", shortType(change.type))}${style("dim", kept)}`;
  const shown = change.properties.slice(0, propertiesShown).map((property) => {
    return `    ${cut(propertyText(property), width - 4)}`;
  });
  const more = change.properties.length - shown.length;
  return [
    head,
    ...shown,
    ...(more > 0 ? [style("dim", `    and ${count(more, "more property", "more properties")}`)] : []),
  ];
}

function propertyText({ path, before, after, replaces }: ChangedProperty): string {
  const values = before === undefined ? shortValue(after) : `${shortValue(before)} → ${shortValue(after)}`;
  return `${path}${replaces ? " (replaces)" : ""}: ${values}`;
}

/** Where it is: the root is in all of them and says nothing. */
function place({ within, name }: Change): string {
  return [...within.slice(1), name].join(" / ");
}
