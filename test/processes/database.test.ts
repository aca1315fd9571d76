import assert from "node:assert/strict";
import pg from "pg";
import type { Service } from "../../tools/box/service.ts";
import { ApiError, isReady, Kv, metric, until } from "../support/kv.ts";
import { ProcessCloud } from "../support/processes.ts";
import { Watcher } from "./watcher.ts";

/** Milliseconds, `REQUEST_TIMEOUT_MS` here; and what a busy machine may take on top. */
const deadline = 2000;
const tolerance = 1500;

describe("a database in trouble", function () {
  this.timeout(60_000);
  let cloud: ProcessCloud;
  let services: Service[];
  let kvs: [Kv, Kv];

  before(async () => {
    cloud = await ProcessCloud.start();
    const start = () => cloud.startService({ REQUEST_TIMEOUT_MS: `${deadline}` });
    services = [await start(), await start()];
    kvs = services.map(({ url }) => new Kv(url)) as [Kv, Kv];
  });
  after(() => cloud?.close());

  describe("with a transaction that hangs", () => {
    let hung: pg.Client;
    let watchers: Watcher[];
    const written = new Map<string, string>();
    const write = async (from: number) => {
      for (let i = from; i < from + 20; i++)
        written.set(`hung/${i}`, (await kvs[i % 2]!.put(`hung/${i}`, "v")).version);
    };
    const horizonAge = ({ metricsUrl }: Service) => metric(metricsUrl, "skykv_feed_horizon_age_seconds");

    before(async () => {
      watchers = await Promise.all([
        Watcher.start("stream", () => services[0]!.url),
        Watcher.start("poll", () => services[1]!.url),
      ]);
      hung = new pg.Client({ connectionString: cloud.postgres.url });
      await hung.connect();
      await hung.query("create table someone_elses (id int)");
      await hung.query("begin");
      await hung.query("insert into someone_elses values (1)");
    });

    after(async () => {
      await hung?.end();
      await Promise.all((watchers ?? []).map((watcher) => watcher.stop()));
    });

    it("takes writes and reads as ever", async () => {
      const start = performance.now();
      await write(0);
      for (const [key, version] of written) assert.equal((await kvs[0].get(key))?.version, version);
      assert.ok(performance.now() - start < tolerance, "it took too long");
      for (const { metricsUrl } of services) assert.ok(await isReady(metricsUrl));
    });

    it("holds watches back, and says so in a metric", async () => {
      for (const service of services) {
        await until("the metric tells how long", 10_000, async () => (await horizonAge(service)) > 2);
      }
      for (const watcher of watchers) assert.deepEqual(watcher.events, []);
    });

    it("has skipped nothing once the transaction has ended", async () => {
      await write(20);
      await hung.query("commit");
      await write(40);
      for (const watcher of watchers) {
        await until("all writes arrive", 10_000, () => watcher.events.length >= written.size);
        assert.deepEqual(new Map(watcher.events.map(({ key, version }) => [key, version])), written);
        assert.deepEqual(watcher.faults, []);
      }
      for (const service of services) {
        await until("the metric falls again", 10_000, async () => (await horizonAge(service)) < 1);
      }
    });
  });

  describe("that hangs itself", () => {
    const answersIn = async (what: string, act: Promise<unknown>, codes: string[]) => {
      const start = performance.now();
      await assert.rejects(act, (error) => {
        assert.ok(error instanceof ApiError, `${what}: expected a problem, found ${error}`);
        assert.equal(error.status, 503, `${what}: ${error.message}`);
        assert.ok(codes.includes(error.code), `${what}: ${error.message}`);
        return true;
      });
      const took = performance.now() - start;
      assert.ok(took < deadline + tolerance, `${what}: took ${took.toFixed()} ms`);
    };

    before(async () => {
      await kvs[0].put("before", "it hung");
      await cloud.signalPostgres("SIGSTOP");
    });
    after(() => cloud?.signalPostgres("SIGCONT"));

    it("makes writes and reads fail with a clear 503 within their deadline, not only the first", async () => {
      for (let i = 0; i < 2; i++) {
        await Promise.all(
          kvs.flatMap((kv, j) => [
            answersIn("put", kv.put(`hung ${i} ${j}`, "v"), ["uncertain", "unavailable"]),
            answersIn("delete", kv.delete(`hung ${i}`), ["uncertain", "unavailable"]),
            answersIn("compare-and-set", kv.put("before", "v", { "If-Match": '"0"' }), ["unavailable"]),
            answersIn("get", kv.get("before"), ["unavailable"]),
          ]),
        );
      }
    });

    it("fails readiness, but not liveness", async () => {
      for (const { metricsUrl } of services) {
        await until("it is not ready", 10_000, async () => !(await isReady(metricsUrl)));
        assert.equal((await fetch(`${metricsUrl}/health`)).status, 200);
      }
    });

    it("serves again by itself afterwards, with every write whole or not at all", async () => {
      await cloud.signalPostgres("SIGCONT");
      for (const { metricsUrl } of services) await until("it is ready", 15_000, () => isReady(metricsUrl));
      for (const [i, kv] of kvs.entries()) {
        await kv.put(`after ${i}`, "v");
        assert.equal((await kvs[1 - i]!.get(`after ${i}`))?.value, "v");
        assert.equal((await kv.get("before"))?.value, "it hung");
        for (let round = 0; round < 2; round++) {
          const found = await kv.get(`hung ${round} ${i}`);
          assert.ok(found === null || found.value === "v");
        }
      }
    });
  });
});
