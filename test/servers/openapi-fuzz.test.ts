import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestService, type TestService } from "../support/service.ts";

/** What the acceptance of the API asks for. */
const leastRequests = 5000;
const folder = join(import.meta.dirname, "openapi-fuzz");
const schemathesis = process.env.SCHEMATHESIS ?? "schemathesis";

describe("the OpenAPI document, under fuzzing", function () {
  this.timeout(900_000);
  let service: TestService;
  let scratch: string;

  before(async function () {
    if (spawnSync(schemathesis, ["--version"]).status !== 0) {
      const how =
        "needs schemathesis: python3 -m venv V && V/bin/pip install schemathesis, then SCHEMATHESIS=V/bin/schemathesis";
      if (process.env.CI === "true") throw new Error(how);
      console.log(`      ${how}`);
      this.skip();
    }
    scratch = await mkdtemp(join(tmpdir(), "skykv-fuzz-"));
    service = await startTestService();
  });
  after(async () => {
    await service?.close();
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  it(`holds for ${leastRequests} requests: no 5xx, and no answer that it does not describe`, async () => {
    const args = [
      ...["--config-file", join(folder, "schemathesis.toml"), "--no-color"],
      ...["run", `${service.url}/openapi.json`, "--header", `Authorization: Bearer ${service.adminKey}`],
      ...["--phases", "examples,coverage,fuzzing"],
      ...[
        "--max-examples",
        "250",
        "--continue-on-failure",
        "--request-timeout",
        "20",
        "--suppress-health-check",
        "all",
      ],
    ];
    const env = { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
    const run = await promisify(execFile)(schemathesis, args, { cwd: scratch, env, maxBuffer: 64 * 2 ** 20 }).catch(
      (error: Error & { stdout?: string }) => ({ stdout: error.stdout ?? error.message, failed: true }),
    );
    assert.ok(!("failed" in run), run.stdout.slice(-20_000));
    const requests = Number(/([\d,]+) generated/.exec(run.stdout)?.[1]?.replaceAll(",", ""));
    console.log(`      ${requests} requests`);
    assert.ok(requests >= leastRequests, run.stdout.slice(-3000));
  });
});
