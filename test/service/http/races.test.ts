import assert from "node:assert/strict";
import type { Running } from "../../../service/main.ts";
import type { Store } from "../../../service/store/port.ts";
import { type Answer, Api, clockIo, sharedService, startBeside } from "./support.ts";

describe("many writers at once, through two processes", () => {
  const shared = sharedService();
  let running: Running[] = [];
  let apis: Api[] = [];
  /** Starts two processes; `change` may make their stores worse. */
  async function start(change?: (store: Store) => Store): Promise<void> {
    const io = clockIo(shared.clock, change);
    running = [await startBeside({}, io), await startBeside({}, io)];
    apis = running.map(({ url }) => new Api(url));
  }
  afterEach(async () => {
    for (const api of apis) api.close();
    await Promise.all(running.map((one) => one.close()));
    running = [];
    apis = [];
  });

  const both = (count: number, ask: (api: Api, i: number) => Promise<Answer>) =>
    Promise.all(Array.from({ length: count }, (_, i) => ask(apis[i % 2]!, i)));

  /** Twelve of them compare and set the same entry. Returns the values of those who were told that they did. */
  async function compareAndSet(target: string): Promise<string[]> {
    const { etag } = await apis[0]!.send(`PUT ${target}`, { body: "start" });
    const answers = await both(12, (api, i) =>
      api.send(`PUT ${target}`, { body: String(i), headers: { "If-Match": `"${etag}"` } }),
    );
    for (const { status, text } of answers) assert.ok(status === 200 || status === 412, text);
    return answers.flatMap(({ status }, i) => (status === 200 ? [String(i)] : []));
  }

  it("of those who compare and set one wins, and what it wrote is there", async () => {
    await start();
    const ns = await shared.api.namespace();
    for (let round = 0; round < 15; round++) {
      const winners = await compareAndSet(`/v1/kv/${ns}/k${round}`);
      assert.equal(winners.length, 1);
      assert.equal(
        (await apis[round % 2]!.send(`GET /v1/kv/${ns}/k${round}`, { headers: { "KV-Consistency": "local" } })).text,
        winners[0],
      );
    }
  });

  it("of those who compare and set several would win if the database did not guard the write", async () => {
    await start((store) => ({
      ...store,
      commit: (commit) =>
        store.commit({ ...commit, writes: commit.writes.map((write) => ({ ...write, expects: null })) }),
    }));
    const ns = await shared.api.namespace();
    let most = 0;
    for (let round = 0; round < 30 && most < 2; round++)
      most = Math.max(most, (await compareAndSet(`/v1/kv/${ns}/k${round}`)).length);
    assert.ok(most > 1);
  });

  it("of those who create one wins, also where something was deleted or has expired", async () => {
    await start();
    const ns = await shared.api.namespace();
    await apis[0]!.send(`PUT /v1/kv/${ns}/deleted`);
    await apis[0]!.send(`DELETE /v1/kv/${ns}/deleted`);
    await apis[0]!.send(`PUT /v1/kv/${ns}/expired?ttl=1`);
    shared.clock.advance(1000);
    for (const key of ["never", "deleted", "expired"]) {
      const answers = await both(12, (api) =>
        api.send(`PUT /v1/kv/${ns}/${key}`, { headers: { "If-None-Match": "*" } }),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(11).fill(412)]);
    }
  });

  it("increments add up, whatever else happens to other keys", async () => {
    await start();
    const ns = await shared.api.namespace();
    const answers = await both(60, (api, i) =>
      api.send(`POST /v1/kv/${ns}/${i % 3 === 2 ? "other" : "count"}:increment`),
    );
    const sums = answers.flatMap(({ json }, i) => (i % 3 === 2 ? [] : [json.value])).sort((a, b) => a - b);
    assert.deepEqual(
      sums,
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
  });

  it("an Idempotency-Key is done once, by whichever process", async () => {
    await start();
    const ns = await shared.api.namespace();
    for (let round = 0; round < 5; round++) {
      const target = `/v1/kv/${ns}/n${round}`;
      const answers = await both(10, (api) =>
        api.send(`POST ${target}:increment`, { headers: { "Idempotency-Key": "once" } }),
      );
      assert.deepEqual(
        answers.map(({ status, json }) => [status, json.value]),
        Array(10).fill([200, 1]),
      );
      assert.equal(new Set(answers.map(({ etag }) => etag)).size, 1);
    }
  });

  it("versions of a key only grow, whoever writes it", async () => {
    await start();
    const ns = await shared.api.namespace();
    let last = "";
    for (let i = 0; i < 30; i++) {
      const { etag } = await apis[i % 2]!.send(`PUT /v1/kv/${ns}/a`, { body: String(i) });
      assert.ok(etag > last);
      last = etag;
    }
    const answers = await both(30, (api, i) => api.send(`PUT /v1/kv/${ns}/a`, { body: String(i) }));
    const tags = answers.map(({ etag }) => etag);
    assert.equal(new Set(tags).size, 30);
    const newest = answers[tags.indexOf(tags.toSorted().at(-1)!)]!;
    assert.equal(
      (await apis[0]!.send(`GET /v1/kv/${ns}/a`, { headers: { "KV-Consistency": "local" } })).etag,
      newest.etag,
    );
  });
});
