import assert from "node:assert/strict";
import { createServer } from "node:http";
import { SkyKV } from "../../client/client.ts";
import { entry, type Fake, json, problem, startFake } from "./fake.ts";

describe("client: retries, deadlines and session", () => {
  let fake: Fake;
  afterEach(() => fake?.close());

  const body = () => new Blob(["value"]).stream();

  it("repeats a read after a broken connection and after 503, and waits as long as it is asked to", async () => {
    fake = await startFake((_, response, count) => {
      if (count === 1) return response.destroy();
      if (count === 2) return problem(response, 503, "unavailable", {}, { "retry-after": "1" });
      entry(response, 200, "value");
    });
    const before = performance.now();
    assert.equal(await fake.client().namespace().getText("k"), "value");
    assert.ok(performance.now() - before >= 1000);
    assert.equal(fake.seen.length, 3);
  });

  it("repeats what the edge could not hand on: Cloudflare's 520 to 530", async () => {
    fake = await startFake((_, response, count) => {
      if (count === 1) return response.writeHead(520, { "content-type": "text/html" }).end("<h1>520</h1>");
      if (count === 2) return response.writeHead(530).end("error code: 1016");
      entry(response, 201);
    });
    await fake.client().namespace().put("k", "v");
    assert.equal(fake.seen.length, 3);
  });

  it("repeats a read whose body was cut", async () => {
    fake = await startFake((_, response, count) => {
      if (count > 1) return entry(response, 200, "value");
      response.writeHead(200, { "content-length": "5" });
      response.write("va", () => response.destroy());
    });
    assert.equal(await fake.client().namespace().getText("k"), "value");
  });

  it("repeats a write under the same Idempotency-Key, and gives each write its own", async () => {
    fake = await startFake((_, response, count) => (count % 2 === 1 ? response.destroy() : entry(response, 201)));
    const users = fake.client().namespace();
    await users.put("k", "v");
    await users.delete("k");
    await users.touch("k", { ttl: 1 });
    const keys = fake.seen.map(({ headers }) => headers["idempotency-key"]);
    assert.equal(keys.length, 6);
    assert.equal(new Set(keys).size, 3);
    for (let i = 0; i < keys.length; i += 2) assert.equal(keys[i], keys[i + 1]);
    assert.match(String(keys[0]), /^[0-9a-f]{32}$/);
  });

  it("repeats a write whose body can be opened again, and never one that is a stream", async () => {
    fake = await startFake((_, response, count) => (count === 1 ? response.destroy() : entry(response, 201)));
    await fake.client().namespace().put("k", body);
    assert.deepEqual(
      fake.seen.map((request) => request.body),
      ["value", "value"],
    );
    fake.seen.length = 0;
    await assert.rejects(fake.client().namespace().put("k", body()), { code: "unreachable" });
    assert.equal(fake.seen.length, 1);
  });

  it("does not repeat what would be a second key, nor what cannot succeed, nor an unconfirmed write", async () => {
    fake = await startFake((request, response) => {
      if (request.path === "/v1/keys") return response.destroy();
      if (request.method === "GET") return problem(response, 400, "bad-parameter");
      problem(response, 504, "unconfirmed", { version: "v7" });
    });
    const kv = fake.client();
    await assert.rejects(kv.keys.create({ name: "ci", scopes: ["read:*"] }), { code: "unreachable" });
    await assert.rejects(kv.namespace().get("k"), { code: "bad-parameter" });
    await assert.rejects(kv.namespace().put("k", "v", { durability: "all" }), { code: "unconfirmed", version: "v7" });
    assert.equal(fake.seen.length, 3);
  });

  it("gives up after the retries that it was given", async () => {
    fake = await startFake((_, response) => problem(response, 429, "rate-limited"));
    await assert.rejects(fake.client({ retries: 2 }).namespace().get("k"), { code: "rate-limited" });
    assert.equal(fake.seen.length, 3);
  });

  it("gives up at once when it is asked to wait beyond the deadline", async () => {
    fake = await startFake((_, response) => problem(response, 429, "rate-limited", {}, { "retry-after": "60" }));
    await assert.rejects(fake.client().namespace().get("k"), { code: "rate-limited", retryAfter: 60 });
    assert.equal(fake.seen.length, 1);
  });

  it("ends a call at its deadline, and with the caller's reason when the caller ends it", async () => {
    fake = await startFake(() => {});
    const users = fake.client().namespace();
    await assert.rejects(users.get("k", { timeout: 0.05 }), { code: "timeout", status: 0 });
    const reason = new Error("the user left");
    const controller = new AbortController();
    const call = users.get("k", { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(call, reason);
    await assert.rejects(users.get("k", { signal: AbortSignal.abort(reason) }), reason);
  });

  it("says where it got no answer from", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const kv = new SkyKV({ url: `http://127.0.0.1:${port}`, retries: 0 });
    await assert.rejects(kv.namespace().get("k"), new RegExp(`127.0.0.1:${port}.*ECONNREFUSED`));
  });

  it("does not follow redirects, which would lose the write, and names their target", async () => {
    fake = await startFake((_, response) => response.writeHead(301, { location: "http://elsewhere.invalid/" }).end());
    await assert.rejects(fake.client().namespace().put("k", "v"), /moved to http:\/\/elsewhere.invalid/);
    assert.equal(fake.seen.length, 1);
  });

  it("asks for the credential anew each time when it is a function", async () => {
    fake = await startFake((_, response) => entry(response, 200));
    let turn = 0;
    const users = fake.client({ key: async () => `jwt-${++turn}` }).namespace();
    await users.get("a");
    await users.get("a");
    assert.deepEqual(
      fake.seen.map(({ headers }) => headers.authorization),
      ["Bearer jwt-1", "Bearer jwt-2"],
    );
  });

  it("carries the session on: an answer's token takes the place of the one that was sent", async () => {
    const tokens = ["local.1.a", "local.1.c~aws.1.3", "local.2.1"];
    fake = await startFake((_, response, count) =>
      entry(response, 200, "", { "kv-session": tokens[count - 1] ?? tokens.at(-1)! }),
    );
    const kv = fake.client();
    const users = kv.namespace();
    assert.equal(kv.session, null);
    for (let i = 0; i < 4; i++) await users.get("k");
    const sent = () => fake.seen.map(({ headers }) => headers["kv-session"]);
    assert.deepEqual(sent(), [undefined, ...tokens]);
    const other = fake.client();
    other.session = kv.session;
    await other.namespace().get("k");
    assert.equal(sent().at(-1), kv.session);
  });

  /** The token after a client that had `first` got `answers` to requests that it sent at the same time. */
  async function sessionAfter(first: string | null, answers: readonly string[], more: Record<string, string> = {}) {
    fake = await startFake((_, response, count) =>
      entry(response, 200, "", { "kv-session": answers[count - 1]!, ...more }),
    );
    const kv = fake.client();
    kv.session = first;
    await Promise.all(answers.map(() => kv.namespace().get("k")));
    await fake.close();
    return kv.session;
  }

  it("merges the tokens of answers that overtake each other: the newest mark of each cloud", async () => {
    const base36 = ["local.1.a~!7f", "local.1.b~aws.1.3~!a0"];
    for (const answers of [base36, base36.toReversed()]) {
      const pieces = (await sessionAfter("local.1.9", answers))!.split("~").sort();
      assert.deepEqual(pieces, ["!a0", "aws.1.3", "local.1.b"]);
    }
    assert.equal(await sessionAfter("aws.1.1", ["aws.2.1", "aws.1.zz"]), "aws.2.1", "a restored cloud counts anew");
  });

  it("lets a merged token say that a cloud has it all only when that has what both tell", async () => {
    const sorted = async (answers: string[]) => (await sessionAfter("aws.1.1", answers))!.split("~").sort().join("~");
    assert.equal(await sorted(["aws.1.2~@aws.1.5", "aws.1.4~@aws.1.4"]), "@aws.1.5~aws.1.4");
    assert.equal(await sorted(["aws.1.2~@aws.1.5", "aws.1.1~gcp.1.4~@gcp.1.4"]), "aws.1.2~gcp.1.4");
  });

  it("does not fall back to the token of an answer that a cache had kept", async () => {
    const caching = { "cache-control": "public, max-age=60" };
    assert.equal(await sessionAfter("aws.1.9", ["aws.1.3"], caching), "aws.1.9");
  });

  it("takes tokens of a form that it does not know as they are", async () => {
    fake = await startFake((_, response, count) => entry(response, 200, "", { "kv-session": `opaque ${count}` }));
    const kv = fake.client();
    await kv.namespace().get("k");
    await kv.namespace().get("k");
    assert.equal(kv.session, "opaque 2");
  });

  it("reads answers that are no JSON as what they are", async () => {
    fake = await startFake((_, response) => response.writeHead(200).end("<html>"));
    await assert.rejects(fake.client().cluster(), { code: "unexpected-answer" });
    await fake.close();
    fake = await startFake((_, response) =>
      json(response, { cloud: "local", clouds: [{ name: "local", lag_ms: 0 }], cache: { l1_entries: 1 } }),
    );
    const cluster = await fake.client().cluster();
    assert.equal(cluster.clouds[0]?.lagMs, 0);
    assert.equal(cluster.cache.l1Entries, 1);
  });
});
