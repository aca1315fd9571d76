import type { Kind } from "../../../infra/config/config.ts";
import { type Profile, profiles } from "../../../infra/config/shared.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { run } from "./sdks.ts";

export const stacks: readonly Kind[] = ["aws", "gcp", "azure", "global", "local"];
export { profiles };

const made = new Map<string, Promise<Plan>>();

/** The plan of a stack in a size. Each is made once, however many tests look at it. */
export function stackPlan(stack: Kind, profile: Profile, mode: Plan["mode"] = "preview"): Promise<Plan> {
  const key = `${stack} ${profile} ${mode}`;
  const plan = made.get(key) ?? run({ stack, mode, config: { profile } });
  made.set(key, plan);
  return plan;
}
