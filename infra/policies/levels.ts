/** The files of levels in this folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Exception } from "./exceptions.ts";

export const levels = ["advisory", "mandatory", "remediate", "disabled"] as const;
export type Level = (typeof levels)[number];

/** By rule; `all` is for those that are not named. */
export type Levels = Readonly<
  Record<string, Level | { readonly enforcementLevel?: Level; readonly exceptions?: readonly Exception[] }>
>;

/** The file for what a stack is about: `small.json` for the size `small`, and for `local`, one machine whatever its size. */
export function levelsFileFor(stack: string, profile: string | undefined): string {
  return join(import.meta.dirname, stack === "local" || profile === "small" ? "small.json" : "production.json");
}

export function levelsIn(file: string): Levels {
  return JSON.parse(readFileSync(file, "utf8")) as Levels;
}

export function levelOf(levels: Levels, rule: string): Level {
  const all = typeof levels.all === "string" ? levels.all : "mandatory";
  const setting = levels[rule] ?? all;
  return typeof setting === "string" ? setting : (setting.enforcementLevel ?? all);
}
