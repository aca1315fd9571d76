/** `npm run cost:docs`: writes `docs/cost.md` and its charts anew. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../engine/run.ts";
import type { Plan } from "../../resource.ts";
import { needed, type PlanOf } from "./costs.ts";
import { guide } from "./guide.ts";

const key = (...[stack, profile, config = {}]: Parameters<PlanOf>) => JSON.stringify([stack, profile, config]);
const plans = new Map<string, Plan>();
for (const [stack, profile, config] of needed) {
  const plan = await runProgram({ stack, mode: "preview", config: { profile, ...config } });
  plans.set(key(stack, profile, config), plan);
}
const docs = join(import.meta.dirname, "../../../../docs");
for (const [name, text] of Object.entries(guide((...asked) => plans.get(key(...asked))!))) {
  writeFileSync(join(docs, name), text);
}
