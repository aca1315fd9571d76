import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlanOptions } from "../../../infra/plan/plan.ts";
import { needsSdks, repositoryFile } from "../support/sdks.ts";
import { world } from "./fixtures/world.ts";

const main = repositoryFile("infra/plan/main.ts");
const program = repositoryFile("test/infra/plan/fixtures/shop.ts");

/** Runs the command; `through` is another command that runs it. */
function command(args: readonly string[], through: readonly string[] = []) {
  const [file, ...rest] = [...through, process.execPath, main, ...args];
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(file!, rest, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code as unknown as number), stdout, stderr });
    });
  });
}

describe("npm run plan", () => {
  it("says how it is used", async () => {
    const { code, stdout } = await command(["--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /^npm run plan -- STACK \[options\]\n/);
  });

  it("exits with 1 and one line where it is used otherwise", async () => {
    const wrong = {
      "": /expected one STACK, found none/,
      "aws gcp": /found aws gcp/,
      "aws --config x": /KEY=VALUE/,
      "aws --foo": /--foo/,
    };
    for (const [args, words] of Object.entries(wrong)) {
      const { code, stdout, stderr } = await command(args.split(" ").filter(Boolean));
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, words);
      assert.match(stderr, /^[^\n]*; --help lists what there is\n$/);
    }
  });

  it("says what to install where the SDKs are not", async () => {
    const folder = await mkdtemp(join(tmpdir(), "skykv-test-"));
    try {
      // The checkout without infra/node_modules, as after `npm ci` alone.
      execFileSync("cp", ["-R", repositoryFile("infra/plan"), join(folder, "plan")]);
      const args = [join(folder, "plan/main.ts"), "aws"];
      const failure = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
        execFile(process.execPath, args, (error, _, stderr) => resolve({ code: error?.code, stderr }));
      });
      assert.equal(failure.code, 1);
      assert.match(failure.stderr, /^The Pulumi SDKs are not installed\. Run: npm ci --prefix infra \(.*\)\n$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  describe("with the SDKs", () => {
    let folder: string;
    let plan: (options: Partial<PlanOptions>) => Promise<string>;
    before(async function () {
      needsSdks(this);
      folder = await mkdtemp(join(tmpdir(), "skykv-test-"));
      const module = await import("../../../infra/plan/plan.ts");
      const defaults = {
        stack: "shop",
        config: {},
        "unknown-refs": false,
        json: false,
        "no-policy": true,
        "no-cost": false,
      };
      plan = async (options) => (await module.plan({ ...defaults, ...options }, { program, world })).output;
    });
    after(() => folder && rm(folder, { recursive: true }));

    it("exits with 1 where there is no such stack", async () => {
      const { code, stderr } = await command(["nowhere"]);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^expected a stack among .*aws.*, found nowhere: there is no [^\n]*Pulumi\.nowhere\.yaml\n$/,
      );
    });

    it("exits with 1 and all that is wrong with a configuration, a line each and no stack trace", async () => {
      const { code, stdout, stderr } = await command(["aws", "--config", "region=virginia", "--config", "queue=kafka"]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /^the configuration has 2 problems:\n {2}skykv:region: [^\n]+\n {2}skykv:queue: [^\n]+\n$/);
    });

    it("needs no network, without policies not even the loopback interface", async function () {
      const cutOff = ["unshare", "--net"];
      const [file, ...args] = [...cutOff, "true"];
      if (spawnSync(file!, args).status !== 0) this.skip();
      const { code, stdout, stderr } = await command(["local", "--no-policy"], cutOff);
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.match(stdout, /^local: \d+ resources/);
    });

    it("prints a tree, and draws a picture when asked to", async () => {
      const svg = join(folder, "shop.svg");
      assert.match(await plan({ svg }), /^shop: 9 resources in 3 components\n/);
      assert.match(await readFile(svg, "utf8"), /^<svg /);
    });

    it("compares with what it printed before", async () => {
      const against = join(folder, "shop.json");
      await writeFile(against, await plan({ json: true }));
      assert.match(
        await plan({ against }),
        /^shop: 0 to create, 0 to update, 0 to replace, 0 to delete, 9 unchanged\./,
      );
      const config = { retention: '{"days": 5}' };
      assert.match(
        await plan({ against, config }),
        /^~ orders \/ orders {2}aws\.sqs\.Queue\n {4}messageRetentionSeconds: 345600 → 432000\n/,
      );
      const { changes } = JSON.parse(await plan({ against, config, json: true }));
      assert.deepEqual(changes[0].properties, [
        { path: "messageRetentionSeconds", before: 345_600, after: 432_000, replaces: false },
      ]);
    });

    it("says what policies say of each resource, and that a mandatory one does not hold", async () => {
      const { plan: judged } = await import("../../../infra/plan/plan.ts");
      const sarif = join(folder, "shop.sarif");
      const options = {
        stack: "shop",
        config: {},
        "unknown-refs": false,
        "no-policy": false,
        "no-cost": false,
        sarif,
      } as const;
      const { output, violated } = await judged({ ...options, json: false }, { program, world });
      assert.ok(violated);
      assert.match(output, / orders +aws\.sqs\.Queue.*\n.* ✗ aws-queue-policy mandatory\n/);
      assert.match(output, /\nPolicies: \d+ mandatory \(\d+ rules\)\.\n/);
      const { version, runs } = JSON.parse(await readFile(sarif, "utf8"));
      assert.equal(version, "2.1.0");
      const { ruleId, level, locations } = runs[0].results.find(
        (one: { ruleId: string }) => one.ruleId === "aws-queue-policy",
      );
      assert.deepEqual([ruleId, level], ["aws-queue-policy", "error"]);
      assert.match(locations[0].logicalLocations[0].fullyQualifiedName, /^urn:pulumi:shop::.*aws:sqs\/queue:Queue::/);
      const { verdicts } = JSON.parse((await judged({ ...options, json: true }, { program, world })).output);
      assert.equal(verdicts.length, runs[0].results.length);
    });

    it("exits with 2 where a mandatory policy does not hold, and with 0 where all do", async () => {
      const tooFew = await command(["aws", "--config", 'database={"backupDays":1}']);
      assert.equal(tooFew.code, 2);
      assert.equal((await command(["local"])).code, 0);
    });

    it("exits with 3 where the month costs more than the budget, and says so", async () => {
      const { code, stdout } = await command(["global", "--no-policy", "--config", 'cost={"budget":20}']);
      assert.equal(code, 3);
      assert.match(stdout, /✗ USD 250 over the budget of USD 20\./);
    });

    it("does not compare with another stack, or with anything else", async () => {
      const against = join(folder, "other.json");
      const printed = JSON.parse(await plan({ json: true }));
      await writeFile(against, JSON.stringify({ ...printed, stack: "bazaar" }));
      await assert.rejects(plan({ against }), /other\.json: expected a plan of shop, found one of bazaar/);
      await assert.rejects(
        plan({ against: join(folder, "nothing.json") }),
        /expected --against to be a readable file: ENOENT/,
      );
    });
  });
});
