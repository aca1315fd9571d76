import assert from "node:assert/strict";
import { type Asked, expectProblem, sharedService } from "./support.ts";

describe("a public namespace", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, { key: null, ...asked });
  let ns: string;
  before(async () => {
    ns = await shared.api.namespace({ public_read: true, public_max_age: 60 });
    await shared.api.send(`PUT /v1/kv/${ns}/logo.png`, { body: "png", headers: { "Content-Type": "image/png" } });
  });

  it("is read by anyone, and may be kept by caches for as long as its settings say", async () => {
    const got = await send(`GET /v1/kv/${ns}/logo.png`);
    assert.equal(got.text, "png");
    assert.equal(got.headers["cache-control"], "public, max-age=60");
    assert.equal((await send(`HEAD /v1/kv/${ns}/logo.png`)).status, 200);
    const unchanged = await send(`GET /v1/kv/${ns}/logo.png`, { headers: { "If-None-Match": `"${got.etag}"` } });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers["cache-control"], "public, max-age=60");
  });

  it("answers those who show a credential as any other namespace", async () => {
    const got = await shared.api.send(`GET /v1/kv/${ns}/logo.png`);
    assert.equal(got.headers["cache-control"], "private, no-cache, no-transform");
    const stranger = await shared.api.apiKey("read:other");
    expectProblem(await send(`GET /v1/kv/${ns}/logo.png`, { key: stranger }), 403, "forbidden");
    expectProblem(await send(`GET /v1/kv/${ns}/logo.png`, { key: "wrong" }), 401, "unauthorized");
  });

  it("shows entries only: no lists, watches, exports or writes", async () => {
    for (const line of [
      `GET /v1/kv/${ns}`,
      `GET /v1/kv/${ns}:watch?wait=0`,
      `POST /v1/export?namespace=${ns}`,
      `PUT /v1/kv/${ns}/logo.png`,
      `DELETE /v1/kv/${ns}/logo.png`,
      `POST /v1/kv/${ns}/logo.png:touch?ttl=1`,
      `POST /v1/kv/${ns}/n:increment`,
      `DELETE /v1/kv/${ns}?prefix=l`,
      `POST /v1/import?namespace=${ns}`,
      `GET /v1/namespaces/${ns}`,
    ]) {
      expectProblem(await send(line), 401, "unauthorized");
    }
    const json = { operations: [{ op: "get", key: "logo.png" }] };
    for (const action of ["batch", "transact"])
      expectProblem(await send(`POST /v1/kv/${ns}:${action}`, { json }), 401, "unauthorized");
  });

  it("does not tell strangers which other namespaces there are", async () => {
    const hidden = await shared.api.namespace();
    const answers = await Promise.all([hidden, "nowhere"].map((name) => send(`GET /v1/kv/${name}/a`)));
    for (const answer of answers) expectProblem(answer, 401, "unauthorized");
    assert.equal(answers[0]!.json.detail, answers[1]!.json.detail);
  });

  it("ends being public with the next settings", async () => {
    const own = await shared.api.namespace({ public_read: true });
    await shared.api.send(`PUT /v1/kv/${own}/a`, { body: "x" });
    assert.equal((await send(`GET /v1/kv/${own}/a`)).headers["cache-control"], "public, max-age=0");
    await shared.api.send(`PUT /v1/namespaces/${own}`);
    expectProblem(await send(`GET /v1/kv/${own}/a`), 401, "unauthorized");
  });
});
