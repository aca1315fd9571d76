import type { Kind } from "../../../infra/config/config.ts";
import { type Profile, profiles } from "../../../infra/config/shared.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { run } from "./sdks.ts";

export const stacks: readonly Kind[] = ["aws", "gcp", "azure", "global", "local"];
export { profiles };

const made = new Map<string, Promise<Plan>>();

/** The plan of a stack in a size, with other values for keys of its configuration. Each is made once, however many tests look at it. */
export function stackPlan(
  stack: Kind,
  profile: Profile,
  mode: Plan["mode"] = "preview",
  config: Readonly<Record<string, unknown>> = {},
): Promise<Plan> {
  const key = JSON.stringify([stack, profile, mode, config]);
  const plan = made.get(key) ?? run({ stack, mode, config: { profile, ...config } });
  made.set(key, plan);
  return plan;
}
