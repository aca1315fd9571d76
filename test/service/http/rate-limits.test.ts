import assert from "node:assert/strict";
import { type Answer, type Asked, expectProblem, sharedService } from "./support.ts";

describe("rate limits", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  beforeEach(() => shared.clock.stop());

  /** Requests left and seconds until all are back, as `RateLimit` tells them. */
  function left({ headers }: Answer): [requests: number, seconds: number] {
    const [, requests, seconds] = /^"[^"]+";r=(\d+);t=(\d+)$/.exec(String(headers.ratelimit))!;
    return [Number(requests), Number(seconds)];
  }

  it("of a namespace let so many requests through, then answer 429 and say when to come back", async () => {
    const ns = await shared.api.namespace({ rate_limit: { requests: 3, seconds: 30 } });
    const first = await send(`PUT /v1/kv/${ns}/a`);
    assert.deepEqual(left(first), [2, 10]);
    assert.equal(first.headers["ratelimit-policy"], `"namespace:${ns}";q=3;w=30`);
    assert.deepEqual(left(await send(`GET /v1/kv/${ns}/a`)), [1, 20]);
    assert.deepEqual(left(await send(`GET /v1/kv/${ns}`)), [0, 30]);

    const refused = await send(`GET /v1/kv/${ns}/a`);
    const problem = expectProblem(refused, 429, "rate-limited");
    assert.deepEqual([problem.limit, problem.window_seconds], [3, 30]);
    assert.equal(refused.headers["retry-after"], "10");
    assert.deepEqual(left(refused), [0, 10]);

    // A token comes back every ten seconds.
    shared.clock.advance(9999);
    expectProblem(await send(`GET /v1/kv/${ns}/a`), 429, "rate-limited");
    shared.clock.advance(1);
    assert.equal((await send(`GET /v1/kv/${ns}/a`)).status, 200);
    expectProblem(await send(`GET /v1/kv/${ns}/a`), 429, "rate-limited");
    shared.clock.advance(3_600_000);
    assert.deepEqual(left(await send(`GET /v1/kv/${ns}/a`)), [2, 10]);
  });

  it("of an API key go for that key alone", async () => {
    const ns = await shared.api.namespace();
    const make = async () =>
      (
        await send("POST /v1/keys", {
          json: { name: "k", scopes: [`read:${ns}`], rate_limit: { requests: 2, seconds: 60 } },
        })
      ).json;
    const [one, two] = [await make(), await make()];
    const ask = (key: string) => send(`GET /v1/kv/${ns}/none`, { key });
    const answers = [await ask(one.key), await ask(one.key), await ask(one.key)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404, 429],
    );
    assert.equal(answers[2]!.headers["ratelimit-policy"], `"key:${one.id}";q=2;w=60`);
    assert.equal((await ask(two.key)).status, 404);
  });

  it("count every read once, from memory or not, and are told whatever the answer", async () => {
    const ns = await shared.api.namespace({ rate_limit: { requests: 1000, seconds: 1000 } });
    const path = `/v1/kv/${ns}/a`;
    const { etag } = await send(`PUT ${path}`, { body: "x" });
    for (const [i, [line, headers, status]] of (
      [
        [`GET ${path}`, {}, 200],
        [`GET ${path}`, {}, 200],
        [`GET ${path}`, { "If-None-Match": `"${etag}"` }, 304],
        [`GET ${path}`, { "If-None-Match": `"none", "${etag}"` }, 304],
        [`GET ${path}`, { Range: "bytes=0-0" }, 206],
        [`GET ${path}`, { "If-Match": '"none"' }, 412],
        [`HEAD ${path}`, {}, 200],
        [`GET /v1/kv/${ns}/none`, {}, 404],
        [`GET /v1/kv/${ns}/none`, {}, 404],
        [`GET /v1/kv/${ns}/none?x=1`, {}, 400],
        [`PUT ${path}?if_version=none`, {}, 412],
        [`DELETE ${path}`, {}, 204],
        [`GET ${path}`, {}, 404],
        [`GET /v1/kv/${ns}:watch?wait=0`, {}, 200],
        [`GET /v1/kv/${ns}?limit=0`, {}, 400],
        [`DELETE /v1/kv/${ns}?prefix=a`, {}, 200],
        [`POST /v1/export?namespace=${ns}`, {}, 200],
        [`POST /v1/import?namespace=${ns}`, {}, 200],
      ] as [string, Record<string, string>, number][]
    ).entries()) {
      const answer = await send(line, { headers });
      assert.deepEqual([line, answer.status, left(answer)[0]], [line, status, 998 - i]);
    }
  });

  it("of namespace and API key are both told, and both hold", async () => {
    const ns = await shared.api.namespace({ rate_limit: { requests: 3, seconds: 60 } });
    const scopes = [`read:${ns}`, `admin:${ns}`];
    const asked = { name: "k", scopes, rate_limit: { requests: 2, seconds: 30 } };
    const { key, id } = (await send("POST /v1/keys", { json: asked })).json;
    const { headers } = await send(`GET /v1/kv/${ns}/none`, { key });
    assert.equal(headers.ratelimit, `"key:${id}";r=1;t=15, "namespace:${ns}";r=2;t=20`);
    assert.equal(headers["ratelimit-policy"], `"key:${id}";q=2;w=30, "namespace:${ns}";q=3;w=60`);
    // Administration is counted against the key, too.
    assert.deepEqual(left(await send(`GET /v1/namespaces/${ns}`, { key })), [0, 30]);
    expectProblem(await send(`GET /v1/kv/${ns}/none`, { key }), 429, "rate-limited");
    assert.deepEqual(left(await send(`GET /v1/kv/${ns}/none`)), [1, 40]);
  });

  it("hold for actions, batches, watches and anonymous reads as well", async () => {
    for (const [line, asked] of [
      ["POST /v1/kv/NS/a:increment", {}],
      ["POST /v1/kv/NS:batch", { json: { operations: [{ op: "get", key: "a" }] } }],
      ["POST /v1/kv/NS:transact", { json: { operations: [{ op: "get", key: "a" }] } }],
      ["GET /v1/kv/NS:watch?wait=0", {}],
      ["GET /v1/kv/NS/a", { key: null }],
      ["POST /v1/export?namespace=NS", {}],
      ["DELETE /v1/kv/NS?prefix=a", {}],
    ] as const) {
      const ns = await shared.api.namespace({ rate_limit: { requests: 1, seconds: 60 }, public_read: true });
      assert.ok((await send(line.replace("NS", ns), asked)).status < 405, line);
      expectProblem(await send(line.replace("NS", ns), asked), 429, "rate-limited");
    }
  });

  it("are told only where there are any", async () => {
    const ns = await shared.api.namespace();
    const { headers } = await send(`GET /v1/kv/${ns}`);
    assert.equal(headers.ratelimit, undefined);
    assert.equal(headers["ratelimit-policy"], undefined);
  });
});
