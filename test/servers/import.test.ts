import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { scratchFolder } from "../support/scratch.ts";
import { startTestService, type TestService } from "../support/service.ts";

const records = 100_000;
/** What is promised on two idle cores; a test fails at twice that. */
const promisedSeconds = 20;
const mostMegabytes = 300;
const skykv = join(import.meta.dirname, "../../client/bin/skykv.js");

describe("skykv import", function () {
  this.timeout(180_000);
  let service: TestService;
  let folder: string;

  before(async () => {
    folder = await scratchFolder();
    service = await startTestService();
  });
  after(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  it(`writes ${records} records in ${promisedSeconds} s, in bounded memory`, async () => {
    const file = join(folder, "records.jsonl");
    const out = createWriteStream(file);
    for (let i = 0; i < records; i++) {
      const line = `${JSON.stringify({ key: `user/${i}`, value: `value of record ${i} `.repeat(10) })}\n`;
      if (!out.write(line)) await once(out, "drain");
    }
    await once(out.end(), "close");

    const startedAt = performance.now();
    const child = spawn(process.execPath, [skykv, "import", file, "--url", service.url], {
      env: { ...process.env, SKYKV_KEY: service.adminKey },
      stdio: ["ignore", "ignore", "inherit"],
    });
    let peak = 0;
    const watching = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    }, 100);
    const [code] = await once(child, "exit");
    clearInterval(watching);
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`      ${records} records in ${seconds.toFixed(1)} s, at most ${peak.toFixed(0)} MB`);
    assert.equal(code, 0);
    const answer = await fetch(`${service.url}/v1/namespaces/default`, {
      headers: { Authorization: `Bearer ${service.adminKey}` },
    });
    assert.equal(((await answer.json()) as { entries: number }).entries, records);
    assert.ok(seconds < 2 * promisedSeconds, `${seconds} s`);
    assert.ok(peak < mostMegabytes, `${peak} MB`);
  });
});
