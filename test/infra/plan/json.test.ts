import assert from "node:assert/strict";
import { loads } from "../../../infra/config/load.ts";
import { costOf } from "../../../infra/plan/cost/cost.ts";
import { Secret, Unknown } from "../../../infra/plan/resource.ts";
import { fromJson, toJson } from "../../../infra/plan/view/json.ts";
import { planned, planOf } from "../support/plans.ts";

const inputs = { b: 1, a: Unknown.value, list: [{ password: new Secret("hunter2") }], nothing: null };

describe("a plan as JSON", () => {
  it("marks what is unknown and what is secret, and keeps all else", () => {
    const plan = planOf(planned({ type: "aws:x:X", name: "x", inputs }));
    const kept = { ...inputs, list: [{ password: new Secret(Unknown.value) }] };
    assert.deepEqual(fromJson(toJson(plan), "plan.json"), {
      format: "skykv-plan/1",
      ...planOf(planned({ type: "aws:x:X", name: "x", inputs: kept })),
    });
  });

  it("has costs and verdicts where they were asked for, and can still be compared with", () => {
    const resource = planned({ type: "aws:kms/key:Key", name: "key" });
    const settings = { kind: "aws", load: loads.small, budget: 0.25, clouds: 3, cloudflarePlan: "pro" } as const;
    const text = toJson(planOf(resource), { cost: costOf(planOf(resource), settings), verdicts: null });
    const { cost, ...rest } = JSON.parse(text);
    assert.deepEqual([cost.usd, cost.budget, cost.excess, cost.lines[0].price], [1, 0.25, 0.75, "aws KMS key"]);
    assert.ok(!("verdicts" in rest));
    assert.equal(fromJson(text, "plan.json").resources.length, 3);
  });

  it("gives away no secret", () => {
    assert.doesNotMatch(toJson(planOf(planned({ type: "aws:x:X", name: "x", inputs }))), /hunter2/);
  });

  it("has its names in order, whatever order the program gave them in", () => {
    const [one, other] = [
      { b: { y: 1, x: 2 }, a: 3 },
      { a: 3, b: { x: 2, y: 1 } },
    ].map((given) => toJson(planOf(planned({ type: "aws:x:X", name: "x", inputs: given }))));
    assert.equal(one, other);
  });

  it("is refused where it is none", () => {
    for (const text of ["", "{}", "null", "[]", '{"format": "skykv-plan/0"}']) {
      assert.throws(
        () => fromJson(text, "old.json"),
        /^PlanError: old\.json: expected .*npm run plan -- STACK --json/,
        text,
      );
    }
  });
});
