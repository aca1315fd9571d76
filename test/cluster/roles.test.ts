import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../../tools/box/service.ts";
import { Cluster } from "../support/cluster.ts";
import { isReady, type Kv, until } from "../support/kv.ts";
import { needsRabbitMq, RabbitServer } from "../support/rabbitmq.ts";
import { adminKey } from "../support/service.ts";

const names = ["aws", "gcp"];

/** The middle and nearly the worst of some milliseconds. */
function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(0);
  return `median ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}

/** Milliseconds from the answer to a write in one cloud until another one shows it, one write after another. */
async function delays(from: Kv, to: Kv, writes: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < writes; i++) {
    // The look that follows each delivery must not find the next write: it is hints that are measured.
    await sleep(100);
    const [key, value] = [`delay-${i}`, `${Math.random()}`];
    await from.put(key, value);
    const start = performance.now();
    await until("the other cloud has it", 20_000, async () => (await to.get(key))?.value === value);
    times.push(performance.now() - start);
  }
  return times;
}

describe("two clouds whose API and replicator are processes of their own", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let rabbit: RabbitServer | null = null;
  const replicators = new Map<string, Service>();
  before(async () => {
    cluster = await Cluster.start(names, { environment: () => ({ ROLE: "api" }) });
    for (const name of names) await startReplicator(name);
  });
  after(async () => {
    await cluster?.close();
    await rabbit?.stop();
  });

  async function startReplicator(name: string, environment: Record<string, string> = {}): Promise<void> {
    replicators.set(name, await cluster.startProcess(name, { ROLE: "replicator", ...environment }));
  }
  async function end(service: Service, signal: NodeJS.Signals): Promise<void> {
    service.kill(signal);
    await service.exited;
  }
  const lag = async (at: string, of: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${adminKey}` };
    const response = await fetch(`${cluster.services.get(at)!.url}/v1/cluster`, { headers });
    const { clouds } = (await response.json()) as { clouds: { name: string; lag_ms: number }[] };
    return clouds.find(({ name }) => name === of)!.lag_ms;
  };

  it("show in each what was written in the other, and the API how far the peer is behind", async () => {
    const [aws, gcp] = [cluster.kv("aws"), cluster.kv("gcp")];
    await aws.put("a", "1");
    await gcp.put("g", "1");
    await until("each has both", 20_000, async () => (await gcp.get("a")) !== null && (await aws.get("g")) !== null);
    await until("gcp is at the height of it", 20_000, async () => (await lag("aws", "gcp")) < 3000);
  });

  it("have replicators that serve nobody, but tell how they are", async () => {
    const { url, metricsUrl } = replicators.get("aws")!;
    assert.equal(url, "");
    await until("the replicator has compared its database with the peer's", 20_000, () => isReady(metricsUrl));
    assert.match(await (await fetch(`${metricsUrl}/metrics`)).text(), /^skykv_replication_sent_entries_total\{/m);
  });

  it("wake them by hints through the database", async () => {
    const times = await delays(cluster.kv("aws"), cluster.kv("gcp"), 40);
    console.log(`      from write to peer, hints through PostgreSQL: ${spread(times)}`);
    const text = await (await fetch(`${replicators.get("aws")!.metricsUrl}/metrics`)).text();
    assert.ok(Number(/^skykv_hints_total\{result="received"\} (\d+)/m.exec(text)?.[1]) >= 20);
  });

  it("go on without a replicator, and catch up with the next one", async () => {
    const [aws, gcp] = [cluster.kv("aws"), cluster.kv("gcp")];
    await end(replicators.get("aws")!, "SIGKILL");
    for (let i = 0; i < 50; i++) await aws.put(`without-${i}`, `${i}`);
    await gcp.put("from gcp", "1");
    await until("gcp's writes still arrive", 20_000, async () => (await aws.get("from gcp")) !== null);
    await until("aws says how far gcp is behind", 20_000, async () => (await lag("aws", "gcp")) > 2000);
    assert.equal(await gcp.get("without-49"), null);
    await startReplicator("aws");
    await until("all arrive", 30_000, async () => {
      const found = await Promise.all(Array.from({ length: 50 }, (_, i) => gcp.get(`without-${i}`)));
      return found.every((one, i) => one?.value === `${i}`);
    });
  });

  it("wake them by hints through RabbitMQ, and find all by looking while it is down", async function () {
    needsRabbitMq(this);
    rabbit = await RabbitServer.start();
    const queue = { QUEUE_URL: rabbit.url };
    await end(replicators.get("aws")!, "SIGTERM");
    await end(cluster.services.get("aws")!, "SIGTERM");
    await cluster.startService("aws", { ROLE: "api", ...queue });
    await startReplicator("aws", queue);
    const [aws, gcp] = [cluster.kv("aws"), cluster.kv("gcp")];
    await delays(aws, gcp, 2);
    console.log(`      from write to peer, hints through RabbitMQ: ${spread(await delays(aws, gcp, 40))}`);
    await rabbit.kill();
    const times = await delays(aws, gcp, 15);
    console.log(`      from write to peer, without hints: ${spread(times)}`);
    assert.ok(times.every((time) => time < 10_000));
  });
});
