import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { json, type OperationResult, ValueEntry } from "../../client/client.ts";
import { all, json as answerJson, entry, type Fake, problem, startFake, wireEntry } from "./fake.ts";

const lines = (response: ServerResponse, ...values: unknown[]) => {
  for (const value of values) response.write(`${JSON.stringify(value)}\n`);
  return response;
};

describe("client: lists, batches, imports and exports", () => {
  let fake: Fake;
  afterEach(() => fake?.close());

  it("lists page after page, by entries or by pages", async () => {
    fake = await startFake((request, response) => {
      const second = request.query.get("cursor") === "c1";
      answerJson(response, {
        entries: [wireEntry(second ? "b" : "a")],
        prefixes: ["p/"],
        cursor: second ? null : "c1",
      });
    });
    const users = fake.client().namespace();
    const keys: string[] = [];
    for await (const { key } of users.list({ prefix: "x&y", delimiter: "/", limit: 1 })) keys.push(key);
    assert.deepEqual(keys, ["a", "b"]);
    assert.equal(fake.seen[0]?.query.get("prefix"), "x&y");
    assert.equal(fake.seen[0]?.query.get("limit"), "1");
    const pages = await all(users.list().pages());
    assert.deepEqual(
      pages.map((page) => page.prefixes),
      [["p/"], ["p/"]],
    );
    assert.deepEqual(
      (await all(users.list({ cursor: "c1" }))).map(({ key }) => key),
      ["b"],
    );
  });

  it("fetches by themselves the values that a page had no room for", async () => {
    fake = await startFake((request, response) => {
      if (request.path.endsWith("/gone")) return problem(response, 404, "not-found");
      if (request.path.endsWith("/large")) return entry(response, 200, "large value");
      const entries = [
        wireEntry("small", "small value"),
        { ...wireEntry("large"), omitted: true },
        { ...wireEntry("gone"), omitted: true },
      ];
      answerJson(response, { entries, prefixes: [], cursor: null });
    });
    const values = (await all(fake.client().namespace().list({ values: true }))).map((found) => found.text());
    assert.deepEqual(values, ["small value", "large value"]);
  });

  it("does a batch of any length in requests that the service takes, each with a name of its own", async () => {
    fake = await startFake((request, response) => {
      const { operations } = JSON.parse(request.body);
      const results = operations.map(({ op, key }: OperationResult) => ({
        op,
        key,
        status: 200,
        version: "v",
        etag: "v",
      }));
      answerJson(response, { results });
    });
    const users = fake.client().namespace();
    const results = await users.batch(Array.from({ length: 2500 }, (_, i) => ({ op: "put", key: `${i}`, value: "v" })));
    assert.deepEqual(
      results.map(({ key }) => Number(key)),
      Array.from({ length: 2500 }, (_, i) => i),
    );
    assert.equal(new Set(fake.seen.map(({ headers }) => headers["idempotency-key"])).size, 3);
    fake.seen.length = 0;
    const large = "x".repeat(5 * 2 ** 20);
    await users.batch(
      [
        { op: "put", key: "a", value: large },
        { op: "put", key: "b", value: large },
      ],
      { idempotencyKey: "mine" },
    );
    assert.deepEqual(
      fake.seen.map(({ headers }) => headers["idempotency-key"]),
      ["mine", "mine.2"],
    );
    fake.seen.length = 0;
    await users.batch([{ op: "get", key: "a" }]);
    assert.equal(fake.seen[0]?.headers["idempotency-key"], undefined);
  });

  it("does not repeat a batch that writes a key twice, which the service could not recognise", async () => {
    fake = await startFake((_, response) => response.destroy());
    const twice = [
      { op: "increment", key: "n" },
      { op: "increment", key: "n" },
    ] as const;
    await assert.rejects(fake.client().namespace().batch(twice), { code: "unreachable" });
    assert.equal(fake.seen.length, 1);
    assert.equal(fake.seen[0]?.headers["idempotency-key"], undefined);
    await assert.rejects(
      fake
        .client({ retries: 1 })
        .namespace()
        .batch([{ op: "get", key: "n" }]),
    );
    assert.equal(fake.seen.length, 3);
  });

  it("gives each operation of a batch its result, and throws none", async () => {
    fake = await startFake((request, response) => {
      assert.deepEqual(JSON.parse(request.body).operations[1], {
        op: "put",
        key: "b",
        value: "/w==",
        encoding: "base64",
        meta: { a: 1 },
        ttl: 5,
        keep_ttl: true,
        if_match: "v1",
        if_none_match: "*",
      });
      assert.deepEqual(JSON.parse(request.body).operations[2], {
        op: "put",
        key: "j",
        value: '{"n":1}',
        encoding: "utf8",
        content_type: "application/json",
      });
      answerJson(response, {
        results: [
          { op: "get", key: "a", status: 200, entry: { ...wireEntry("a", "/w=="), encoding: "base64" } },
          {
            op: "put",
            key: "b",
            status: 412,
            problem: { code: "condition-failed", current: "v2", detail: "it changed" },
          },
          { op: "put", key: "j", status: 201, version: "v3", etag: "v3", expires_at: "2026-11-21T10:30:00.000Z" },
          { op: "increment", key: "n", status: 200, value: 7 },
        ],
      });
    });
    const put = {
      op: "put",
      key: "b",
      value: new Uint8Array([255]),
      meta: { a: 1 },
      ttl: 5,
      keepTtl: true,
      ifMatch: "v1",
      createOnly: true,
    } as const;
    const [a, b, j, n] = await fake
      .client()
      .namespace()
      .batch([
        { op: "get", key: "a" },
        put,
        { op: "put", key: "j", value: json({ n: 1 }) },
        { op: "increment", key: "n", by: 2 },
      ]);
    assert.deepEqual([...(a?.entry?.value ?? [])], [255]);
    assert.deepEqual(
      [b?.error?.code, b?.error?.current, b?.error?.key, b?.status],
      ["condition-failed", "v2", "b", 412],
    );
    assert.equal(j?.expiresAt?.toISOString(), "2026-11-21T10:30:00.000Z");
    assert.equal(n?.value, 7);
  });

  it("throws when a transaction does not commit, and says at which operation", async () => {
    fake = await startFake((_, response) =>
      problem(response, 412, "condition-failed", { index: 1, key: "b", current: null }),
    );
    const attempt = fake
      .client()
      .namespace()
      .transact([
        { op: "check", key: "a", ifMatch: "v1" },
        { op: "put", key: "b", value: "", createOnly: true },
      ]);
    await assert.rejects(attempt, { code: "condition-failed", index: 1, key: "b", current: null });
    assert.equal(fake.seen[0]?.path, "/v1/kv/default:transact");
  });

  it("counts what a deletion by prefix has deleted, across a break", async () => {
    fake = await startFake((_, response, count) => {
      if (count === 1) return lines(response, { type: "progress", deleted: 1000 }).write("{", () => response.destroy());
      lines(response, { type: "progress", deleted: 50 }, { type: "end", deleted: 60 }).end();
    });
    const progress: number[] = [];
    const deleted = await fake
      .client()
      .namespace()
      .deletePrefix("a/", { onProgress: (count) => progress.push(count) });
    assert.equal(deleted, 1060);
    assert.deepEqual(progress, [1000, 1050, 1060]);
    await assert.rejects(fake.client().namespace().deletePrefix(""), /prefix/);
  });

  it("says that a deletion by prefix is not confirmed, and does not delete again", async () => {
    fake = await startFake((_, response) => {
      const unconfirmed = { status: 504, code: "unconfirmed", detail: "on its way" };
      lines(response, { type: "error", deleted: 7, problem: unconfirmed }).end();
    });
    const deleting = fake.client().namespace().deletePrefix("a/", { durability: "all" });
    await assert.rejects(deleting, { code: "unconfirmed", status: 504 });
    assert.equal(fake.seen.length, 1);
  });

  it("exports all entries, going on behind the last key after a break", async () => {
    const header = {
      type: "header",
      format: "skykv/1",
      namespace: "default",
      prefix: "",
      cursor: "c1",
      exported_at: "",
    };
    const line = (key: string) => ({ type: "entry", ...wireEntry(key, `value of ${key}`) });
    fake = await startFake((request, response, count) => {
      assert.equal(request.query.get("after"), [null, "b", "b"][count - 1]);
      if (count === 1)
        return lines(response, header, line("a"), line("b")).write('{"type":"en', () => response.destroy());
      if (count === 2) return problem(response, 503, "unavailable", {}, { "retry-after": "0" });
      lines(response, { ...header, cursor: "c2" }, line("c"), { type: "end", entries: 1 }).end();
    });
    const entries = await all(fake.client().namespace().export());
    assert.deepEqual(
      entries.map((found) => found.text()),
      ["value of a", "value of b", "value of c"],
    );
    assert.ok(entries[0] instanceof ValueEntry);
  });

  it("does not take an export for complete that is not", async () => {
    fake = await startFake((_, response) => lines(response, { type: "end", entries: 1 }).end());
    await assert.rejects(all(fake.client().namespace().export()), /expected 1 entries, found 0/);
  });

  it("imports any number of records, and sends again only what was not committed", async () => {
    const received: string[] = [];
    fake = await startFake((request, response, count) => {
      const keys = request.body
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).key as string);
      const done = count === 1 ? 3 : keys.length;
      received.push(...keys.slice(0, done));
      lines(response, {
        type: "error",
        line: 2,
        key: keys[1],
        problem: { code: "bad-key", status: 400, detail: "no" },
      });
      if (count > 1)
        return lines(response, { type: "end", line: keys.length, imported: keys.length - 1, failed: 1 }).end();
      lines(
        response,
        { type: "progress", line: 3, imported: 2, failed: 1 },
        { type: "error", line: 5, key: keys[4], problem: { code: "bad-key", status: 400 } },
      );
      setImmediate(() => response.destroy());
    });
    const progress: number[] = [];
    const records = Array.from({ length: 10 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
    const result = await fake
      .client()
      .namespace()
      .import(records, { onProgress: ({ records }) => progress.push(records) });
    assert.deepEqual(
      received,
      records.map(({ key }) => key),
    );
    assert.deepEqual(progress, [3, 10]);
    assert.deepEqual([result.records, result.imported, result.failed], [10, 8, 2]);
    assert.deepEqual(
      result.errors.map(({ line, key, error }) => [line, key, error.code]),
      [
        [2, "k1", "bad-key"],
        [5, "k4", "bad-key"],
      ],
    );
  });

  it("holds a bounded part of an import in memory, and sends records as the service takes them", async () => {
    let made = 0;
    const behind: number[] = [];
    fake = await startFake((request, response) => {
      const count = request.body.split("\n").length - 1;
      behind.push(made);
      lines(response, { type: "end", line: count, imported: count, failed: 0 }).end();
    });
    const value = "x".repeat(2 ** 20);
    function* records() {
      for (; made < 40; made++) yield { key: `k${made}`, value, contentType: "text/plain", expiresAt: new Date(0) };
    }
    const result = await fake.client().namespace().import(records());
    assert.equal(result.imported, 40);
    // Two parts of 4 MiB at most: the one that is sent and the one that is read ahead.
    for (const [index, count] of behind.entries())
      assert.ok(count <= (index + 2) * 4, `${count} made at request ${index}`);
    assert.deepEqual(JSON.parse(fake.seen[0]!.body.split("\n")[0]!), {
      key: "k0",
      value,
      encoding: "utf8",
      content_type: "text/plain",
      expires_at: "1970-01-01T00:00:00.000Z",
    });
  });

  it("goes on with an import that the service had to give up for a while, and ends one that it cannot do", async () => {
    const failure = (status: number, code: string) => ({
      type: "error",
      line: 0,
      problem: { status, code, detail: "" },
    });
    fake = await startFake((_, response, count) => {
      if (count === 1)
        return lines(
          response,
          { type: "progress", line: 1, imported: 1, failed: 0 },
          failure(503, "unavailable"),
        ).end();
      if (count === 2) return lines(response, { type: "end", line: 1, imported: 1, failed: 0 }).end();
      lines(response, failure(400, "bad-body")).end();
    });
    const records = [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ];
    assert.equal((await fake.client().namespace().import(records)).imported, 2);
    assert.equal(JSON.parse(fake.seen[1]!.body).key, "b");
    await assert.rejects(fake.client().namespace().import(records), { code: "bad-body" });
  });

  it("ends an import with the error of its source, or of the service", async () => {
    fake = await startFake((_, response) => problem(response, 403, "forbidden"));
    const failing = async function* () {
      yield { key: "a", value: "b" };
      throw new Error("the source broke");
    };
    await assert.rejects(fake.client().namespace().import(failing()), /source broke|forbidden/);
    await assert.rejects(
      fake
        .client()
        .namespace()
        .import([{ key: "a", value: "b" }]),
      { code: "forbidden" },
    );
  });

  it("names things as the language does, and sends what the service expects", async () => {
    fake = await startFake((request, response) => {
      if (request.method === "DELETE") return response.writeHead(204).end();
      if (request.path === "/v1/namespaces")
        return answerJson(response, {
          namespaces: [{ name: "a", default_ttl: 5, created_at: "2026-11-21T10:30:00.000Z" }],
        });
      if (request.path === "/v1/keys" && request.method === "GET")
        return answerJson(response, { keys: [{ id: "1", expires_at: null, rate_limit: { requests: 1 } }] });
      answerJson(response, { ...JSON.parse(request.body || "{}"), key: "secret" });
    });
    const kv = fake.client();
    const [listed] = await kv.namespaces.list();
    assert.equal(listed?.defaultTtl, 5);
    assert.equal(listed?.createdAt.toISOString(), "2026-11-21T10:30:00.000Z");
    await kv.namespaces.put("users", { defaultTtl: 60, publicRead: true, rateLimit: { requests: 5 } });
    assert.deepEqual(JSON.parse(fake.seen.at(-1)!.body), {
      default_ttl: 60,
      public_read: true,
      rate_limit: { requests: 5 },
    });
    await kv.namespaces.get("users");
    await kv.namespaces.delete("users", { force: true });
    assert.equal(fake.seen.at(-1)?.target, "/v1/namespaces/users?force=1");
    const created = await kv.keys.create({ name: "ci", scopes: ["read:*"], expiresAt: new Date(0) });
    assert.equal(created.key, "secret");
    assert.equal(created.expiresAt?.getTime(), 0);
    assert.deepEqual((await kv.keys.list())[0]?.rateLimit, { requests: 1 });
    await kv.keys.revoke("a/b");
    assert.equal(fake.seen.at(-1)?.target, "/v1/keys/a%2Fb");
  });
});
