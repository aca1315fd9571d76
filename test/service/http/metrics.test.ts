import assert from "node:assert/strict";
import { type Asked, eventually, sharedService } from "./support.ts";

describe("metrics", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  const scrape = async () => (await fetch(`${shared.service.running.metricsUrl}/metrics`)).text();
  /** The value of the series whose line begins so; 0 before it is there. */
  const value = (text: string, series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1) ?? 0,
    );

  it("are Prometheus text on their own port, and not on the API's", async () => {
    const answer = await fetch(`${shared.service.running.metricsUrl}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type")!, /^text\/plain; version=/);
    const names = new Set<string>();
    for (const line of (await answer.text()).trim().split("\n")) {
      if (line.startsWith("# TYPE ")) {
        const [, , name, type] = line.split(" ");
        assert.ok(!names.has(name!), `${name} is declared once`);
        names.add(name!);
        assert.match(type!, /^(counter|gauge|histogram|summary)$/);
      } else if (line !== "" && !line.startsWith("# HELP ")) {
        assert.match(line, /^[a-zA-Z_:][\w:]*(\{.*\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/, line);
      }
    }
    assert.equal((await send("GET /metrics")).status, 404);
    assert.equal((await fetch(`${shared.service.running.metricsUrl}/other`)).status, 404);
  });

  it("count requests by route, method and status, never by key or namespace", async () => {
    const ns = await shared.api.namespace();
    const series = (method: string, status: number, route = "/v1/kv/{ns}/{key}") =>
      `skykv_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`;
    const before = await scrape();
    await send(`PUT /v1/kv/${ns}/secret-name`);
    await send(`GET /v1/kv/${ns}/secret-name`);
    await send(`GET /v1/kv/${ns}/nothing-here`);
    await send(`GET /v1/kv/${ns}`);
    await send("GET /nowhere");
    await send("PURGE /nowhere");
    const after = await eventually("all are counted", async () => {
      const text = await scrape();
      return value(text, series("OTHER", 404, "other")) > value(before, series("OTHER", 404, "other")) ? text : null;
    });
    for (const one of [
      series("PUT", 201),
      series("GET", 200),
      series("GET", 404),
      series("GET", 200, "/v1/kv/{ns}"),
      series("GET", 404, "other"),
    ]) {
      assert.equal(value(after, one), value(before, one) + 1, one);
    }
    for (const word of [ns, "secret-name", "nothing-here", "nowhere", shared.service.adminKey])
      assert.ok(!after.includes(word), word);
  });

  it("have buckets that add up", async () => {
    const text = await scrape();
    const labels = '{route="/v1/kv/{ns}/{key}",method="PUT",status="201"';
    const buckets = text
      .split("\n")
      .filter((line) => line.startsWith(`skykv_http_request_duration_seconds_bucket${labels}`))
      .map((line) => Number(line.split(" ").at(-1)));
    assert.ok(buckets.length > 10);
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
    );
    assert.equal(buckets.at(-1), value(text, `skykv_http_request_duration_seconds_count${labels}}`));
  });

  it("count commits, and reads by where they were answered", async () => {
    shared.clock.stop();
    const ns = await shared.api.namespace();
    const before = await scrape();
    for (let i = 0; i < 5; i++) await send(`PUT /v1/kv/${ns}/a`, { body: String(i) });
    for (let i = 0; i < 5; i++) await send(`GET /v1/kv/${ns}/a`);
    await send(`GET /v1/kv/${ns}/a`, { headers: { "KV-Consistency": "local" } });
    const after = await scrape();
    const gained = (series: string) => value(after, series) - value(before, series);
    assert.equal(gained("skykv_commit_rows_total"), 5);
    assert.ok(gained("skykv_commits_total") >= 1);
    // The first read brings it into memory.
    assert.equal(gained('skykv_reads_total{tier="l1"}'), 4);
    assert.equal(gained('skykv_reads_total{tier="store"}'), 2);
  });

  it("show the state of the process", async () => {
    const text = await scrape();
    for (const name of [
      "skykv_ready",
      "skykv_watchers",
      "skykv_l1_bytes",
      "skykv_pending_writes",
      "skykv_clock_skew_seconds",
      "skykv_feed_horizon_age_seconds",
    ]) {
      assert.ok(text.includes(`\n${name} `), name);
    }
    assert.ok(text.includes("process_resident_memory_bytes"));
  });
});

describe("probes", () => {
  const shared = sharedService();

  it("say that the process lives and can serve, on both ports", async () => {
    const { metricsUrl } = shared.service.running;
    await eventually("it is ready", async () => (await fetch(`${metricsUrl}/ready`)).ok);
    assert.equal((await fetch(`${metricsUrl}/health`)).status, 200);
    assert.deepEqual((await shared.api.send("GET /health", { key: null })).json, { status: "ok" });
    assert.deepEqual((await shared.api.send("GET /ready", { key: null })).json, { status: "ok" });
  });

  it("say why the process cannot serve", async () => {
    // A jump of the clock: the last probe of the database seems too long ago until the next one.
    shared.clock.stop();
    shared.clock.advance(4000);
    const unready = await shared.api.send("GET /ready", { key: null });
    if (unready.status === 503) assert.match(unready.json.reason, /database/);
    await eventually(
      "it is ready again",
      async () => (await shared.api.send("GET /ready", { key: null })).status === 200,
    );
  });
});
