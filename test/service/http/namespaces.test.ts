import assert from "node:assert/strict";
import { Api, type Asked, expectProblem, sharedService, startBeside } from "./support.ts";

describe("namespaces", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  const defaults = {
    home: null,
    moving_to: null,
    default_ttl: null,
    default_durability: "local",
    max_value_bytes: 25 * 2 ** 20,
    rate_limit: null,
    require_condition: false,
    public_read: false,
    public_max_age: 0,
  };

  it("have this cloud as their home if they have one, while it is the only one", async () => {
    await send("PUT /v1/namespaces/sole");
    const moveTo = (to: unknown, more = {}) => send("POST /v1/namespaces/sole:move-home", { json: { to, ...more } });
    for (const to of ["local", "local", null]) {
      const moved = await moveTo(to);
      assert.deepEqual([moved.status, moved.json.home, moved.json.moving_to], [200, to, null]);
      assert.equal((await send("GET /v1/namespaces/sole")).json.home, to);
      assert.ok((await send("PUT /v1/kv/sole/k", { body: "v" })).status < 300);
      assert.equal((await send("GET /v1/kv/sole/k", { headers: { "KV-Consistency": "strong" } })).status, 200);
    }
    expectProblem(await moveTo("mars"), 400, "bad-body");
    expectProblem(await moveTo(1), 400, "bad-body");
    expectProblem(
      await send("POST /v1/namespaces/nowhere:move-home", { json: { to: null } }),
      404,
      "namespace-not-found",
    );
    assert.equal((await send("PUT /v1/namespaces/homed", { json: { home: "local" } })).json.home, "local");
    assert.equal((await send("PUT /v1/namespaces/homed", { json: { default_ttl: 5 } })).json.home, "local");
    expectProblem(await send("PUT /v1/namespaces/homed", { json: { home: null } }), 409, "home-differs");
  });

  it("are made by PUT with 201, and their settings replaced by the next with 200", async () => {
    const made = await send("PUT /v1/namespaces/made", { json: { default_ttl: 60, public_read: true } });
    assert.equal(made.status, 201);
    const { created_at, ...namespace } = made.json;
    assert.match(created_at, /Z$/);
    assert.deepEqual(namespace, {
      name: "made",
      ...defaults,
      default_ttl: 60,
      public_read: true,
      entries: 0,
      bytes: 0,
    });

    await send("PUT /v1/kv/made/a", { body: "12345" });
    const replaced = await send("PUT /v1/namespaces/made", { json: { max_value_bytes: 4 } });
    assert.equal(replaced.status, 200);
    assert.deepEqual(replaced.json, {
      name: "made",
      created_at,
      ...defaults,
      max_value_bytes: 4,
      entries: 1,
      bytes: 5,
    });
    assert.deepEqual((await send("GET /v1/namespaces/made")).json, replaced.json);
    expectProblem(await send("PUT /v1/kv/made/a", { body: "12345" }), 413, "too-large");
  });

  describe("deleted through another process", () => {
    let other: Api;
    let stop: () => Promise<void>;
    before(async () => {
      const beside = await startBeside({});
      other = new Api(beside.url);
      stop = beside.close;
    });
    after(() => {
      other.close();
      return stop();
    });

    it("are not there for writes of any kind, though this one remembers them", async () => {
      shared.clock.stop();
      const json = { operations: [{ op: "put", key: "c", value: "" }] };
      for (const [line, asked] of [
        ["PUT /v1/kv/NS/a", {}],
        ["PUT /v1/kv/NS/a", { headers: { "If-None-Match": "*" } }],
        ["DELETE /v1/kv/NS/a", {}],
        ["POST /v1/kv/NS/a:increment", {}],
        ["POST /v1/kv/NS:transact", { json: { operations: [...json.operations, { op: "put", key: "d", value: "" }] } }],
      ] as [string, Asked][]) {
        const ns = await shared.api.namespace();
        await other.send(`GET /v1/kv/${ns}/none`);
        await send(`DELETE /v1/namespaces/${ns}`);
        expectProblem(await other.send(line.replace("NS", ns), asked), 404, "namespace-not-found");
        expectProblem(await other.send(`GET /v1/kv/${ns}/none`), 404, "namespace-not-found");
      }
      const ns = await shared.api.namespace();
      await other.send(`GET /v1/kv/${ns}/none`);
      await send(`DELETE /v1/namespaces/${ns}`);
      const [result] = (await other.send(`POST /v1/kv/${ns}:batch`, { json })).json.results;
      assert.equal(result.problem.code, "namespace-not-found");
    });

    it("end an import, whose other lines could not be written either", async () => {
      shared.clock.stop();
      const ns = await shared.api.namespace();
      await other.send(`GET /v1/kv/${ns}/none`);
      await send(`DELETE /v1/namespaces/${ns}`);
      const { lines } = await other.send(`POST /v1/import?namespace=${ns}`, { body: '{"key":"a","value":""}\n' });
      assert.deepEqual([lines.length, lines[0].line, lines[0].problem.code], [1, 0, "namespace-not-found"]);
    });

    it("and made again take writes as soon as a retry comes", async () => {
      shared.clock.stop();
      const ns = await shared.api.namespace();
      await other.send(`GET /v1/kv/${ns}/none`);
      await send(`DELETE /v1/namespaces/${ns}`);
      await send(`PUT /v1/namespaces/${ns}`, { json: { max_value_bytes: 1 } });
      expectProblem(await other.send(`PUT /v1/kv/${ns}/a`, { body: "1" }), 503, "contended");
      assert.equal((await other.send(`PUT /v1/kv/${ns}/a`, { body: "1" })).status, 201);
      expectProblem(await other.send(`PUT /v1/kv/${ns}/a`, { body: "12" }), 413, "too-large");
    });
  });

  it("take all defaults from a PUT without a body", async () => {
    const { status, json } = await send("PUT /v1/namespaces/plain");
    assert.equal(status, 201);
    assert.deepEqual({ ...json, created_at: 0 }, { name: "plain", created_at: 0, ...defaults, entries: 0, bytes: 0 });
  });

  it("are listed with their sizes; default is there from the start", async () => {
    const ns = await shared.api.namespace();
    await send(`PUT /v1/kv/${ns}/a`, { body: "123" });
    await send(`PUT /v1/kv/${ns}/b`, { body: "4567" });
    const { namespaces } = (await send("GET /v1/namespaces")).json;
    const find = (wanted: string) => namespaces.find(({ name }: { name: string }) => name === wanted);
    assert.ok(find("default"));
    assert.equal(find(ns).entries, 2);
    assert.equal(find(ns).bytes, 7);
  });

  it("are deleted when they are empty, or by force", async () => {
    const ns = await shared.api.namespace();
    await send(`PUT /v1/kv/${ns}/a`, { body: "x" });
    expectProblem(await send(`DELETE /v1/namespaces/${ns}`), 409, "namespace-not-empty");
    expectProblem(await send(`DELETE /v1/namespaces/${ns}?force=0`), 409, "namespace-not-empty");
    assert.equal((await send(`DELETE /v1/namespaces/${ns}?force=1`)).status, 204);
    for (const line of [
      `GET /v1/kv/${ns}/a`,
      `PUT /v1/kv/${ns}/a`,
      `GET /v1/kv/${ns}`,
      `DELETE /v1/namespaces/${ns}`,
      `GET /v1/namespaces/${ns}`,
    ]) {
      expectProblem(await send(line), 404, "namespace-not-found");
    }
    const empty = await shared.api.namespace();
    await send(`PUT /v1/kv/${empty}/a`);
    await send(`DELETE /v1/kv/${empty}/a`);
    assert.equal((await send(`DELETE /v1/namespaces/${empty}`)).status, 204);
  });

  it("begin empty when they are made again, and what they held does not come back", async () => {
    const ns = await shared.api.namespace();
    const old = await send(`PUT /v1/kv/${ns}/a`, { body: "old" });
    await send(`POST /v1/kv/${ns}/n:increment`, { json: { by: 5 } });
    await send(`DELETE /v1/namespaces/${ns}?force=1`);
    const made = await send(`PUT /v1/namespaces/${ns}`);
    assert.equal(made.status, 201);
    assert.equal((await send(`GET /v1/namespaces/${ns}`)).json.entries, 0);
    expectProblem(await send(`GET /v1/kv/${ns}/a`), 404, "not-found");
    assert.deepEqual((await send(`GET /v1/kv/${ns}`)).json.entries, []);
    expectProblem(
      await send(`PUT /v1/kv/${ns}/a`, { headers: { "If-Match": `"${old.etag}"` } }),
      412,
      "condition-failed",
    );
    const { status, etag } = await send(`PUT /v1/kv/${ns}/a`, { headers: { "If-None-Match": "*" } });
    assert.equal(status, 201);
    assert.ok(etag > old.etag);
    assert.equal((await send(`POST /v1/kv/${ns}/n:increment`)).json.value, 1);
  });

  it("have names of 1 to 64 of a-z 0-9 . _ -", async () => {
    for (const name of ["a", "0", "a.b_c-d", "-", "...", "x".repeat(64)]) {
      assert.equal((await send(`PUT /v1/namespaces/${name}`)).status, 201, name);
      assert.equal((await send(`PUT /v1/kv/${name}/k`, { body: name })).status, 201, name);
      assert.equal((await send(`GET /v1/kv/${name}/k`)).text, name);
      assert.equal((await send(`DELETE /v1/namespaces/${name}?force=1`)).status, 204);
    }
    for (const name of ["A", "_a", "x".repeat(65), "a%20b", "%C3%A9", "a%2Fb", ".", ".."]) {
      const answer = await send(`PUT /v1/namespaces/${name}`);
      assert.ok(answer.status === 400 || answer.status === 404, `${name}: ${answer.status}`);
      expectProblem(answer, answer.status, answer.json.code);
    }
  });

  it("refuse settings that they do not know or cannot keep", async () => {
    const ns = await shared.api.namespace();
    for (const json of [
      { colour: "red" },
      { default_ttl: 0 },
      { default_ttl: 315_360_001 },
      { max_value_bytes: 0 },
      { max_value_bytes: 25 * 2 ** 20 + 1 },
      { rate_limit: { requests: 0 } },
      { public_max_age: -1 },
      { require_condition: "yes" },
      { home: "elsewhere" },
      [],
    ]) {
      expectProblem(await send(`PUT /v1/namespaces/${ns}`, { json }), 400, "bad-body");
    }
    expectProblem(await send(`PUT /v1/namespaces/${ns}`, { json: { default_durability: "all" } }), 400, "no-peers");
    expectProblem(await send(`PUT /v1/namespaces/${ns}`, { body: "{" }), 400, "bad-body");
    expectProblem(await send(`PUT /v1/namespaces/${ns}`, { json: { a: "x".repeat(20_000) } }), 413, "too-large");
    expectProblem(await send(`PUT /v1/namespaces/${ns}?force=1`, { json: {} }), 400, "bad-parameter");
    assert.equal((await send(`PUT /v1/namespaces/${ns}`, { json: { home: "local" } })).json.home, "local");
  });

  it("are administered by those who have the scope for them", async () => {
    const ns = await shared.api.namespace();
    const admin = await shared.api.apiKey(`admin:${ns}`);
    const writer = await shared.api.apiKey("read:*", "write:*");
    assert.equal((await send(`PUT /v1/namespaces/${ns}`, { key: admin })).status, 200);
    assert.equal((await send(`GET /v1/namespaces/${ns}`, { key: admin })).status, 200);
    assert.deepEqual(
      (await send("GET /v1/namespaces", { key: admin })).json.namespaces.map(({ name }: { name: string }) => name),
      [ns],
    );
    expectProblem(await send("PUT /v1/namespaces/another", { key: admin }), 403, "forbidden");
    for (const line of [
      `PUT /v1/namespaces/${ns}`,
      `GET /v1/namespaces/${ns}`,
      `DELETE /v1/namespaces/${ns}`,
      "GET /v1/namespaces",
      `GET /v1/conflicts/${ns}`,
      `GET /v1/conflicts/${ns}/019aa3b1c5e20000-aws?key=k`,
    ]) {
      expectProblem(await send(line, { key: writer }), 403, "forbidden");
      expectProblem(await send(line, { key: null }), 401, "unauthorized");
    }
    // Administration is not access to the entries.
    expectProblem(await send(`GET /v1/kv/${ns}/a`, { key: admin }), 403, "forbidden");
  });

  it("have no conflicts while there is one cloud", async () => {
    assert.deepEqual((await send("GET /v1/conflicts/default")).json, { conflicts: [] });
    expectProblem(await send("GET /v1/conflicts/nowhere"), 404, "namespace-not-found");
    const one = "/v1/conflicts/default/019aa3b1c5e20000-aws";
    expectProblem(await send(`GET ${one}?key=k`), 404, "not-found");
    expectProblem(await send(`GET ${one}`), 400, "bad-parameter");
    expectProblem(await send("GET /v1/conflicts/default/newest?key=k"), 400, "bad-parameter");
  });

  it("know their methods", async () => {
    const answer = await send("POST /v1/namespaces/default");
    expectProblem(answer, 405, "method-not-allowed");
    assert.deepEqual(String(answer.headers.allow).split(", ").toSorted(), ["DELETE", "GET", "HEAD", "PUT"]);
    assert.equal((await send("HEAD /v1/namespaces/default")).status, 200);
  });
});
