import assert from "node:assert/strict";
import { Watcher } from "../processes/watcher.ts";
import { Cluster } from "../support/cluster.ts";
import { ApiError, until } from "../support/kv.ts";
import { adminKey } from "../support/service.ts";

const names = ["aws", "azure", "gcp"];

describe("three clouds of real processes", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(names);
  });
  after(() => cluster?.close());

  const everywhereOf = (clouds: string[], key: string, value: string | null) =>
    until(`${key} is ${value} in ${clouds}`, 20_000, async () => {
      const found = await Promise.all(clouds.map((name) => cluster.kv(name).get(key)));
      return found.every((one) => (one?.value ?? null) === value);
    });
  const everywhere = (key: string, value: string | null) => everywhereOf(names, key, value);
  async function api<T>(name: string, path: string): Promise<T> {
    const headers = { Authorization: `Bearer ${adminKey}` };
    return (await fetch(`${cluster.services.get(name)!.url}${path}`, { headers })).json() as Promise<T>;
  }

  it("show in each what was written and deleted in another, with the same version", async () => {
    const written = await cluster.kv("aws").put("a", "1");
    await everywhere("a", "1");
    assert.equal((await cluster.kv("gcp").get("a"))!.tag, written.tag);
    await cluster.kv("gcp").delete("a");
    await everywhere("a", null);
  });

  it("show it to plain reads too, though another state was cached", async () => {
    await cluster.kv("aws").put("cached", "1");
    await everywhere("cached", "1");
    await cluster.kv("azure").get("cached", {});
    await cluster.kv("aws").put("cached", "2");
    await until(
      "the cache has heard",
      10_000,
      async () => (await cluster.kv("azure").get("cached", {}))?.value === "2",
    );
  });

  it("add up what each of them counts", async () => {
    await Promise.all(names.flatMap((name) => Array.from({ length: 20 }, () => cluster.kv(name).increment("n"))));
    await everywhere("n", "60");
  });

  it("tell a watcher of a count that another cloud adds to, though the newest increment is its own", async () => {
    const links = cluster.links.all();
    const watcher = await Watcher.start("stream", () => cluster.services.get("aws")!.url, { values: "1" });
    try {
      for (const link of links) link.trouble = { kind: "cut" };
      await cluster.kv("gcp").increment("watched");
      await cluster.kv("aws").increment("watched");
      for (const link of links) link.trouble = null;
      await until("the sum is told", 20_000, () => watcher.of("watched").at(-1)?.value === "2");
    } finally {
      await watcher.stop();
    }
  });

  it("tell a watcher that a counter was deleted elsewhere, though it grew here afterwards", async () => {
    await cluster.kv("aws").increment("ended");
    await everywhere("ended", "1");
    const links = cluster.links.all();
    const watcher = await Watcher.start("stream", () => cluster.services.get("gcp")!.url);
    try {
      for (const link of links) link.trouble = { kind: "cut" };
      await cluster.kv("aws").delete("ended");
      await cluster.kv("gcp").increment("ended");
      for (const link of links) link.trouble = null;
      await until("the deletion is told", 20_000, () => watcher.of("ended").at(-1)?.type === "delete");
    } finally {
      await watcher.stop();
    }
  });

  it("tell a watcher that an entry is gone that came expired", async () => {
    await cluster.kv("aws").put("short", "old");
    await everywhere("short", "old");
    const links = cluster.links.all();
    const watcher = await Watcher.start("stream", () => cluster.services.get("gcp")!.url);
    try {
      for (const link of links) link.trouble = { kind: "cut" };
      await cluster.kv("aws").request("PUT", "/short?ttl=0.05", { headers: {}, body: "new" });
      await everywhereOf(["aws"], "short", null);
      for (const link of links) link.trouble = null;
      await until("it is told", 20_000, () => watcher.of("short").at(-1)?.type === "delete");
    } finally {
      await watcher.stop();
    }
  });

  it("take writes while one is gone, which has them all when it comes back, and they its own", async () => {
    await cluster.kv("gcp").put("before", "gcp's last");
    const gone = cluster.services.get("gcp")!;
    gone.kill("SIGKILL");
    await gone.exited;
    for (let i = 0; i < 50; i++) await cluster.kv(i % 2 === 0 ? "aws" : "azure").put(`while-gone-${i}`, String(i));
    await until(
      "the two survivors are equal",
      10_000,
      async () => (await cluster.kv("azure").get("while-gone-48"))?.value === "48",
    );
    await cluster.startService("gcp");
    for (let i = 0; i < 50; i++) await everywhere(`while-gone-${i}`, String(i));
    await everywhere("before", "gcp's last");
  });

  it("keep the write that lost when two clouds did not know of each other's", async () => {
    await cluster.kv("aws").put("both", "start");
    await everywhere("both", "start");
    for (const name of ["azure", "gcp"]) {
      cluster.services.get(name)!.kill("SIGSTOP");
    }
    await cluster.kv("aws").put("both", "from aws");
    cluster.services.get("aws")!.kill("SIGSTOP");
    cluster.services.get("gcp")!.kill("SIGCONT");
    await cluster.kv("gcp").put("both", "from gcp");
    for (const name of names) cluster.services.get(name)!.kill("SIGCONT");
    await everywhere("both", "from gcp");
    type Conflicts = { conflicts: { key: string; value: string; origin: string }[] };
    await until("the loser is kept", 5000, async () =>
      (await api<Conflicts>("aws", "/v1/conflicts/default")).conflicts.some(
        ({ key, value, origin }) => key === "both" && value === "from aws" && origin === "aws",
      ),
    );
  });

  it("tell how far they are behind each other", async () => {
    type State = { clouds: { name: string; self: boolean; ready: boolean; lag_ms: number }[] };
    await until("aws sees all ready", 20_000, async () =>
      (await api<State>("aws", "/v1/cluster")).clouds.every(({ ready, lag_ms }) => ready && lag_ms < 5000),
    );
    const { clouds } = await api<State>("aws", "/v1/cluster");
    assert.deepEqual(clouds.map(({ name }) => name).sort(), names);
    const text = await (await fetch(`${cluster.services.get("aws")!.metricsUrl}/metrics`)).text();
    assert.match(text, /^skykv_replication_lag_seconds\{peer="gcp"\} /m);
    assert.match(text, /^skykv_replication_sent_entries_total\{peer="azure"\} [1-9]/m);
  });

  it("answer in their own time while a peer is frozen", async () => {
    cluster.services.get("azure")!.kill("SIGSTOP");
    try {
      const start = performance.now();
      await cluster.kv("aws").put("quick", "1");
      await until("gcp has it", 2000, async () => (await cluster.kv("gcp").get("quick"))?.value === "1");
      assert.ok(performance.now() - start < 2000);
    } finally {
      cluster.services.get("azure")!.kill("SIGCONT");
    }
    await everywhere("quick", "1");
    await assert.rejects(cluster.kv("aws").put("x", "y", { "If-Match": '"nothing"' }), ApiError);
  });
});
