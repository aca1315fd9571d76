import assert from "node:assert/strict";
import { faultNames } from "../chaos/faults.ts";
import { reportOf } from "../chaos/report.ts";
import { runChaos } from "../chaos/run.ts";
import { hasRabbitMq } from "../support/rabbitmq.ts";
import { hasRedis } from "../support/redis.ts";
import { seed } from "../support/seed.ts";

/** With the start and what follows the faults, three minutes. */
const seconds = 160;

describe(`three clouds of real processes under load and faults (seed ${seed})`, function () {
  this.timeout(900_000);

  it("lose nothing, keep sessions and each key's order, and end with equal copies", async () => {
    const options = { seconds, seed, faults: faultNames, processes: 2, onProgress: () => {} };
    const result = await runChaos(options);
    console.log(reportOf(result).replaceAll(/^/gm, "      "));
    assert.deepEqual(result.findings, [], `logs and databases: ${result.folders.join(", ")}`);
    assert.ok(result.converged.length >= 3, `only ${result.converged.length} rounds`);
    const kinds = faultNames.filter(
      (name) => (hasRedis || !name.endsWith("-cache")) && (hasRabbitMq || !name.endsWith("-queue")),
    );
    assert.ok(result.faults.size > kinds.length / 2, `only ${[...result.faults.keys()]} happened`);
  });
});
