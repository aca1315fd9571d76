import assert from "node:assert/strict";
import { SkyKV } from "../../../../client/client.ts";
import type { Edge } from "../../../../tools/box/edge/edge.ts";
import type { Service } from "../../../../tools/box/service.ts";
import { ProcessCloud } from "../../../support/processes.ts";
import { adminKey } from "../../../support/service.ts";
import { OpenLoad } from "./open-load.ts";
import { member, startTestEdge, stateOf, untilHealth } from "./support.ts";

const rate = 200;
const some = 200;

describe("the edge before two processes of the service on one database", function () {
  this.timeout(60_000);
  let database: ProcessCloud;
  let services: Service[];
  let edge: Edge;

  before(async () => {
    database = await ProcessCloud.start();
    // The first to come migrates.
    services = [await database.startService(), await database.startService()];
    const [aws, gcp] = services.map(({ url }) => url);
    edge = await startTestEdge([member("aws", aws!), member("gcp", gcp!)]);
    await Promise.all([untilHealth(edge, "aws", "up"), untilHealth(edge, "gcp", "up")]);
  });
  after(async () => {
    await edge?.stop();
    await database.close();
  });

  /** Writes and reads while `act` happens; all of it must succeed, and what was written must be there. */
  async function underLoad(name: string, act: () => Promise<void>) {
    const keys = new SkyKV({ url: edge.url, key: adminKey }).namespace();
    const load = new OpenLoad(rate, async (i) => {
      const key = `${name}/${Math.floor(i / 2)}`;
      if (i % 2 === 0) await keys.put(key, key);
      else await keys.getText(key);
    });
    await load.more(some);
    await act();
    await load.more(some);
    await load.stop();
    console.log(`      ${name}: ${load.summary}`);
    assert.deepEqual(load.failed, []);
    const listed = new Set<string>();
    for await (const entry of keys.list({ prefix: `${name}/` })) listed.add(entry.key);
    assert.equal(listed.size, Math.ceil(load.sent.length / 2));
  }

  it("hands a watch on as it happens, and a large value under an odd key as it is", async () => {
    const keys = new SkyKV({ url: edge.url, key: adminKey }).namespace();
    const key = "watched/a%2Fb/../🙂";
    const value = Buffer.alloc(20 * 1024 * 1024, "skykv");
    for await (const event of keys.watch({ prefix: "watched/", snapshot: true })) {
      if (event.type === "live") await keys.put(key, value);
      else if (event.type === "put") {
        assert.equal(event.key, key);
        break;
      }
    }
    const read = await keys.get(key);
    assert.ok(value.equals(read!.value));
  });

  it("loses no request when one is drained at the edge, and takes it back", async () => {
    await underLoad("drained", async () => {
      edge.setState("aws", "drained");
    });
    edge.setState("aws", "active");
    const before = stateOf(edge, "aws").traffic.answers.ENAM!;
    await underLoad("taken back", async () => {});
    assert.ok(stateOf(edge, "aws").traffic.answers.ENAM! > before);
  });

  it("loses no request of the client when one is killed", async () => {
    await underLoad("killed", async () => {
      services[0]!.kill("SIGKILL");
      await services[0]!.exited;
    });
  });
});
