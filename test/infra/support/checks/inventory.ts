import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Plan, PlannedResource } from "../../../../infra/plan/resource.ts";
import { repositoryFile } from "../sdks.ts";

/**
 * The plan holds what a reviewed list says, no more and no less: names and types, indented as they lie in each other. To
 * renew the lists of the tests that run, and then to read what changed:
 *
 *     GOLDEN=renew npx mocha test/infra/stacks.test.ts && git diff test/infra/golden
 */
export function inventoryIsAsReviewed(plan: Plan, profile: string): void {
  const path = `test/infra/golden/${plan.stack}-${profile}.txt`;
  const file = repositoryFile(path);
  const actual = inventory(plan);
  if (process.env.GOLDEN === "renew") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, actual);
  }
  const how = `${path} is renewed by GOLDEN=renew`;
  assert.ok(existsSync(file), `expected a reviewed list: ${how}`);
  assert.equal(actual, readFileSync(file, "utf8"), `the plan is not what was reviewed; ${how}`);
}

export function inventory({ resources }: Plan): string {
  const depths = new Map<string, number>();
  const line = ({ urn, parent, name, type }: PlannedResource) => {
    const depth = parent === null ? 0 : depths.get(parent)! + 1;
    depths.set(urn, depth);
    return `${"  ".repeat(depth)}${name}  ${type}\n`;
  };
  return resources.map(line).join("");
}
