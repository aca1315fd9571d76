import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json, SkyKV, SkyKVError } from "../../client/client.ts";
import { json as answerJson, entry, type Fake, problem, startFake, wireEntry } from "./fake.ts";

describe("client: entries", () => {
  let fake: Fake;
  afterEach(() => fake?.close());

  it("sends credentials and gives the value with what the headers say of it", async () => {
    fake = await startFake((_, response) => {
      entry(response, 200, '{"n":12345678901234567890}', {
        "content-type": "application/json",
        "kv-meta": '{"who":"ada"}',
        "kv-expires-at": "2026-11-21T10:30:00.000Z",
        "content-length": "26",
      });
    });
    const found = await fake.client().namespace("users").get("42");
    assert.equal(fake.seen[0]?.headers.authorization, "Bearer skykv_test");
    assert.equal(fake.seen[0]?.target, "/v1/kv/users/42");
    assert.ok(found);
    // Never parsed unasked: the digits are all there.
    assert.equal(found.text(), '{"n":12345678901234567890}');
    assert.equal(found.etag, "019aa3b1c5e20000-local");
    assert.equal(found.contentType, "application/json");
    assert.deepEqual(found.meta, { who: "ada" });
    assert.equal(found.size, 26);
    assert.equal(found.expiresAt?.toISOString(), "2026-11-21T10:30:00.000Z");
  });

  it("gives null for an entry that is not there, and throws for a namespace that is not", async () => {
    fake = await startFake((request, response) => {
      problem(response, 404, request.path.startsWith("/v1/kv/nowhere/") ? "namespace-not-found" : "not-found");
    });
    const kv = fake.client();
    assert.equal(await kv.namespace().get("a"), null);
    assert.equal(await kv.namespace().getText("a"), null);
    assert.equal(await kv.namespace().getJson("a"), null);
    assert.equal(await kv.namespace().getStream("a"), null);
    assert.equal(await kv.namespace().head("a"), null);
    assert.equal(await kv.namespace().touch("a", { ttl: 1 }), null);
    await assert.rejects(kv.namespace("nowhere").get("a"), { code: "namespace-not-found", status: 404 });
  });

  it("does not take the 404 of some other server for an entry that is not there", async () => {
    fake = await startFake((_, response) => response.writeHead(404).end("no such page"));
    await assert.rejects(fake.client().namespace().get("a"), { code: "unexpected-answer", status: 404 });
    await assert.rejects(fake.client().namespace().head("a"), { code: "unexpected-answer", status: 404 });
  });

  it("says that an entry is unchanged, also when a proxy has weakened its tag", async () => {
    fake = await startFake((request, response) => {
      if (request.headers["if-none-match"] === '"v1"') return response.writeHead(304, { etag: 'W/"v1"' }).end();
      entry(response, 200, "text", { etag: 'W/"v1"' });
    });
    const users = fake.client().namespace();
    const found = await users.get("a");
    assert.equal(found?.etag, "v1");
    assert.equal(await users.get("a", { ifNoneMatch: "v1" }), "unchanged");
  });

  it("sends every kind of value as it is, with a content type that fits", async () => {
    fake = await startFake((_, response) => entry(response, 201));
    const users = fake.client().namespace();
    const stream = () => new Blob(["str", "eam"]).stream();
    await users.put("k", "tëxt");
    await users.put("k", new TextEncoder().encode("bytes"));
    await users.put("k", new Blob(["blob"], { type: "image/x-test" }));
    await users.put("k", stream());
    await users.put("k", stream);
    await users.put("k", json({ a: [1] }));
    await users.putJson("k", null);
    await users.put("k", "typed", { contentType: "text/html" });
    await users.put("k", "");
    assert.deepEqual(
      fake.seen.map((request) => [request.body, request.headers["content-type"]]),
      [
        ["tëxt", "text/plain; charset=utf-8"],
        ["bytes", "application/octet-stream"],
        ["blob", "image/x-test"],
        ["stream", "application/octet-stream"],
        ["stream", "application/octet-stream"],
        ['{"a":[1]}', "application/json"],
        ["null", "application/json"],
        ["typed", "text/html"],
        ["", "text/plain; charset=utf-8"],
      ],
    );
  });

  it("refuses what has no bytes: lone surrogates, undefined as JSON, an empty key", async () => {
    fake = await startFake((_, response) => entry(response, 201));
    const users = fake.client().namespace();
    await assert.rejects(users.put("k", "\ud800"), /lone surrogate/);
    await assert.rejects(async () => users.putJson("k", undefined), /JSON/);
    await assert.rejects(users.get(""), /key/);
    assert.throws(() => fake.client().namespace(".."), /namespace/);
    assert.equal(fake.seen.length, 0);
  });

  it("carries conditions, expiry, meta and durability where the service expects them", async () => {
    fake = await startFake((_, response) => entry(response, 200, "", { "kv-expires-at": "2026-11-21T10:30:00.000Z" }));
    const users = fake.client({ durability: "peer" }).namespace();
    const written = await users.put("k", "v", { ifMatch: ["a", "b"], ttl: 0.0625, meta: { né: "\u{1f600}\u007f" } });
    assert.equal(written.created, false);
    assert.equal(written.expiresAt?.toISOString(), "2026-11-21T10:30:00.000Z");
    await users.put("k", "v", { createOnly: true, keepTtl: true, durability: "all" });
    await users.put("k", "v", { ttl: 3600 });
    await users.touch("k", { ttl: "none", ifMatch: "*" });
    await users.delete("k", { ifMatch: "a" });
    const [first, second, third, touch, remove] = fake.seen;
    assert.equal(first?.headers["if-match"], '"a", "b"');
    assert.equal(first?.query.get("ttl"), "0.063");
    assert.equal(first?.headers["kv-meta"], '{"n\\u00e9":"\\ud83d\\ude00\\u007f"}');
    assert.equal(first?.headers["kv-durability"], "peer");
    assert.equal(second?.headers["if-none-match"], "*");
    assert.equal(second?.query.get("keep_ttl"), "1");
    assert.equal(second?.headers["kv-durability"], "all");
    assert.equal(third?.query.get("ttl"), "3600");
    assert.equal(touch?.target, "/v1/kv/default/k:touch?ttl=none");
    assert.equal(touch?.headers["if-match"], "*");
    assert.equal(remove?.method, "DELETE");
    assert.equal(remove?.headers["if-match"], '"a"');
    await assert.rejects(users.put("k", "v", { createOnly: true, ifNoneMatch: "a" }), /createOnly or ifNoneMatch/);
  });

  it("writes keys into URLs so that no normalisation changes them", async () => {
    fake = await startFake((_, response) => entry(response, 200));
    const users = fake.client().namespace();
    const keys = [
      "users/42",
      "a b?c#d",
      "ü😀",
      "50%",
      "x:increment",
      "a/../b",
      "./a",
      "a//b",
      "/a",
      "a/",
      "%2e%2e",
      "..a",
      "a+b&c=d",
    ];
    for (const key of keys) await users.get(key);
    const sent = fake.seen.map(({ target }) => target.slice("/v1/kv/default/".length));
    assert.deepEqual(sent.map(decodeURIComponent), keys);
    assert.equal(sent[0], "users/42");
    assert.equal(sent[5], "a%2F..%2Fb");
    await users.increment("..", 2).catch(() => {});
    assert.equal(fake.seen.at(-1)?.target, "/v1/kv/default/..:increment");
  });

  it("sends the two keys that no URL can name by batch", async () => {
    const version = "019aa3b1c5e20000-local";
    fake = await startFake((request, response) => {
      assert.equal(request.target, "/v1/kv/default:batch");
      const [operation] = JSON.parse(request.body).operations;
      const results = {
        get:
          operation.key === "."
            ? { status: 200, entry: wireEntry(".", "dot") }
            : { status: 404, problem: { code: "not-found" } },
        put: { status: 201, version, etag: version, expires_at: null },
        delete: { status: 412, problem: { code: "condition-failed", current: version } },
      };
      answerJson(response, { results: [{ op: operation.op, key: operation.key, ...results[operation.op as "get"] }] });
    });
    const users = fake.client().namespace();
    assert.equal(await users.getText("."), "dot");
    assert.equal((await users.head("."))?.size, 3);
    assert.equal(await new Response((await users.getStream("."))?.value).text(), "dot");
    assert.equal(await users.getText(".."), null);
    assert.equal((await users.put("..", new Blob(["bytes"]).stream(), { ttl: 5 })).created, true);
    const [operation] = JSON.parse(fake.seen.at(-1)!.body).operations;
    assert.deepEqual(operation, {
      op: "put",
      key: "..",
      value: "bytes",
      encoding: "utf8",
      content_type: "application/octet-stream",
      ttl: 5,
    });
    await assert.rejects(users.delete("..", { ifMatch: "x" }), { code: "condition-failed", status: 412 });
  });

  it("streams values both ways while they are still being made", async () => {
    // Sends back what comes as it comes; the second part is made only when the first one is back.
    const server = createServer((request, response) => request.pipe(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { promise: returned, resolve: release } = Promise.withResolvers<void>();
    const parts = ["first", "second"];
    const source = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift();
        if (part === undefined) return controller.close();
        if (part === "second") await returned;
        controller.enqueue(new TextEncoder().encode(part));
      },
    });
    let echo = "";
    const duplex: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      for await (const chunk of response.clone().body!) {
        echo += new TextDecoder().decode(chunk);
        release();
      }
      return response;
    };
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await new SkyKV({ url, fetch: duplex }).namespace().put("k", source);
      assert.equal(echo, "firstsecond");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("tells errors apart by code, with the facts that the service gave", async () => {
    fake = await startFake((request, response) => {
      if (request.path.endsWith("cas")) return problem(response, 412, "condition-failed", { current: "v9" });
      if (request.path.endsWith("large")) return problem(response, 413, "too-large", { limit: 10, actual: 11 });
      if (request.path.endsWith("proxy"))
        return response.writeHead(403, { "content-type": "text/html" }).end("<h1>Blocked</h1>");
      problem(response, 401, "unauthorized");
    });
    const users = fake.client().namespace();
    const failure = async (promise: Promise<unknown>) =>
      promise.then(
        () => assert.fail("expected an error"),
        (error: SkyKVError) => error,
      );
    const cas = await failure(users.put("cas", "v", { ifMatch: "v1" }));
    assert.ok(cas instanceof SkyKVError);
    assert.deepEqual(
      [cas.code, cas.status, cas.current, cas.requestId, cas.detail],
      ["condition-failed", 412, "v9", "r-1", "what to do"],
    );
    const large = await failure(users.put("large", "v"));
    assert.deepEqual([large.code, large.limit, large.actual], ["too-large", 10, 11]);
    assert.equal((await failure(users.get("a"))).code, "unauthorized");
    const proxy = await failure(users.get("proxy"));
    assert.deepEqual([proxy.code, proxy.status], ["unexpected-answer", 403]);
    assert.match(proxy.message, /Blocked/);
  });
});
