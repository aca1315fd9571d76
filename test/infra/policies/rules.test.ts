/** Six cases for every rule, through Pulumi's own runner: compliant, violating, absent, unknown, other type, level changed. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pack } from "../../../infra/plan/policy/pack.ts";
import type { Verdict } from "../../../infra/plan/policy/verdict.ts";
import type { PlannedResource } from "../../../infra/plan/resource.ts";
import { isStackRule, type Resource, type ResourceRule } from "../../../infra/policies/rule.ts";
import { rules } from "../../../infra/policies/rules/rules.ts";
import { needsSdks } from "../support/sdks.ts";
import { casesOf, plannedOf } from "./support/cases.ts";

const resourceRules = rules.filter((rule): rule is ResourceRule => !isStackRule(rule));
const stackRules = rules.filter(isStackRule);
const cases = new Map(resourceRules.map((rule) => [rule.name, casesOf(rule)]));

describe("every policy", function () {
  this.timeout(120_000);
  let folder: string;
  let pack: Pack;
  /** What the pack says of some resources when all rules have this level. */
  let judgeAt: (level: string, resources: readonly PlannedResource[]) => Promise<readonly Verdict[]>;
  let verdicts: readonly Verdict[];
  const about = (rule: string, urn: string, among = verdicts) =>
    among.filter((one) => one.rule === rule && one.urn === urn);

  before(async function () {
    needsSdks(this);
    const { startPack } = await import("../../../infra/plan/policy/pack.ts");
    const { configure, judge } = await import("../../../infra/plan/policy/judge.ts");
    folder = await mkdtemp(join(tmpdir(), "skykv-test-"));
    pack = await startPack();
    judgeAt = async (level, resources) => {
      const file = join(folder, "levels.json");
      await writeFile(file, JSON.stringify({ all: level }));
      await configure(pack, file);
      return judge(pack, { resources });
    };
    verdicts = await judgeAt(
      "mandatory",
      [...cases.values()].flat().map(({ resource }) => resource),
    );
  });
  after(async () => {
    await pack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  for (const rule of resourceRules) {
    for (const { name, resource, violated } of cases.get(rule.name)!) {
      it(`${violated ? "stops" : "lets pass"} ${name}`, () => {
        const levels = new Set(about(rule.name, resource.urn).map(({ level }) => level));
        assert.deepEqual([...levels], violated ? ["mandatory"] : []);
      });
    }
  }

  for (const { name, examples } of stackRules) {
    const stacks: [string, readonly Resource[], boolean][] = [
      ["compliant", examples.right, true],
      ["violating", examples.wrong, false],
      ["absent", examples.absent.stack, examples.absent.holds],
      ["unknown", examples.unknown.stack, examples.unknown.holds],
      ["other type", [], true],
    ];
    for (const [kind, stack, holds] of stacks) {
      it(`${holds ? "lets pass" : "stops"} ${name} ${kind}`, async () => {
        const found = (await judgeAt("mandatory", stack.map(plannedOf))).filter(({ rule }) => rule === name);
        assert.deepEqual([...new Set(found.map(({ level }) => level))], holds ? [] : ["mandatory"]);
      });
    }
  }

  for (const level of ["advisory", "disabled"]) {
    it(`is ${level} where a file of levels says so`, async () => {
      const wrong = [
        ...[...cases.values()]
          .flat()
          .filter(({ kind }) => kind === "violating")
          .map(({ resource }) => resource),
        ...stackRules.flatMap(({ examples }) => examples.wrong.map(plannedOf)),
      ];
      const found = await judgeAt(level, wrong);
      assert.deepEqual(new Set(found.map((one) => one.level)), new Set(level === "disabled" ? [] : [level]));
      const silent = resourceRules.filter(({ name }) => !found.some(({ rule }) => rule === name));
      assert.equal(silent.length, level === "disabled" ? resourceRules.length : 0);
    });
  }
});
