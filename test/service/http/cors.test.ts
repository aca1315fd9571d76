import assert from "node:assert/strict";
import type { Running } from "../../../service/main.ts";
import { Api, expectProblem, sharedService, startBeside } from "./support.ts";

describe("CORS", () => {
  const shared = sharedService();
  const page = "https://app.example";
  let running: Running;
  let api: Api;
  before(async () => {
    running = await startBeside({ CORS_ORIGINS: `${page}, https://other.example` });
    api = new Api(running.url);
  });
  after(async () => {
    api.close();
    await running.close();
  });

  it("is off unless origins are configured", async () => {
    const answer = await shared.api.send("GET /v1/kv/default", { headers: { Origin: page } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
    expectProblem(
      await shared.api.send("OPTIONS /v1/kv/default", { headers: { Origin: page } }),
      405,
      "method-not-allowed",
    );
  });

  it("lets pages of a configured origin ask, and read the headers that clients need", async () => {
    for (const target of ["/v1/kv/default/cors", "/v1/kv/default", "/health"]) {
      const answer = await api.send(`GET ${target}`, { headers: { Origin: page } });
      assert.equal(answer.headers["access-control-allow-origin"], page, target);
      assert.equal(answer.headers.vary, "Origin");
      const exposed = String(answer.headers["access-control-expose-headers"]).toLowerCase().split(", ");
      for (const name of [
        "etag",
        "kv-version",
        "kv-session",
        "kv-meta",
        "kv-expires-at",
        "ratelimit",
        "retry-after",
        "kv-request-id",
      ]) {
        assert.ok(exposed.includes(name), name);
      }
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    }
  });

  it("answers the browser's question before a request, without a credential", async () => {
    const answer = await api.send("OPTIONS /v1/kv/default/a", {
      key: null,
      headers: {
        Origin: page,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,if-match",
      },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers["access-control-allow-origin"], page);
    assert.deepEqual(String(answer.headers["access-control-allow-methods"]).split(", "), [
      "GET",
      "HEAD",
      "PUT",
      "POST",
      "DELETE",
    ]);
    const allowed = String(answer.headers["access-control-allow-headers"]).toLowerCase().split(", ");
    for (const name of [
      "authorization",
      "content-type",
      "if-match",
      "if-none-match",
      "kv-meta",
      "kv-session",
      "idempotency-key",
      "range",
    ]) {
      assert.ok(allowed.includes(name), name);
    }
    assert.ok(Number(answer.headers["access-control-max-age"]) > 0);
  });

  it("goes for problems too, so that a page can read why", async () => {
    const answer = await api.send("GET /v1/kv/default/a", { key: null, headers: { Origin: page } });
    expectProblem(answer, 401, "unauthorized");
    assert.equal(answer.headers["access-control-allow-origin"], page);
    const list = await api.send("GET /v1/kv/default?limit=x", { headers: { Origin: page } });
    expectProblem(list, 400, "bad-parameter");
    assert.equal(list.headers["access-control-allow-origin"], page);
  });

  it("gives other origins nothing: near matches, null, wildcards", async () => {
    for (const origin of [
      "https://app.example.evil",
      "http://app.example",
      "https://app.example:8443",
      "null",
      "*",
      "https://APP.example",
    ]) {
      const answer = await api.send("GET /v1/kv/default", { headers: { Origin: origin } });
      assert.equal(answer.headers["access-control-allow-origin"], undefined, origin);
    }
  });

  it("tells caches that a public entry's answer depends on the origin", async () => {
    const ns = await shared.api.namespace({ public_read: true, public_max_age: 60 });
    await shared.api.send(`PUT /v1/kv/${ns}/a`, { body: "x" });
    const asked = await api.send(`GET /v1/kv/${ns}/a`, { key: null, headers: { Origin: page } });
    assert.equal(asked.headers["access-control-allow-origin"], page);
    // Kept by a cache without it, this answer would be given to the page above as well.
    assert.match(String((await api.send(`GET /v1/kv/${ns}/a`, { key: null })).headers.vary), /Origin/);
  });
});
