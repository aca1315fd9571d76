import assert from "node:assert/strict";
import type { Service } from "../../tools/box/service.ts";
import { Kv } from "../support/kv.ts";
import { checkLinearizable } from "../support/linearizability.ts";
import { ProcessCloud } from "../support/processes.ts";
import { randomFrom } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { countSwaps, runWorkload } from "./workload.ts";

describe(`two service processes on one database (seed ${seed})`, function () {
  this.timeout(60_000);
  let cloud: ProcessCloud;
  let services: Service[];

  before(async () => {
    cloud = await ProcessCloud.start();
  });
  after(() => cloud?.close());

  it("can be started at the same time while it is still empty", async () => {
    services = await Promise.all([cloud.startService(), cloud.startService()]);
    const [one, other] = services.map(({ url }) => new Kv(url)) as [Kv, Kv];
    await one.put("started", "both");
    assert.equal((await other.get("started"))?.value, "both");
  });

  it("are one linearizable register a key to 8 clients that read with KV-Consistency: local", async () => {
    const kvs = services.map(({ url }) => new Kv(url));
    const keys = ["a", "b", "c"];
    const history = await runWorkload({ kvs, keys, clients: 8, callsEach: 500, random: randomFrom(seed) });
    assert.equal(history.calls.length, 4000, "calls failed, though nothing was wrong");
    const { done, refused } = countSwaps(history);
    assert.ok(done > 100 && refused > 100, `hardly a race: ${done} swaps done, ${refused} refused`);
    const verdict = checkLinearizable(history.calls);
    assert.ok(verdict.linearizable, verdict.linearizable ? "" : verdict.explanation);
  });
});
