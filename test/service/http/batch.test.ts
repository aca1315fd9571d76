import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Asked, expectProblem, sharedService } from "./support.ts";

describe("batches", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  beforeEach(async () => {
    ns = await shared.api.namespace();
  });

  const batch = (operations: unknown[], asked?: Asked) =>
    send(`POST /v1/kv/${ns}:batch`, { ...asked, json: { operations } });
  const statuses = async (operations: unknown[]) =>
    (await batch(operations)).json.results.map(({ status }: { status: number }) => status);

  it("answer 200 with a result for each operation, in order, as it would have been by itself", async () => {
    const { etag } = await send(`PUT /v1/kv/${ns}/old`, {
      body: "x",
      headers: { "Content-Type": "text/plain", "KV-Meta": '{"n":1}' },
    });
    const answer = await batch([
      { op: "get", key: "old" },
      { op: "get", key: "none" },
      { op: "put", key: "new", value: "v", content_type: "text/plain", meta: { m: [1] }, ttl: 60 },
      { op: "put", key: "old", value: "y", if_none_match: "*" },
      { op: "put", key: "old", value: "y", if_match: etag },
      { op: "delete", key: "none" },
      { op: "touch", key: "none", ttl: 5 },
      { op: "increment", key: "count", by: 3 },
      { op: "increment", key: "old" },
      { op: "check", key: "new", if_none_match: "*" },
      { op: "check", key: "new", if_match: "*" },
    ]);
    assert.equal(answer.status, 200);
    const { results } = answer.json;
    assert.deepEqual(
      results.map(({ status, op, key, problem }: never) => [
        status,
        op,
        key,
        (problem as { code: string } | undefined)?.code,
      ]),
      [
        [200, "get", "old", undefined],
        [404, "get", "none", undefined],
        [201, "put", "new", undefined],
        [412, "put", "old", "condition-failed"],
        [200, "put", "old", undefined],
        [204, "delete", "none", undefined],
        [404, "touch", "none", "not-found"],
        [200, "increment", "count", undefined],
        [409, "increment", "old", "not-a-counter"],
        [412, "check", "new", "condition-failed"],
        [204, "check", "new", undefined],
      ],
    );
    const { updated_at, ...found } = results[0].entry;
    assert.deepEqual(found, {
      key: "old",
      kind: "value",
      version: etag,
      etag,
      origin: "local",
      expires_at: null,
      size: 1,
      content_type: "text/plain",
      content_encoding: null,
      meta: { n: 1 },
      value: "x",
      encoding: "utf8",
    });
    assert.match(updated_at, /Z$/);
    assert.equal(results[3].problem.current, etag);
    assert.equal(results[7].value, 3);

    const written = await send(`GET /v1/kv/${ns}/new`);
    assert.equal(written.text, "v");
    assert.equal(written.etag, results[2].etag);
    assert.equal(written.headers["kv-meta"], '{"m":[1]}');
    assert.equal(written.headers["kv-expires-at"], results[2].expires_at);
  });

  it("do operations of one key in their order", async () => {
    const operations = [
      { op: "put", key: "k", value: "1" },
      { op: "get", key: "k" },
      { op: "delete", key: "k" },
      { op: "get", key: "k" },
      { op: "increment", key: "k", by: 5 },
      { op: "increment", key: "k", by: 2 },
      { op: "get", key: "k" },
    ];
    const { results } = (await batch(operations)).json;
    assert.deepEqual(
      results.map(({ status }: { status: number }) => status),
      [201, 200, 204, 404, 200, 200, 200],
    );
    assert.equal(results[6].entry.value, "7");
    assert.equal(results[6].entry.kind, "counter");
  });

  it("carry any bytes: text as it is, other bytes as base64, both ways", async () => {
    const bytes = randomBytes(1000);
    bytes[0] = 0xff;
    await batch([
      { op: "put", key: "bytes", value: bytes.toString("base64"), encoding: "base64" },
      { op: "put", key: "text", value: "\u0000\ufeff🦆\u2028" },
      { op: "put", key: "base64 of text", value: Buffer.from("plain").toString("base64"), encoding: "base64" },
    ]);
    assert.ok((await send(`GET /v1/kv/${ns}/bytes`)).body.equals(bytes));
    const { results } = (await batch(["bytes", "text", "base64 of text"].map((key) => ({ op: "get", key })))).json;
    assert.deepEqual(
      results.map(({ entry }: { entry: { value: string; encoding: string } }) => [entry.value, entry.encoding]),
      [
        [bytes.toString("base64"), "base64"],
        ["\u0000\ufeff🦆\u2028", "utf8"],
        ["plain", "utf8"],
      ],
    );
  });

  it("refuse single operations with their problem, and do the others", async () => {
    const own = await shared.api.namespace({ max_value_bytes: 10, require_condition: true });
    const operations = [
      { op: "put", key: "a", value: "x".repeat(11), if_none_match: "*" },
      { op: "put", key: "b", value: "!", encoding: "base64", if_none_match: "*" },
      { op: "put", key: "c", value: "x" },
      { op: "put", key: "d", value: "x", if_none_match: "*" },
      { op: "put", key: "e", value: "x", if_none_match: "*", ttl: 5, keep_ttl: true },
      { op: "put", key: "f", value: "\ud800", if_none_match: "*" },
      { op: "increment", key: "g" },
    ];
    const { results } = (await send(`POST /v1/kv/${own}:batch`, { json: { operations } })).json;
    assert.deepEqual(
      results.map(({ problem, status }: never) => (problem as { code: string } | undefined)?.code ?? status),
      ["too-large", "bad-body", "condition-required", 201, "bad-body", "bad-body", 200],
    );
    assert.equal(results[0].problem.limit, 10);
    assert.equal(results[0].problem.actual, 11);
  });

  it("take 1 to 1000 operations and at most 10 MiB", async () => {
    const gets = (count: number) => Array.from({ length: count }, (_, i) => ({ op: "get", key: String(i) }));
    assert.equal((await batch(gets(1000))).json.results.length, 1000);
    expectProblem(await batch(gets(1001)), 400, "bad-body");
    expectProblem(await batch([]), 400, "bad-body");
    const { limit, actual } = expectProblem(
      await batch([{ op: "put", key: "a", value: "x".repeat(10 * 2 ** 20) }]),
      413,
      "too-large",
    );
    assert.equal(limit, 10 * 2 ** 20);
    assert.ok(Number(actual) > 10 * 2 ** 20);
  });

  it("leave out values past 8 MiB in all and mark them; large values are among them", async () => {
    const value = "x".repeat(3 * 2 ** 20);
    for (const key of ["a", "b", "c", "d"])
      assert.equal((await send(`PUT /v1/kv/${ns}/${key}`, { body: value })).status, 201);
    await send(`PUT /v1/kv/${ns}/small`, { body: "s" });
    const { results } = (await batch(["a", "b", "c", "d", "small"].map((key) => ({ op: "get", key })))).json;
    assert.deepEqual(
      results.map(({ entry }: { entry: { value?: string; omitted?: true } }) => [entry.value?.length, entry.omitted]),
      [
        [value.length, undefined],
        [value.length, undefined],
        [undefined, true],
        [undefined, true],
        [1, undefined],
      ],
    );
  });

  it("refuse a body that is not what they expect as a whole, and say where", async () => {
    const bad: [unknown, string][] = [
      [{ op: "rename", key: "a" }, "operations.0.op"],
      [{ op: "get" }, "operations.0.key"],
      [{ op: "get", key: "" }, "operations.0.key"],
      [{ op: "get", key: "a".repeat(513) }, "operations.0.key"],
      [{ op: "get", key: "a\0b" }, "operations.0.key"],
      [{ op: "get", key: "a", value: "x" }, "operations.0"],
      [{ op: "put", key: "a" }, "operations.0.value"],
      [{ op: "put", key: "a", value: 5 }, "operations.0.value"],
      [{ op: "put", key: "a", value: "", ttl: 0 }, "operations.0.ttl"],
      [{ op: "put", key: "a", value: "", ttl: 315_360_001 }, "operations.0.ttl"],
      [{ op: "put", key: "a", value: "", meta: [] }, "operations.0.meta"],
      [{ op: "put", key: "a", value: "", meta: { a: "x".repeat(1024) } }, "operations.0.meta"],
      [{ op: "put", key: "a", value: "", content_type: "ü" }, "operations.0.content_type"],
      [{ op: "put", key: "a", value: "", if_match: [] }, "operations.0.if_match"],
      [{ op: "increment", key: "a", by: 1.5 }, "operations.0.by"],
    ];
    for (const [operation, at] of bad) {
      const { errors } = expectProblem(await batch([operation]), 400, "bad-body") as { errors: { at: string }[] };
      assert.equal(errors[0]!.at, at, JSON.stringify(operation));
    }
    for (const body of ["", "{", "[]", "null", '{"operations":{}}', '{"operations":[],"x":1}', Buffer.from([0xff])]) {
      expectProblem(await send(`POST /v1/kv/${ns}:batch`, { body }), 400, "bad-body");
    }
    for (const meta of [
      "[".repeat(5_000_000),
      `{"operations":[{"op":"put","key":"a","value":"","meta":${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}}]}`,
    ]) {
      expectProblem(await send(`POST /v1/kv/${ns}:batch`, { body: meta }), 400, "bad-body");
    }
    const unknown = Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join(",");
    const wide = await send(`POST /v1/kv/${ns}:batch`, { body: `{"operations":[{"op":"get","key":"a",${unknown}}]}` });
    expectProblem(wide, 400, "bad-body");
    assert.ok(wide.body.length < 5000, "the answer is no longer than it needs to be");
    expectProblem(await send(`POST /v1/kv/${ns}:batch?dry_run=1`, { json: { operations: [] } }), 400, "bad-parameter");
  });

  it("refuse a condition for the whole, which would hold for nothing", async () => {
    for (const name of ["If-Match", "If-None-Match"]) {
      const answer = await batch([{ op: "put", key: "a", value: "1" }], { headers: { [name]: "*" } });
      expectProblem(answer, 400, "bad-parameter");
    }
    assert.deepEqual(await statuses([{ op: "get", key: "a" }]), [404]);
  });

  it("need the scopes of their operations", async () => {
    const reader = await shared.api.apiKey(`read:${ns}`);
    const writer = await shared.api.apiKey(`write:${ns}`);
    const read = { op: "get", key: "a" };
    const write = { op: "put", key: "a", value: "" };
    assert.equal((await batch([read], { key: reader })).status, 200);
    assert.equal((await batch([write], { key: writer })).status, 200);
    expectProblem(await batch([read, write], { key: reader }), 403, "forbidden");
    expectProblem(await batch([read, write], { key: writer }), 403, "forbidden");
    expectProblem(await batch([{ op: "check", key: "a" }], { key: writer }), 403, "forbidden");
    expectProblem(await batch([read], { key: null }), 401, "unauthorized");
  });

  it("reach keys that no URL can name", async () => {
    assert.deepEqual(
      await statuses([
        { op: "put", key: "..", value: "up" },
        { op: "get", key: ".." },
      ]),
      [201, 200],
    );
  });
});
