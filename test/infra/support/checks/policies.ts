import assert from "node:assert/strict";
import type { Pack } from "../../../../infra/plan/policy/pack.ts";
import type { Plan } from "../../../../infra/plan/resource.ts";
import { repositoryFile } from "../sdks.ts";

/** One for all plans: it takes longer to start than to judge. */
let pack: Promise<Pack> | undefined;

export async function noPolicyIsBroken(plan: Plan, profile: string): Promise<void> {
  const { startPack } = await import("../../../../infra/plan/policy/pack.ts");
  const { configure, judge } = await import("../../../../infra/plan/policy/judge.ts");
  pack ??= startPack();
  const levels = profile === "small" || plan.stack === "local" ? "small" : "production";
  await configure(await pack, repositoryFile(`infra/policies/${levels}.json`));
  const verdicts = await judge(await pack, plan);
  assert.deepEqual(
    verdicts.map(({ rule, urn, message }) => `${rule} ${urn}: ${message}`),
    [],
  );
}

export async function stopPack(): Promise<void> {
  await (await pack)?.stop();
}
