import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestService, type TestService } from "../support/service.ts";

/**
 * The suite wants vitest, Keyv 5 as a peer and SQLite, of which the repository needs none: it gets a project of its own.
 * Keyv 5 is what the suite is written for, 6 is the current one.
 */
const project = {
  private: true,
  type: "module",
  dependencies: { "@keyv/test-suite": "2.1.2", keyv: "5.6.0", keyv6: "npm:keyv@6.1.0", vitest: "4.1.12" },
  // Not imported by the tests that are run: something small that is there anyway takes their place.
  overrides: { sqlite3: "npm:timekeeper@2.3.1", "@vitest/coverage-v8": "npm:timekeeper@2.3.1" },
};

describe("servers: Keyv's published test suite", () => {
  let folder: string;
  let service: TestService;

  before(async function () {
    this.timeout(180_000);
    folder = await mkdtemp(join(tmpdir(), "skykv-keyv-"));
    await writeFile(join(folder, "package.json"), JSON.stringify(project));
    await copyFile(new URL("keyv.suite.js", import.meta.url), join(folder, "keyv.test.js"));
    try {
      execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: "pipe" });
    } catch (error) {
      if (process.env.CI === "true") throw error;
      console.log("      skipped: needs the npm registry");
      this.skip();
    }
    service = await startTestService();
  });
  after(async () => {
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("passes", async () => {
    const env = {
      ...process.env,
      SKYKV_URL: service.url,
      SKYKV_KEY: service.adminKey,
      STORE_MODULE: new URL("../../client/keyv.ts", import.meta.url).href,
    };
    // One file at a time, one process: the suite clears the store before each test.
    const vitest = join(folder, "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", "--reporter=json", "--no-file-parallelism"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env }).catch((error) => error);
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(stdout);
    assert.equal(numFailedTests, 0, JSON.stringify(testResults, null, 2));
    console.log(`      ${numPassedTests} passed, ${numPendingTests} skipped`);
    assert.ok(numPassedTests >= 79, `expected at least 79 tests, found ${numPassedTests}`);
    assert.equal(numPendingTests, 1);
  }).timeout(120_000);
});
