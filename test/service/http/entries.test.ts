import assert from "node:assert/strict";
import { expectProblem, sharedService } from "./support.ts";

describe("entries", () => {
  const shared = sharedService();
  let ns: string;
  before(async () => {
    ns = await shared.api.namespace();
  });

  it("are created with 201 and replaced with 200; the answer has no body, its headers tell the new state", async () => {
    const created = await shared.api.send(`PUT /v1/kv/${ns}/ada`, { body: "1815" });
    assert.equal(created.status, 201);
    assert.equal(created.body.length, 0);
    assert.match(String(created.headers["kv-version"]), /^[0-9a-f]{16}-local$/);
    assert.equal(created.headers.etag, `"${created.headers["kv-version"]}"`);
    assert.match(String(created.headers["kv-updated-at"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(created.headers["kv-origin"], "local");
    assert.equal(created.headers["kv-durability"], "local");
    assert.ok(created.headers["kv-session"]);
    assert.ok(created.headers["kv-request-id"]);

    const replaced = await shared.api.send(`PUT /v1/kv/${ns}/ada`, { body: "1852" });
    assert.equal(replaced.status, 200);
    assert.ok(replaced.etag > created.etag, "a later write of a key has a greater version");
  });

  it("come back as they were sent, with type, encoding and metadata; HEAD gives the same without the body", async () => {
    const headers = {
      "Content-Type": "text/x-poem; charset=utf-8",
      "Content-Encoding": "br",
      "KV-Meta": '{"by": "ada"}',
    };
    const put = await shared.api.send(`PUT /v1/kv/${ns}/poem`, { body: "bytes", headers });
    const got = await shared.api.send(`GET /v1/kv/${ns}/poem`);
    assert.equal(got.status, 200);
    assert.equal(got.text, "bytes");
    assert.equal(got.headers["content-type"], "text/x-poem; charset=utf-8");
    assert.equal(got.headers["content-encoding"], "br");
    assert.equal(got.headers["kv-meta"], '{"by": "ada"}');
    assert.equal(got.headers["cache-control"], "private, no-cache, no-transform");
    for (const name of ["etag", "kv-version", "kv-updated-at", "kv-origin"])
      assert.equal(got.headers[name], put.headers[name]);

    const head = await shared.api.send(`HEAD /v1/kv/${ns}/poem`);
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    for (const name of ["etag", "content-length", "content-type", "content-encoding", "kv-meta", "kv-version"]) {
      assert.equal(head.headers[name], got.headers[name]);
    }
  });

  it("lose type and metadata with the next PUT that does not send them", async () => {
    await shared.api.send(`PUT /v1/kv/${ns}/bare`, {
      body: "a",
      headers: { "Content-Type": "text/plain", "KV-Meta": "{}" },
    });
    await shared.api.send(`PUT /v1/kv/${ns}/bare`, { body: "b" });
    const { headers } = await shared.api.send(`GET /v1/kv/${ns}/bare`);
    assert.equal(headers["content-type"], "application/octet-stream");
    assert.equal(headers["kv-meta"], undefined);
  });

  it("are 404 where there are none; DELETE is 204 in any case and makes a new version", async () => {
    expectProblem(await shared.api.send(`GET /v1/kv/${ns}/nobody`), 404, "not-found");
    assert.equal((await shared.api.send(`HEAD /v1/kv/${ns}/nobody`)).status, 404);

    const put = await shared.api.send(`PUT /v1/kv/${ns}/gone`, { body: "x" });
    const deleted = await shared.api.send(`DELETE /v1/kv/${ns}/gone`);
    assert.equal(deleted.status, 204);
    assert.ok(deleted.etag > put.etag);
    expectProblem(await shared.api.send(`GET /v1/kv/${ns}/gone`), 404, "not-found");
    const again = await shared.api.send(`DELETE /v1/kv/${ns}/gone`);
    assert.equal(again.status, 204);
    assert.ok(again.etag > deleted.etag);
    assert.equal((await shared.api.send(`PUT /v1/kv/${ns}/gone`, { body: "y" })).status, 201);
  });

  it("want a namespace that exists", async () => {
    for (const line of [
      "GET /v1/kv/nowhere/a",
      "PUT /v1/kv/nowhere/a",
      "DELETE /v1/kv/nowhere/a",
      "POST /v1/kv/nowhere/a:increment",
    ]) {
      expectProblem(await shared.api.send(line), 404, "namespace-not-found");
    }
    expectProblem(await shared.api.send("GET /v1/kv/No%20Name/a"), 400, "bad-parameter");
  });

  describe("read in part", () => {
    const read = (range: string, headers = {}) =>
      shared.api.send(`GET /v1/kv/${ns}/digits`, { headers: { Range: range, ...headers } });
    before(() => shared.api.send(`PUT /v1/kv/${ns}/digits`, { body: "0123456789" }));

    for (const [range, text, where] of [
      ["bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=5-99", "56789", "bytes 5-9/10"],
      ["bytes=-3", "789", "bytes 7-9/10"],
      ["bytes=-99", "0123456789", "bytes 0-9/10"],
    ] as const) {
      it(`${range} gives ${text}`, async () => {
        const answer = await read(range);
        assert.equal(`${answer.status} ${answer.text}`, `206 ${text}`);
        assert.equal(answer.headers["content-range"], where);
        assert.equal(answer.headers["content-length"], String(text.length));
      });
    }

    it("gives the whole value for ranges that a server may ignore: several, malformed, of another unit", async () => {
      for (const range of ["bytes=0-1,3-4", "bytes=4-2", "bytes=a-b", "pages=1-2", "bytes=", "bytes=-"]) {
        const answer = await read(range);
        assert.equal(`${answer.status} ${answer.text}`, "200 0123456789", range);
      }
    });

    it("is 416 with the size behind the end, and for empty values", async () => {
      const answer = await read("bytes=10-");
      assert.equal(expectProblem(answer, 416, "range-not-satisfiable").limit, 10);
      assert.equal(answer.headers["content-range"], "bytes */10");
      expectProblem(await read("bytes=-0"), 416, "range-not-satisfiable");
      await shared.api.send(`PUT /v1/kv/${ns}/empty`);
      expectProblem(
        await shared.api.send(`GET /v1/kv/${ns}/empty`, { headers: { Range: "bytes=0-0" } }),
        416,
        "range-not-satisfiable",
      );
    });

    it("gives a part only of the state that If-Range names", async () => {
      const { headers } = await shared.api.send(`HEAD /v1/kv/${ns}/digits`);
      assert.equal((await read("bytes=0-1", { "If-Range": String(headers.etag) })).text, "01");
      assert.equal((await read("bytes=0-1", { "If-Range": '"0000000000000001-local"' })).text, "0123456789");
      assert.equal((await read("bytes=0-1", { "If-Range": `W/${headers.etag}` })).text, "0123456789");
    });
  });

  describe("as counters", () => {
    const increment = (key: string, json?: unknown) =>
      shared.api.send(`POST /v1/kv/${ns}/${key}:increment`, json === undefined ? {} : { json });

    it("begin at zero, add what is asked for (1 unless given) and answer with the sum", async () => {
      const first = await increment("visits");
      assert.equal(first.status, 200);
      assert.deepEqual(first.json, { value: 1 });
      assert.equal(first.headers["kv-kind"], "counter");
      assert.deepEqual((await increment("visits", { by: 41 })).json, { value: 42 });
      assert.deepEqual((await increment("visits", { by: -50 })).json, { value: -8 });
      assert.deepEqual((await increment("visits", { by: 0 })).json, { value: -8 });
    });

    it("read as decimal text, with an entity tag that changes with every increment", async () => {
      const before = await increment("tagged", { by: 7 });
      const read = await shared.api.send(`GET /v1/kv/${ns}/tagged`);
      assert.equal(read.text, "7");
      assert.equal(read.headers["content-type"], "text/plain; charset=utf-8");
      assert.equal(read.headers["kv-kind"], "counter");
      assert.equal(read.headers.etag, before.headers.etag);
      const after = await increment("tagged");
      assert.notEqual(after.headers.etag, before.headers.etag);
      expectProblem(
        await shared.api.send(`DELETE /v1/kv/${ns}/tagged`, { headers: { "If-Match": String(before.headers.etag) } }),
        412,
        "condition-failed",
      );
      assert.equal(
        (await shared.api.send(`DELETE /v1/kv/${ns}/tagged`, { headers: { "If-Match": String(after.headers.etag) } }))
          .status,
        204,
      );
    });

    it("are not values: increment refuses a value, touch a counter; PUT and DELETE replace either", async () => {
      await shared.api.send(`PUT /v1/kv/${ns}/word`, { body: "12" });
      expectProblem(await increment("word"), 409, "not-a-counter");
      await increment("count");
      expectProblem(await shared.api.send(`POST /v1/kv/${ns}/count:touch?ttl=5`), 409, "counter-never-expires");
      assert.equal((await shared.api.send(`PUT /v1/kv/${ns}/count`, { body: "text" })).status, 200);
      expectProblem(await increment("count"), 409, "not-a-counter");
      await shared.api.send(`DELETE /v1/kv/${ns}/count`);
      assert.deepEqual((await increment("count")).json, { value: 1 });
    });

    it("stay within the integers that JSON numbers hold exactly", async () => {
      assert.deepEqual((await increment("most", { by: Number.MAX_SAFE_INTEGER })).json, {
        value: Number.MAX_SAFE_INTEGER,
      });
      expectProblem(await increment("most"), 422, "counter-overflow");
      assert.deepEqual((await increment("most", { by: -1 })).json, { value: Number.MAX_SAFE_INTEGER - 1 });
      expectProblem(await increment("far", { by: 2 ** 53 }), 400, "bad-body");
      expectProblem(await increment("far", { by: 0.5 }), 400, "bad-body");
      expectProblem(await increment("far", { by: "1" }), 400, "bad-body");
      expectProblem(await increment("far", { to: 1 }), 400, "bad-body");
    });

    it("lose no increment of many at once", async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => increment("crowd")));
      assert.deepEqual(
        answers.map(({ json }) => json.value).sort((a, b) => a - b),
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
    });
  });

  describe("on a browser's screen", () => {
    it("are never sniffed, and never run: active types are sandboxed", async () => {
      for (const [type, policy] of [
        ["text/html", "sandbox"],
        ["image/svg+xml", "sandbox"],
        ["text/javascript", "sandbox"],
        ["image/png", undefined],
        ["application/json", undefined],
      ] as const) {
        await shared.api.send(`PUT /v1/kv/${ns}/page`, { body: "<script>", headers: { "Content-Type": type } });
        const { headers } = await shared.api.send(`GET /v1/kv/${ns}/page`);
        assert.equal(headers["content-security-policy"], policy, type);
        assert.equal(headers["x-content-type-options"], "nosniff");
      }
    });
  });

  describe("and sessions", () => {
    it("every answer carries a token of at most 256 bytes; sent along, reads see what the session has seen", async () => {
      let session = String((await shared.api.send(`PUT /v1/kv/${ns}/mine`, { body: "0" })).headers["kv-session"]);
      for (let i = 1; i < 20; i++) {
        const put = await shared.api.send(`PUT /v1/kv/${ns}/mine`, {
          body: String(i),
          headers: { "KV-Session": session },
        });
        session = String(put.headers["kv-session"]);
        assert.ok(session.length <= 256);
        for (const consistency of ["cached", "local", "strong"]) {
          const read = await shared.api.send(`GET /v1/kv/${ns}/mine`, {
            headers: { "KV-Session": session, "KV-Consistency": consistency },
          });
          assert.equal(read.text, String(i));
        }
      }
      for (const line of [
        `GET /v1/kv/${ns}/absent`,
        `DELETE /v1/kv/${ns}/absent`,
        `GET /v1/kv/${ns}`,
        `POST /v1/kv/${ns}/n:increment`,
      ]) {
        assert.ok((await shared.api.send(line)).headers["kv-session"], line);
      }
    });

    it("a token that is none of ours is 400", async () => {
      for (const token of [
        "x",
        "local.ZZ.1",
        "local.0123456789ab.-1",
        `local.0123456789ab.${"9".repeat(300)}`,
        "a~b",
        "",
      ]) {
        for (const method of ["GET", "PUT"]) {
          expectProblem(
            await shared.api.send(`${method} /v1/kv/${ns}/mine`, { headers: { "KV-Session": token } }),
            400,
            "bad-session",
          );
        }
      }
    });

    it("levels that there are not are 400", async () => {
      expectProblem(
        await shared.api.send(`GET /v1/kv/${ns}/mine`, { headers: { "KV-Consistency": "eventual" } }),
        400,
        "bad-parameter",
      );
      expectProblem(
        await shared.api.send(`PUT /v1/kv/${ns}/mine`, { headers: { "KV-Durability": "disk" } }),
        400,
        "bad-parameter",
      );
      for (const level of ["peer", "all"]) {
        expectProblem(
          await shared.api.send(`PUT /v1/kv/${ns}/mine`, { headers: { "KV-Durability": level } }),
          400,
          "no-peers",
        );
      }
    });
  });

  it("take the request id of X-Request-Id where it is sane, and make one where it is not", async () => {
    const id = async (given?: string) =>
      (await shared.api.send(`GET /v1/kv/${ns}/ada`, given === undefined ? {} : { headers: { "X-Request-Id": given } }))
        .headers["kv-request-id"];
    assert.equal(await id("trace/1:a.b-c"), "trace/1:a.b-c");
    for (const bad of ["with space", "<script>", "x".repeat(129), undefined]) {
      const made = await id(bad);
      assert.notEqual(made, bad);
      assert.match(String(made), /^[\w-]{3,40}$/);
    }
  });

  it("have no other methods", async () => {
    for (const method of ["PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
      const answer = await shared.api.send(`${method} /v1/kv/${ns}/ada`);
      expectProblem(answer, 405, "method-not-allowed");
      assert.match(String(answer.headers.allow), /GET, HEAD, PUT, DELETE/);
    }
    expectProblem(await shared.api.send(`POST /v1/kv/${ns}/ada`), 405, "method-not-allowed");
  });
});
