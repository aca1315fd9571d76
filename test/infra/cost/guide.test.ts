import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { needed, type PlanOf } from "../../../infra/plan/cost/guide/costs.ts";
import { guide } from "../../../infra/plan/cost/guide/guide.ts";
import { original } from "../../../infra/plan/cost/guide/original.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { needsSdks, repositoryFile } from "../support/sdks.ts";
import { stackPlan } from "../support/stacks.ts";

describe("the guide to costs", function () {
  this.timeout(300_000);

  it("is up to date, charts included: npm run cost:docs writes it", async function () {
    needsSdks(this);
    const key = (...[stack, profile, config = {}]: Parameters<PlanOf>) => JSON.stringify([stack, profile, config]);
    const plans = new Map<string, Plan>();
    for (const [stack, profile, config] of needed) {
      plans.set(key(stack, profile, config), await stackPlan(stack, profile, "preview", config));
    }
    for (const [name, text] of Object.entries(guide((...asked) => plans.get(key(...asked))!))) {
      assert.equal(await readFile(repositoryFile(`docs/${name}`), "utf8"), text, name);
    }
  });

  it("has the first plan's table as it was", () => {
    assert.equal(
      original.reduce((sum, { planned }) => sum + planned, 0),
      1_650,
    );
  });

  it("works out the first plan's lines as anyone can from the list", () => {
    const listed = Object.fromEntries(original.map(({ name, listed }) => [name, Math.round(listed)]));
    assert.deepEqual(listed, {
      EKS: 283,
      "ElastiCache, 3 × m5.large": 342,
      "Aurora, r5.large, 100 GB": 485,
      "Amazon MQ, m5.large": 210,
      "ALB, 5 TB": 497,
      CloudWatch: 986,
      "S3, 500 GB": 12,
      "not in the table": 0,
    });
  });
});
