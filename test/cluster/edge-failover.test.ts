import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { SkyKV } from "../../client/client.ts";
import type { Cloud } from "../../infra/names.ts";
import type { Edge } from "../../tools/box/edge/edge.ts";
import { longestBlindness } from "../../tools/box/edge/health.ts";
import { OpenLoad } from "../tools/box/edge/open-load.ts";
import { healthOf, member, startTestEdge, stateOf, untilHealth } from "../tools/box/edge/support.ts";
import { until } from "../tools/box/support.ts";

const rate = 500;
/** Answers before and after a fault. */
const some = 500;
const probe = { interval: 1, timeout: 0.5, retries: 1, consecutiveDown: 2, consecutiveUp: 1 };

describe(`at ${rate} requests a second through the edge`, function () {
  this.timeout(30_000);
  const names: readonly Cloud[] = ["aws", "gcp", "azure"];
  let processes: Map<Cloud, ChildProcess>;
  let edge: Edge;
  let agent: Agent;

  beforeEach(async () => {
    agent = new Agent({ keepAlive: true });
    processes = new Map(
      names.map((name) => [name, fork(join(import.meta.dirname, "../tools/box/edge/cloud-process.ts"))]),
    );
    const members = await Promise.all(
      names.map(async (name) => {
        const [{ port }] = await once(processes.get(name)!, "message");
        return member(name, `http://127.0.0.1:${port}`);
      }),
    );
    edge = await startTestEdge(members, { probe });
    await Promise.all(names.map((name) => untilHealth(edge, name, "up")));
  });
  afterEach(async () => {
    agent.destroy();
    for (const child of processes.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await edge.stop();
  });

  /** One request as any program would send it, without a second attempt. */
  const send = () =>
    new Promise<void>((resolve, reject) => {
      const request = get(`${edge.url}/v1/kv/default/key`, { agent }, (answer: IncomingMessage) => {
        answer.resume().on("error", reject);
        answer.on("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))));
      });
      request.on("error", reject);
    });
  /** The cloud that serves the region of the test's edge. */
  const kill = async () => {
    const child = processes.get("aws")!;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const print = (text: string) => console.log(`      ${text}`);

  it("a killed cloud costs no more than the requests that were under way there", async () => {
    const load = new OpenLoad(rate, send);
    await load.more(some);
    const killedAt = performance.now();
    const { open } = stateOf(edge, "aws").traffic;
    await kill();
    const goneAt = performance.now();
    await load.more(some);
    await load.stop();
    const between = load.sent.filter(({ startedAt }) => startedAt > killedAt && startedAt <= goneAt).length;
    print(
      `killed: ${load.summary}; ${open} were under way at the kill, ${between} more came until the process was gone`,
    );
    for (const { startedAt, endedAt } of load.failed) {
      assert.ok(startedAt <= goneAt && endedAt >= killedAt, "a request failed that was not under way at the kill");
    }
    assert.ok(load.failed.length <= open + between);
  });

  it("a killed cloud costs the TypeScript client no idempotent request", async () => {
    const keys = new SkyKV({ url: edge.url, key: `skykv_edgeedgeedge_${"k".repeat(43)}` }).namespace();
    const load = new OpenLoad(rate, async (i) => {
      if (i % 3 === 0) await keys.put(`key-${i}`, "value");
      else if (i % 3 === 1) await keys.getText(`key-${i}`);
      else await keys.delete(`key-${i}`);
    });
    await load.more(some);
    await kill();
    await load.more(some);
    await load.stop();
    print(`killed, with the client: ${load.summary}`);
    assert.deepEqual(load.failed, []);
    assert.ok(stateOf(edge, "aws").traffic.failures[521]! > 0, "the kill was to be noticed");
  });

  it("a frozen cloud costs what is sent to it until probes find it, and nothing after that", async () => {
    const load = new OpenLoad(rate, send);
    await load.more(some);
    const frozenAt = performance.now();
    processes.get("aws")!.kill("SIGSTOP");
    await until("the edge has found it", async () => healthOf(edge, "aws") === "down");
    const foundAt = performance.now();
    await load.more(some);
    load.halt();
    await until("only the frozen cloud owes answers", async () => load.open === stateOf(edge, "aws").traffic.open);
    // They hang until Cloudflare's 120 s are over; nobody waits for so long.
    agent.destroy();
    await load.stop();
    const lastAt = Math.max(...load.failed.map(({ startedAt }) => startedAt));
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(2);
    const longest = longestBlindness(probe);
    print(`frozen: ${load.summary}, the last one ${seconds(frozenAt, lastAt)} s after the freeze`);
    print(`  ${JSON.stringify(probe)} allow ${longest} s; found after ${seconds(frozenAt, foundAt)} s`);
    assert.ok(load.failed.length > 0, "the freeze was to be noticed");
    // Under load a timer may come late.
    assert.ok(lastAt - frozenAt <= longest * 1000 + 500);
  });

  it("a drained cloud costs nothing, and can then be killed", async () => {
    const load = new OpenLoad(rate, send);
    await load.more(some);
    edge.setState("aws", "drained");
    const before = stateOf(edge, "aws").traffic;
    await until("nothing is under way there", async () => stateOf(edge, "aws").traffic.open === 0);
    await kill();
    await load.more(some);
    await load.stop();
    print(`drained, then killed: ${load.summary}, ${before.open} under way at the drain`);
    assert.deepEqual(load.failed, []);
    const { answers, failures } = stateOf(edge, "aws").traffic;
    assert.ok(answers.ENAM! <= before.answers.ENAM! + before.open, "it got requests after the drain");
    assert.deepEqual(failures, {});
  });

  it("the fallback gets everything when all probes fail, and answers while it can", async () => {
    for (const child of processes.values()) child.send("not ready");
    await Promise.all(names.map((name) => untilHealth(edge, name, "down")));
    const before = stateOf(edge, "gcp").traffic.answers;
    const load = new OpenLoad(rate, send);
    await load.more(some);
    await load.stop();
    print(`all down: ${load.summary}`);
    assert.deepEqual(load.failed, []);
    assert.equal(edge.state().fallback, "aws");
    assert.equal(stateOf(edge, "aws").traffic.answers.ENAM, load.sent.length);
    assert.deepEqual(stateOf(edge, "gcp").traffic.answers, before);
  });
});
