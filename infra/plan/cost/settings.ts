import type { Kind } from "../../config/config.ts";
import { type Load, loads } from "../../config/load.ts";
import type { Profile } from "../../config/shared.ts";
import type { CloudflarePlan } from "../../edge/plans.ts";
import { clouds as allClouds } from "../../names.ts";
import type { StackConfig } from "../engine/stack-config.ts";

/** What has prices. A cluster that is there already is paid for by whoever made it. */
export type PricedKind = Exclude<Kind, "local">;

/** What costs depend on beside the resources. */
export type Settings = {
  readonly kind: PricedKind;
  readonly load: Load;
  /** USD a month; null for none. */
  readonly budget: number | null;
  /** How many clouds the cluster has. */
  readonly clouds: number;
  readonly cloudflarePlan: CloudflarePlan;
};

/**
 * Reads them from a configuration that the program has already accepted: to load the schemas once more would take a tenth
 * of a second. Null where it is not the configuration of this program, and for the stack `local`.
 */
export function readSettings({ project, values }: StackConfig): Settings | null {
  const at = (key: string) => values[`${project}:${key}`];
  const parsed = <T>(key: string, otherwise: T): T => JSON.parse(at(key) ?? "null") ?? otherwise;
  const kind = at("kind") as Kind | undefined;
  if (project !== "skykv" || kind === undefined || kind === "local") return null;
  const { budget = null, load } = parsed<{ budget?: number; load?: Partial<Load> }>("cost", {});
  const members = kind === "global" ? Object.keys(parsed("clouds", {})) : parsed("peers", allClouds);
  return {
    kind,
    load: { ...loads[(at("profile") ?? "standard") as Profile], ...load },
    budget,
    clouds: Math.max(1, members.length),
    cloudflarePlan: parsed<{ plan?: CloudflarePlan }>("cloudflare", {}).plan ?? "business",
  };
}
