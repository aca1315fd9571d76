import assert from "node:assert/strict";
import { type Answer, type Asked, expectProblem, sharedService } from "./support.ts";

describe("Idempotency-Key", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  let keys = 0;
  let at: string;
  before(async () => {
    ns = await shared.api.namespace();
  });
  beforeEach(() => {
    at = `/v1/kv/${ns}/k${++keys}`;
  });

  const once = (line: string, asked: Asked = {}, name = "once") =>
    send(line, { ...asked, headers: { ...asked.headers, "Idempotency-Key": name } });

  function assertReplayed(again: Answer, first: Answer): void {
    assert.equal(again.status, first.status);
    assert.equal(again.headers["idempotency-replayed"], "true");
    assert.equal(first.headers["idempotency-replayed"], undefined);
    for (const name of ["etag", "kv-version", "kv-updated-at", "kv-expires-at", "kv-kind", "content-type"]) {
      assert.equal(again.headers[name], first.headers[name], name);
    }
    const { instance: _, ...body } = first.text === "" ? {} : first.json;
    const { instance: __, ...repeated } = again.text === "" ? {} : again.json;
    assert.deepEqual(repeated, body);
  }

  for (const [what, line, asked] of [
    ["PUT that creates", "PUT AT", { body: "x" }],
    ["PUT with an expiry", "PUT AT?ttl=60.5", { body: "x", headers: { "Content-Type": "text/plain" } }],
    ["PUT of an empty value", "PUT AT", {}],
    ["PUT of a large value", "PUT AT", { body: Buffer.alloc(2 ** 20 + 1) }],
    ["PUT that fails its condition", "PUT AT", { body: "x", headers: { "If-Match": "*" } }],
    ["DELETE", "DELETE AT", {}],
    ["touch of nothing", "POST AT:touch?ttl=5", {}],
    ["increment", "POST AT:increment", { json: { by: 7 } }],
  ] as const) {
    it(`gives a repeated ${what} its first answer, and does nothing again`, async () => {
      const first = await once(line.replace("AT", at), asked);
      const between = await send(`GET ${at}`);
      shared.clock.advance(10_000);
      assertReplayed(await once(line.replace("AT", at), asked), first);
      const after = await send(`GET ${at}`);
      assert.deepEqual(
        [after.status, after.etag, after.text],
        [between.status, between.etag, between.status === 404 ? after.text : between.text],
      );
    });
  }

  it("binds the session that hears a retry's answer to what the first one wrote", async () => {
    const asked = { headers: { "Idempotency-Key": "bound" } };
    const first = String((await send(`PUT ${at}`, { ...asked, body: "1" })).headers["kv-session"]);
    const again = String((await send(`PUT ${at}`, { ...asked, body: "1" })).headers["kv-session"]);
    const transaction = (token: string) => Number.parseInt(token.split(".")[2]!, 36);
    assert.ok(transaction(again) >= transaction(first), `${again} after ${first}`);
  });

  it("gives a repeated PUT that replaced and a repeated touch their first answers", async () => {
    await send(`PUT ${at}`, { body: "0" });
    const put = await once(`PUT ${at}`, { body: "1" });
    assert.equal(put.status, 200);
    const touch = await once(`POST ${at}:touch?ttl=60`);
    assert.equal(touch.status, 200);
    assertReplayed(await once(`PUT ${at}`, { body: "1" }), put);
    assertReplayed(await once(`POST ${at}:touch?ttl=60`), touch);
  });

  it("gives the first answer also after others wrote: the retry does not undo them", async () => {
    const first = await once(`PUT ${at}`, { body: "mine" });
    await send(`PUT ${at}`, { body: "theirs" });
    assertReplayed(await once(`PUT ${at}`, { body: "mine" }), first);
    assert.equal((await send(`GET ${at}`)).text, "theirs");
  });

  it("keeps a refusal too: after 412 the same request is 412, though it would succeed now", async () => {
    const refused = await once(`PUT ${at}`, { body: "x", headers: { "If-Match": "*" } });
    expectProblem(refused, 412, "condition-failed");
    await send(`PUT ${at}`, { body: "there" });
    assertReplayed(await once(`PUT ${at}`, { body: "x", headers: { "If-Match": "*" } }), refused);
    assert.equal(refused.json.current, null);
  });

  it("of another request is 422", async () => {
    await once(`PUT ${at}`, { body: "x" });
    for (const [line, asked] of [
      [`PUT ${at}`, { body: "y" }],
      [`PUT ${at}?ttl=5`, { body: "x" }],
      [`PUT ${at}`, { body: "x", headers: { "Content-Type": "text/plain" } }],
      [`PUT ${at}`, { body: "x", headers: { "KV-Meta": "{}" } }],
      [`PUT ${at}`, { body: "x", headers: { "If-Match": "*" } }],
    ] as const) {
      expectProblem(await once(line, asked), 422, "idempotency-mismatch");
    }
    assert.equal((await send(`GET ${at}`)).text, "x");
  });

  it("belongs to key, namespace, method and API key: elsewhere the same text is another key", async () => {
    await once(`PUT ${at}`, { body: "1" });
    const other = await shared.api.namespace();
    const friend = await shared.api.apiKey("read:*", "write:*");
    for (const answer of [
      await once(`PUT ${at}-other`, { body: "2" }),
      await once(`PUT ${at.replace(ns, other)}`, { body: "2" }),
      await once(`PUT ${at}`, { body: "2", key: friend }),
      await once(`POST ${at}:touch?ttl=5`),
      await once(`DELETE ${at}`),
      await once(`PUT ${at}`, { body: "3" }, "another"),
    ]) {
      assert.ok(answer.status < 300, answer.text);
      assert.equal(answer.headers["idempotency-replayed"], undefined);
    }
  });

  it("of many at once is done once; all get the same answer", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => once(`POST ${at}:increment`)));
    assert.deepEqual(
      answers.map(({ status, json }) => [status, json.value]),
      Array(20).fill([200, 1]),
    );
    assert.equal(new Set(answers.map(({ etag }) => etag)).size, 1);
    assert.equal(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined).length, 1);
    assert.equal((await send(`GET ${at}`)).text, "1");
  });

  it("goes for batches as a whole: all writes happen together, and their answers are kept", async () => {
    await send(`PUT ${at}-value`, { body: "found" });
    const operations = [
      { op: "put", key: "b1", value: "x" },
      { op: "increment", key: "b2", by: 4 },
      { op: "put", key: "b3", value: "x", if_match: "*" },
      { op: "get", key: at.slice(at.lastIndexOf("/") + 1).concat("-value") },
      { op: "delete", key: "b4" },
      { op: "put", key: "b5", value: "?", encoding: "base64" },
    ];
    const ask = (list: unknown[]) => once(`POST /v1/kv/${ns}:batch`, { json: { operations: list } }, "batch");
    const first = await ask(operations);
    assert.deepEqual(
      first.json.results.map(({ status }: { status: number }) => status),
      [201, 200, 412, 200, 204, 400],
    );
    await send(`PUT /v1/kv/${ns}/b1`, { body: "later" });
    const again = await ask(operations);
    assert.equal(again.headers["idempotency-replayed"], "true");
    assert.deepEqual(again.json, first.json);
    assert.equal((await send(`GET /v1/kv/${ns}/b1`)).text, "later");
    expectProblem(await ask(operations.slice(1)), 422, "idempotency-mismatch");
    expectProblem(
      await once(`POST /v1/kv/${ns}:batch`, { json: { operations: [operations[0], operations[0]] } }, "twice"),
      400,
      "duplicate-key",
    );
  });

  it("goes for transactions, those that did not hold as well", async () => {
    const ask = (name: string, operations: unknown[]) =>
      once(`POST /v1/kv/${ns}:transact`, { json: { operations } }, name);
    const done = [
      { op: "increment", key: "t1" },
      { op: "put", key: "t2", value: "x" },
    ];
    const first = await ask("done", done);
    const again = await ask("done", done);
    assert.equal(again.headers["idempotency-replayed"], "true");
    assert.deepEqual(again.json, first.json);
    assert.equal((await send(`GET /v1/kv/${ns}/t1`)).text, "1");

    const refused = [
      { op: "increment", key: "t3" },
      { op: "check", key: "t4", if_match: "*" },
    ];
    const no = await ask("refused", refused);
    expectProblem(no, 412, "condition-failed");
    await send(`PUT /v1/kv/${ns}/t4`);
    assertReplayed(await ask("refused", refused), no);
    expectProblem(await send(`GET /v1/kv/${ns}/t3`), 404, "not-found");
  });

  describe("for namespaces", () => {
    it("gives a repeated PUT its first answer, and undoes nothing that came after", async () => {
      const path = "/v1/namespaces/idempotent";
      const first = await once(`PUT ${path}`, { json: { default_ttl: 5 } });
      assert.equal(first.status, 201);
      await send(`PUT ${path}`, { json: { default_ttl: 7 } });
      await send("PUT /v1/kv/idempotent/a", { body: "x" });
      assertReplayed(await once(`PUT ${path}`, { json: { default_ttl: 5 } }), first);
      assert.equal((await send(`GET ${path}`)).json.default_ttl, 7);
      expectProblem(await once(`PUT ${path}`, { json: { default_ttl: 6 } }), 422, "idempotency-mismatch");
      const replaced = await once(`PUT ${path}`, { json: {} }, "twice");
      assert.deepEqual([replaced.status, replaced.json.entries, replaced.json.bytes], [200, 1, 1]);
      await send("PUT /v1/kv/idempotent/b", { body: "x" });
      assertReplayed(await once(`PUT ${path}`, { json: {} }, "twice"), replaced);
    });

    it("gives a repeated DELETE its first answer, and deletes nothing that was made since", async () => {
      const own = await shared.api.namespace();
      const path = `/v1/namespaces/${own}`;
      await send(`PUT /v1/kv/${own}/a`);
      const refused = await once(`DELETE ${path}`);
      expectProblem(refused, 409, "namespace-not-empty");
      const first = await once(`DELETE ${path}?force=1`, {}, "forced");
      assert.equal(first.status, 204);
      await send(`PUT ${path}`);
      assertReplayed(await once(`DELETE ${path}?force=1`, {}, "forced"), first);
      assertReplayed(await once(`DELETE ${path}`), refused);
      expectProblem(await once(`DELETE ${path}`, {}, "forced"), 422, "idempotency-mismatch");
      assert.equal((await send(`GET ${path}`)).status, 200);
    });

    it("of many at once is done once", async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => once("PUT /v1/namespaces/at-once")));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
      assert.equal(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined).length, 1);
    });

    it("gets a 404 again as well", async () => {
      const path = "/v1/namespaces/comes-later";
      expectProblem(await once(`DELETE ${path}`), 404, "namespace-not-found");
      await send(`PUT ${path}`);
      expectProblem(await once(`DELETE ${path}`), 404, "namespace-not-found");
      assert.equal((await send(`GET ${path}`)).status, 200);
    });
  });

  it("is refused for API keys: the first answer holds a secret", async () => {
    const json = { name: "k", scopes: [`read:${ns}`] };
    expectProblem(await once("POST /v1/keys", { json }), 400, "bad-parameter");
    const { id } = (await send("POST /v1/keys", { json })).json;
    expectProblem(await once(`DELETE /v1/keys/${id}`), 400, "bad-parameter");
    assert.equal((await send(`GET /v1/keys/${id}`)).json.revoked_at, null);
  });

  it("is not spent by requests that were refused before anything was looked at", async () => {
    expectProblem(await once(`PUT ${at}?ttl=x`, { body: "x" }), 400, "bad-parameter");
    expectProblem(await once(`PUT ${at}`, { body: "x", headers: { "If-Match": "x" } }), 400, "bad-condition");
    assert.equal((await once(`PUT ${at}`, { body: "x" })).status, 201);
  });

  it("has 1 to 255 visible ASCII characters, and comes once", async () => {
    for (const name of ["", " ", "a b", "é", "x".repeat(256), ["one", "two"]]) {
      const answer = await send(`PUT ${at}`, { body: "x", headers: { "Idempotency-Key": name } });
      expectProblem(answer, 400, "bad-parameter");
    }
    assert.equal((await once(`PUT ${at}`, { body: "x" }, "x".repeat(255))).status, 201);
  });
});
