/** Verdicts for the terminal. */
import { nameOf, typeOf } from "../engine/urn.ts";
import type { Verdict } from "../policy/verdict.ts";
import { count, shortType } from "./short.ts";
import type { Look } from "./tree.ts";

const marks = {
  mandatory: { mark: "✗", format: "red" },
  advisory: { mark: "!", format: "yellow" },
  remediated: { mark: "~", format: "magenta" },
} as const;

/** The lines of one verdict, at some distance from the left. */
export function verdictLines({ rule, level, message }: Verdict, indent: string, { width, style }: Look): string[] {
  const { mark, format } = marks[level];
  const lines = wrap(message, width - indent.length - 4).map((line) => `${indent}    ${line}`);
  return [`${indent}  ${style(format, `${mark} ${rule}`)} ${style("dim", level)}`, ...lines];
}

/** One after another, each below the name of its resource. */
export function verdictList(verdicts: readonly Verdict[], look: Look): string[] {
  return [...Map.groupBy(verdicts, ({ urn }) => urn)].flatMap(([urn, list]) => [
    urn === null ? "The stack" : `${nameOf(urn)}  ${look.style("cyan", shortType(typeOf(urn)))}`,
    ...list.flatMap((verdict) => verdictLines(verdict, "", look)),
  ]);
}

/** How many there are. */
export function verdictSummary(verdicts: readonly Verdict[], { style }: Look): string {
  if (verdicts.length === 0) return style("green", "Policies: all hold.");
  const counts = Object.entries(marks).flatMap(([level, { format }]) => {
    const { length } = verdicts.filter((verdict) => verdict.level === level);
    return length === 0 ? [] : [style(format, `${length} ${level}`)];
  });
  return `Policies: ${counts.join(", ")} (${count(new Set(verdicts.map(({ rule }) => rule)).size, "rule")}).`;
}

function wrap(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${Math.max(20, width)}}(?:\\s|$)|\\S+`, "g"))?.map((line) => line.trimEnd()) ?? [];
}
