/** Every rule stops a program by itself: one that Pulumi's runtime has run, before Pulumi's policy runner. */
import assert from "node:assert/strict";
import type { World } from "../../../infra/plan/engine/run.ts";
import type { Verdict } from "../../../infra/plan/policy/verdict.ts";
import { needsSdks, repositoryFile, run } from "../support/sdks.ts";
import { badPrograms } from "./support/bad-programs.ts";

/** Knows the types of these programs, and nothing of them. */
const types = badPrograms.flatMap(({ resources }) => resources.map(({ type }) => type));
const facts = {
  resources: Object.fromEntries(types.map((type) => [type, { replacedBy: [], tags: null }])),
  calls: {},
};
const world: World = { tables: async () => facts, stacks: {} };

describe("a bad program", function () {
  this.timeout(60_000);
  const verdicts = new Map<string, readonly Verdict[]>();

  before(async function () {
    needsSdks(this);
    const { startPack } = await import("../../../infra/plan/policy/pack.ts");
    const { configure, judge } = await import("../../../infra/plan/policy/judge.ts");
    const program = repositoryFile("test/infra/policies/fixtures/bad.ts");
    const [pack, { resources }] = await Promise.all([
      startPack(),
      run({ stack: "bad", mode: "preview", program, world }),
    ]);
    try {
      await configure(pack, repositoryFile("infra/policies/production.json"));
      for (const { rule, resources: own } of badPrograms) {
        const names = new Set([rule, ...own.map(({ name }) => name)]);
        const some = resources.filter(({ name, parent }) => parent === null || names.has(name));
        verdicts.set(rule, await judge(pack, { resources: some }));
      }
    } finally {
      await pack.stop();
    }
  });

  for (const { rule } of badPrograms) {
    it(`is stopped by ${rule}`, () => {
      const stopping = verdicts.get(rule)!.filter(({ level }) => level === "mandatory");
      assert.ok(stopping.some((verdict) => verdict.rule === rule));
    });
  }
});
