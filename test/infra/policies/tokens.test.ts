import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { isStackRule, type Rule } from "../../../infra/policies/rule.ts";
import { rules } from "../../../infra/policies/rules/rules.ts";
import { needsSdks, repositoryFile } from "../support/sdks.ts";

/** Types that no SDK has: definitions that operators bring along. */
const ofOperators = /^kubernetes:(eks\.amazonaws\.com|external-secrets\.io|keda\.sh)\//;

describe("the types that policies name", function () {
  this.timeout(60_000);
  let tokens: ReadonlySet<string>;
  before(function () {
    needsSdks(this);
    tokens = tokensOf(["aws", "gcp", "azure-native", "kubernetes", "cloudflare"]);
  });

  it("are types of the SDKs, letter by letter", () => {
    const named = rules.flatMap(({ types }) => types).filter((type) => !ofOperators.test(type));
    assert.deepEqual(
      named.filter((type) => !tokens.has(type)),
      [],
    );
  });

  it("are named by every rule that does not look at all of them", () => {
    const silent = rules.filter((rule: Rule) => rule.types.length === 0 && !isStackRule(rule));
    assert.deepEqual(silent, []);
  });
});

describe("the names of policies", () => {
  it("are each used once, and say which cloud they are about", () => {
    const names = rules.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^(aws|gcp|azure|k8s|edge|all)-[a-z0-9-]+$/);
  });
});

/** What the classes of these SDKs call themselves. */
function tokensOf(packages: readonly string[]): ReadonlySet<string> {
  const require = createRequire(repositoryFile("infra/index.ts"));
  return new Set(packages.flatMap((name) => tokensIn(require(`@pulumi/${name}`), 3)));
}

/** Modules lie in modules, and are loaded when they are first read. */
function tokensIn(module: Record<string, unknown>, depth: number): string[] {
  return Object.keys(module).flatMap((name) => {
    const part = module[name];
    if (typeof part === "function") return (part as { __pulumiType?: string }).__pulumiType ?? [];
    return typeof part === "object" && part !== null && depth > 0
      ? tokensIn(part as Record<string, unknown>, depth - 1)
      : [];
  });
}
