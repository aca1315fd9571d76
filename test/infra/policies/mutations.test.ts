/** Each setting that guards something is taken away from the program's resources, one at a time: a mandatory rule must fail. */
import assert from "node:assert/strict";
import type { Pack } from "../../../infra/plan/policy/pack.ts";
import type { PlannedResource } from "../../../infra/plan/resource.ts";
import { isStackRule } from "../../../infra/policies/rule.ts";
import { rules } from "../../../infra/policies/rules/rules.ts";
import { needsSdks, repositoryFile, run } from "../support/sdks.ts";
import { harmless } from "./support/harmless.ts";
import { type Mutation, mutationsOf } from "./support/mutations.ts";

/** Types that rules on several resources look at. */
const joined = new Set(rules.filter(isStackRule).flatMap(({ types }) => types));

describe("what guards the program", function () {
  this.timeout(240_000);
  let pack: Pack;
  let fails: (mutation: Mutation, resources: readonly PlannedResource[]) => Promise<boolean>;

  before(async function () {
    needsSdks(this);
    const { startPack } = await import("../../../infra/plan/policy/pack.ts");
    const { configure, judgeResource, judgeStack } = await import("../../../infra/plan/policy/judge.ts");
    pack = await startPack();
    await configure(pack, repositoryFile("infra/policies/production.json"));
    fails = async ({ mutant, resource }, resources) => {
      const alone = mutant === null ? [] : await judgeResource(pack, mutant);
      if (alone.some(({ level }) => level === "mandatory")) return true;
      if (!joined.has(resource.type)) return false;
      const others = resources.filter((one) => one !== resource && joined.has(one.type));
      const together = await judgeStack(pack, mutant === null ? others : [...others, mutant]);
      return together.some(({ level }) => level === "mandatory");
    };
  });
  after(() => pack?.stop());

  for (const [stack, least] of Object.entries({ aws: 200, gcp: 140, azure: 160, global: 10 })) {
    it(`is missed by a mandatory rule when it is taken away from ${stack}`, async () => {
      const queue = { aws: "sqs", gcp: "pubsub", azure: "servicebus" }[stack];
      const config = { profile: "standard", ...(queue === undefined ? {} : { queue }) };
      const { resources } = await run({ stack, mode: "preview", config });
      const survivors: string[] = [];
      let noticed = 0;
      for (const mutation of mutationsOf(resources)) {
        if (await fails(mutation, resources)) noticed++;
        else survivors.push(mutation.name);
      }
      console.log(`      ${stack}: ${noticed} noticed, ${survivors.length} harmless`);
      assert.deepEqual(
        [...new Set(survivors)].filter((survivor) => !harmless.some(([pattern]) => pattern.test(survivor))),
        [],
      );
      assert.ok(noticed >= least, `${noticed} mutations were noticed, expected ${least} or more`);
    });
  }
});
