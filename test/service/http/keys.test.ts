import assert from "node:assert/strict";
import { type Asked, expectProblem, sharedService } from "./support.ts";

describe("API keys", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);

  before(async () => {
    for (const name of ["team-a", "team-ab", "team-b"]) await send(`PUT /v1/namespaces/${name}`);
  });

  const make = (json: Record<string, unknown>, key?: string) =>
    send("POST /v1/keys", { json: { name: "k", ...json }, ...(key && { key }) });

  it("are made with 201: the secret is shown once and kept nowhere", async () => {
    const made = await make({ name: "reader", scopes: ["read:team-a"], rate_limit: { requests: 5 } });
    assert.equal(made.status, 201);
    const { key, ...facts } = made.json;
    assert.match(key, /^skykv_[A-Za-z0-9-]{12}_[A-Za-z0-9-]{43}$/);
    assert.equal(key.split("_")[1], facts.id);
    assert.deepEqual(
      { ...facts, created_at: "" },
      {
        id: facts.id,
        name: "reader",
        scopes: ["read:team-a"],
        created_at: "",
        expires_at: null,
        revoked_at: null,
        rate_limit: { requests: 5, seconds: 1 },
      },
    );
    assert.equal(made.headers["cache-control"], "no-store");
    const secret = key.split("_")[2];
    for (const line of [`GET /v1/keys/${facts.id}`, "GET /v1/keys"]) {
      const { text } = await send(line);
      assert.ok(text.includes(facts.id) && !text.includes(secret));
    }
    assert.deepEqual((await send(`GET /v1/keys/${facts.id}`)).json, facts);
  });

  describe("with a scope", () => {
    for (const [scope, allowed] of [
      ["team-a", ["team-a"]],
      ["team-a*", ["team-a", "team-ab"]],
      ["team-*", ["team-a", "team-ab", "team-b"]],
      ["*", ["team-a", "team-ab", "team-b"]],
      ["team", []],
      ["eam-a", []],
    ] as const) {
      it(`read:${scope} may read in ${allowed.join(", ") || "none of team-a, team-ab, team-b"}, and write nowhere`, async () => {
        const key = await shared.api.apiKey(`read:${scope}`);
        for (const ns of ["team-a", "team-ab", "team-b"]) {
          const status = allowed.includes(ns as never) ? 404 : 403;
          for (const line of [`GET /v1/kv/${ns}/none`, `HEAD /v1/kv/${ns}/none`])
            assert.equal((await send(line, { key })).status, status, line);
          assert.equal((await send(`GET /v1/kv/${ns}`, { key })).status, status === 404 ? 200 : 403);
          for (const line of [
            `PUT /v1/kv/${ns}/a`,
            `DELETE /v1/kv/${ns}/a`,
            `POST /v1/kv/${ns}/a:increment`,
            `DELETE /v1/kv/${ns}?prefix=a`,
            `POST /v1/import?namespace=${ns}`,
          ]) {
            const problem = expectProblem(await send(line, { key }), 403, "forbidden");
            assert.equal(problem.scope, `write:${ns}`);
          }
        }
      });
    }

    it("write: may write, and not read", async () => {
      const key = await shared.api.apiKey("write:team-a");
      assert.ok((await send("PUT /v1/kv/team-a/w", { key, body: "x" })).status < 300);
      assert.ok((await send("POST /v1/kv/team-a/w:touch?ttl=60", { key })).status < 300);
      for (const line of [
        "GET /v1/kv/team-a/w",
        "GET /v1/kv/team-a",
        "GET /v1/kv/team-a:watch?wait=0",
        "POST /v1/export?namespace=team-a",
      ]) {
        expectProblem(await send(line, { key }), 403, "forbidden");
      }
    });

    it("of a namespace that is not there: 403 before 404, so that nobody learns which there are", async () => {
      const key = await shared.api.apiKey("read:team-a");
      expectProblem(await send("GET /v1/kv/not-there/a", { key }), 403, "forbidden");
      expectProblem(await send("GET /v1/kv/team-b/a", { key }), 403, "forbidden");
    });
  });

  describe("made by others than the first administrator", () => {
    it("reach no further than their maker is admin", async () => {
      const chief = await shared.api.apiKey("admin:team-a*", "read:team-b");
      for (const scopes of [["read:team-a"], ["write:team-ab", "admin:team-a"], ["read:team-a*"], ["admin:team-ab*"]]) {
        assert.equal((await make({ scopes }, chief)).status, 201, String(scopes));
      }
      for (const scopes of [
        ["read:team-b"],
        ["read:team-*"],
        ["read:*"],
        ["admin:team-b"],
        ["read:team-a", "read:team-b"],
      ]) {
        expectProblem(await make({ scopes }, chief), 403, "forbidden");
      }
      const plain = await shared.api.apiKey("admin:team-a");
      expectProblem(await make({ scopes: ["read:team-a*"] }, plain), 403, "forbidden");
      assert.equal((await make({ scopes: ["write:team-a"] }, plain)).status, 201);
    });

    it("cannot be made by keys that are admin of nothing", async () => {
      const reader = await shared.api.apiKey("read:*", "write:*");
      expectProblem(await make({ scopes: ["read:team-a"] }, reader), 403, "forbidden");
      expectProblem(await send("GET /v1/keys", { key: reader }), 403, "forbidden");
      expectProblem(await send("GET /v1/cluster", { key: reader }), 403, "forbidden");
    });

    it("are seen and revoked by whoever could have made them, and by nobody else", async () => {
      const chief = await shared.api.apiKey("admin:team-a*");
      const mine = (await make({ scopes: ["read:team-ab"] }, chief)).json;
      const others = (await make({ scopes: ["read:team-b"] })).json;
      const { keys } = (await send("GET /v1/keys", { key: chief })).json;
      const ids = keys.map(({ id }: { id: string }) => id);
      assert.ok(ids.includes(mine.id) && !ids.includes(others.id));
      expectProblem(await send(`GET /v1/keys/${others.id}`, { key: chief }), 404, "not-found");
      expectProblem(await send(`DELETE /v1/keys/${others.id}`, { key: chief }), 404, "not-found");
      assert.equal((await send(`DELETE /v1/keys/${mine.id}`, { key: chief })).status, 204);
      assert.ok((await send(`GET /v1/keys/${mine.id}`, { key: chief })).json.revoked_at);
    });
  });

  it("that were revoked are refused within 5 seconds, and for good", async () => {
    const { id, key } = (await make({ scopes: ["read:team-a"] })).json;
    shared.clock.stop();
    const status = async () => (await send("GET /v1/kv/team-a/none", { key })).status;
    assert.equal(await status(), 404);
    shared.clock.advance(4000);
    assert.equal((await send(`DELETE /v1/keys/${id}`)).status, 204);
    shared.clock.advance(5000);
    assert.equal(await status(), 401);
    const again = await send(`DELETE /v1/keys/${id}`);
    assert.equal(again.status, 204);
  });

  it("that expire are refused from that millisecond on, though they were remembered", async () => {
    shared.clock.stop();
    const expires_at = new Date(shared.clock.now() + 2000).toISOString();
    const { key } = (await make({ scopes: ["read:team-a"], expires_at })).json;
    const status = async () => (await send("GET /v1/kv/team-a/none", { key })).status;
    assert.equal(await status(), 404);
    shared.clock.advance(1999);
    assert.equal(await status(), 404);
    shared.clock.advance(1);
    assert.equal(await status(), 401);
  });

  it("that are missing, malformed, unknown or wrong are 401 and say how to come in", async () => {
    const none = await send("GET /v1/kv/default/a", { key: null });
    expectProblem(none, 401, "unauthorized");
    assert.equal(none.headers["www-authenticate"], 'Bearer realm="skykv"');
    const { key } = (await make({ scopes: ["read:*"] })).json;
    const [, id, secret] = key.split("_");
    for (const authorization of [
      "Bearer",
      "Bearer ",
      "Bearer x",
      `Basic ${Buffer.from("a:b").toString("base64")}`,
      key,
      `Bearer ${key}x`,
      `Bearer ${key} ${key}`,
      `Bearer skykv_${id}_${"A".repeat(43)}`,
      `Bearer skykv_${"A".repeat(12)}_${secret}`,
      `Bearer skykv_${id}_`,
      "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
      `Bearer ${"x".repeat(8193)}`,
    ]) {
      const answer = await send("GET /v1/kv/default/a", { key: null, headers: { Authorization: authorization } });
      expectProblem(answer, 401, "unauthorized");
      assert.match(String(answer.headers["www-authenticate"]), /^Bearer realm="skykv", error="invalid_token"$/);
    }
    for (const authorization of [`bearer ${key}`, `BEARER  ${key} `]) {
      assert.equal(
        (await send("GET /v1/kv/default/none", { key: null, headers: { Authorization: authorization } })).status,
        404,
      );
    }
  });

  it("must be asked for in full", async () => {
    for (const json of [
      { scopes: ["read:*"] },
      { name: "", scopes: ["read:*"] },
      { name: "x".repeat(101), scopes: ["read:*"] },
      { name: "k", scopes: [] },
      { name: "k", scopes: ["read"] },
      { name: "k", scopes: ["delete:*"] },
      { name: "k", scopes: ["read:Team"] },
      { name: "k", scopes: ["read:a*b"] },
      { name: "k", scopes: ["read:"] },
      { name: "k", scopes: Array(51).fill("read:a") },
      { name: "k", scopes: ["read:*"], expires_at: "tomorrow" },
      { name: "k", scopes: ["read:*"], rate_limit: 5 },
      { name: "k", scopes: ["read:*"], id: "mine" },
    ]) {
      expectProblem(await send("POST /v1/keys", { json }), 400, "bad-body");
    }
    expectProblem(await send("POST /v1/keys", { body: "{" }), 400, "bad-body");
    expectProblem(await send("GET /v1/keys/nobody"), 404, "not-found");
    expectProblem(await send("DELETE /v1/keys/nobody"), 404, "not-found");
  });

  it("are not needed for health and the documents", async () => {
    for (const target of ["/health", "/openapi.json", "/docs"]) {
      assert.equal((await send(`GET ${target}`, { key: null })).status, 200, target);
      assert.equal((await send(`HEAD ${target}`, { key: null })).status, 200, target);
    }
    assert.equal((await send("GET /openapi.json", { key: null })).json.openapi, "3.1.0");
    for (const target of ["/v1/cluster", "/v1/keys", "/v1/namespaces", "/v1/kv/default", "/v1/kv/default:watch"]) {
      expectProblem(await send(`GET ${target}`, { key: null }), 401, "unauthorized");
    }
  });
});
