import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Service } from "../../tools/box/service.ts";
import { ApiError, isReady, Kv } from "../support/kv.ts";
import { checkLinearizable } from "../support/linearizability.ts";
import { ProcessCloud } from "../support/processes.ts";
import { randomFrom } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { runWorkload } from "./workload.ts";

const program = fileURLToPath(new URL("../support/skewed-service.ts", import.meta.url));

describe(`service processes whose clocks differ (seed ${seed})`, function () {
  this.timeout(60_000);
  let cloud: ProcessCloud;
  const start = (skew: number): Promise<Service> => cloud.startService({ SKEW_MS: `${skew}` }, program);

  before(async () => {
    cloud = await ProcessCloud.start();
  });
  after(() => cloud?.close());

  describe("by 2 s from the database's, in either direction", () => {
    let ahead: Kv;
    let behind: Kv;

    before(async () => {
      [ahead, behind] = (await Promise.all([start(2000), start(-2000)])).map(({ url }) => new Kv(url)) as [Kv, Kv];
    });

    it("never let a later acknowledged write lose to an earlier one", async () => {
      let last = "";
      for (let i = 0; i < 50; i++) {
        const [writer, reader] = i % 2 === 0 ? [ahead, behind] : [behind, ahead];
        const { version } = await writer.put("k", `${i}`);
        assert.ok(version > last, `version ${version} after ${last}`);
        last = version;
        assert.deepEqual(await reader.get("k"), { value: `${i}`, version, tag: `"${version}"` });
      }
    });

    it("delete what the other one wrote, and write what the other one deleted", async () => {
      await ahead.put("k", "a");
      await behind.delete("k");
      assert.equal(await ahead.get("k"), null);
      await behind.put("k", "b", { "If-None-Match": "*" });
      assert.equal((await ahead.get("k"))?.value, "b");
    });

    it("are one linearizable register a key", async () => {
      const options = { keys: ["x", "y"], clients: 8, callsEach: 100, random: randomFrom(seed) };
      const verdict = checkLinearizable((await runWorkload({ kvs: [ahead, behind], ...options })).calls);
      assert.ok(verdict.linearizable, verdict.linearizable ? "" : verdict.explanation);
    });
  });

  describe("by 6 s", () => {
    let right: Kv;

    before(async () => {
      right = new Kv((await start(0)).url);
    });

    for (const direction of ["ahead", "behind"]) {
      it(`refuse to write when theirs is ${direction}, and go on reading`, async () => {
        const { url, metricsUrl } = await start(direction === "ahead" ? 6000 : -6000);
        const wrong = new Kv(url);
        const { version, tag } = await right.put("kept", "by the right one");
        const isRefused = (error: unknown) =>
          error instanceof ApiError && error.status === 503 && error.code === "clock-skew";
        await assert.rejects(wrong.put("kept", "by the wrong one"), isRefused);
        await assert.rejects(wrong.delete("kept"), isRefused);
        await assert.rejects(wrong.increment("n"), isRefused);
        await assert.rejects(wrong.transact([{ op: "put", key: "kept", value: "by the wrong one" }]), isRefused);
        assert.deepEqual(await wrong.get("kept"), { value: "by the right one", version, tag });
        assert.equal(await isReady(metricsUrl), false);
      });
    }
  });
});
