import assert from "node:assert/strict";
import { Connection } from "./connection.ts";
import { type Asked, eventually, expectProblem, sharedService } from "./support.ts";

const crlf = "\r\n";

describe("bad input", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  let open: Connection[] = [];
  before(async () => {
    ns = await shared.api.namespace();
  });
  afterEach(() => {
    for (const connection of open) connection.close();
    open = [];
  });

  async function connection(): Promise<Connection> {
    const made = await Connection.open(shared.api.port);
    open.push(made);
    return made;
  }
  /** Headers that every request here has, with an empty line behind them. */
  const head = (...more: string[]) =>
    [`Host: localhost`, `Authorization: Bearer ${shared.service.adminKey}`, ...more, "", ""].join(crlf);

  /** Sends bytes; expects one problem, and then either a closed connection or one that goes on. Returns its members. */
  async function refused(bytes: string | Uint8Array, status: number, code?: string): Promise<Record<string, unknown>> {
    const wire = await connection();
    wire.write(bytes);
    const answer = await wire.answer();
    assert.ok(answer !== null, "closed without an answer");
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    const problem = JSON.parse(answer.body);
    assert.equal(problem.status, status);
    if (code !== undefined) assert.equal(problem.code, code);
    if (answer.headers.get("connection") === "close") {
      await wire.closed();
    } else {
      wire.write(`GET /health HTTP/1.1${crlf}${head()}`);
      assert.equal((await wire.answer())?.status, 200, "the connection goes on");
    }
    return problem;
  }

  describe("in values and bodies", () => {
    it("a value over the namespace's limit is 413, and names the limit", async () => {
      const small = await shared.api.namespace({ max_value_bytes: 100 });
      assert.equal((await send(`PUT /v1/kv/${small}/a`, { body: Buffer.alloc(100) })).status, 201);
      const { limit, actual } = expectProblem(
        await send(`PUT /v1/kv/${small}/a`, { body: Buffer.alloc(101) }),
        413,
        "too-large",
      );
      assert.deepEqual([limit, actual], [100, 101]);
      assert.equal((await send(`GET /v1/kv/${small}/a`)).body.length, 100);
    });

    it("a value of more than 25 MiB is 413 before it is sent, and also when its length is not told", async () => {
      const most = 25 * 2 ** 20;
      const problem = await refused(
        `PUT /v1/kv/${ns}/a HTTP/1.1${crlf}${head(`Content-Length: ${most + 1}`, "Connection: close")}`,
        413,
        "too-large",
      );
      assert.deepEqual([problem.limit, problem.actual], [most, most + 1]);
      async function* endless() {
        const part = Buffer.alloc(2 ** 20);
        for (let i = 0; i < 27; i++) yield part;
      }
      // Twice: what is left of the first body must not stand in the way of the next request.
      for (let i = 0; i < 2; i++) {
        const answer = await send(`PUT /v1/kv/${ns}/a`, { body: endless() });
        assert.equal(expectProblem(answer, 413, "too-large").limit, most);
      }
      expectProblem(await send(`GET /v1/kv/${ns}/a`), 404, "not-found");
    });

    it("a small limit goes for values without a length too", async () => {
      const small = await shared.api.namespace({ max_value_bytes: 2 * 2 ** 20 });
      for (const [size, status] of [
        [2 ** 21, 201],
        [2 ** 21 + 1, 413],
      ] as const) {
        async function* parts() {
          yield Buffer.alloc(2 ** 20);
          yield Buffer.alloc(size - 2 ** 20);
        }
        assert.equal((await send(`PUT /v1/kv/${small}/a`, { body: parts() })).status, status);
      }
    });

    it("base64 is checked whatever its length", async () => {
      const value = Buffer.alloc(7 * 2 ** 20, 0xff).toString("base64");
      const operations = (text: string) => ({
        json: { operations: [{ op: "put", key: "b64", value: text, encoding: "base64" }] },
      });
      assert.equal((await send(`POST /v1/kv/${ns}:batch`, operations(value))).json.results[0].status, 201);
      for (const bad of [
        value.slice(0, -1),
        `${value.slice(0, -1)}=`,
        `${value}====`,
        "A===",
        "=",
        "A",
        "AA=A",
        "A A=",
        "AA-_",
      ]) {
        const { results } = (await send(`POST /v1/kv/${ns}:batch`, operations(bad))).json;
        if (bad === `${value.slice(0, -1)}=`) continue;
        assert.equal(results[0].problem?.code, "bad-body", bad.slice(0, 10));
      }
    });

    it("a body of a route that wants none or little is 413", async () => {
      for (const line of [`DELETE /v1/kv/${ns}/a`, `POST /v1/kv/${ns}/a:touch`, `POST /v1/kv/${ns}/a:increment`]) {
        const { limit } = expectProblem(await send(line, { body: Buffer.alloc(1025) }), 413, "too-large");
        assert.equal(limit, 1024);
      }
      expectProblem(await send("POST /v1/keys", { body: Buffer.alloc(16_385) }), 413, "too-large");
    });

    it("a body that ends before its announced length writes nothing", async () => {
      const wire = await connection();
      wire.write(`PUT /v1/kv/${ns}/short HTTP/1.1${crlf}${head("Content-Length: 10")}12345`);
      wire.socket.end();
      const answer = await wire.answer();
      if (answer !== null) assert.equal(answer.status, 400);
      await wire.closed();
      expectProblem(await send(`GET /v1/kv/${ns}/short`), 404, "not-found");
    });

    it("a large body that is cut writes nothing, and leaves nothing behind", async () => {
      const wire = await connection();
      wire.write(`PUT /v1/kv/${ns}/cut HTTP/1.1${crlf}${head(`Content-Length: ${5 * 2 ** 20}`)}`);
      wire.write(Buffer.alloc(3 * 2 ** 20));
      await eventually("the upload is under way", () => shared.service.running.service.writer.pending === 0);
      wire.close();
      expectProblem(await send(`GET /v1/kv/${ns}/cut`), 404, "not-found");
    });

    it("what follows a body's announced length is the next request, and refused as such", async () => {
      const wire = await connection();
      wire.write(`PUT /v1/kv/${ns}/longer HTTP/1.1${crlf}${head("Content-Length: 5")}12345surplus${crlf}${crlf}`);
      assert.equal((await wire.answer())?.status, 201);
      const next = await wire.answer();
      assert.ok(next === null || next.status === 400);
      await wire.closed();
      assert.equal((await send(`GET /v1/kv/${ns}/longer`)).text, "12345");
    });

    it("rubbish behind a request does not get into the answer to it", async () => {
      const value = Buffer.alloc(8 * 2 ** 20, "v");
      await send(`PUT /v1/kv/${ns}/long`, { body: value });
      const wire = await connection();
      wire.write(`GET /v1/kv/${ns}/long HTTP/1.1${crlf}${head()}rubbish${crlf}${crlf}`);
      const answer = await wire.answer();
      // Cut is fine, a mixture is not.
      if (answer !== null) assert.ok(Buffer.from(answer.body).equals(value));
    });
  });

  describe("in the request line and headers", () => {
    it("a key with broken percent-encoding is 400", async () => {
      for (const path of ["%", "%4", "%zz", "a%", "%ff", "%c3%28", "%ed%a0%80", "%f8%88%80%80%80", "%c0%af"]) {
        expectProblem(await send(`PUT /v1/kv/${ns}/${path}`), 400, "bad-key");
        expectProblem(await send(`GET /v1/kv/${ns}/${path}`), 400, "bad-key");
      }
    });

    it("an empty key and U+0000 are 400", async () => {
      expectProblem(await send(`PUT /v1/kv/${ns}/`), 400, "bad-key");
      expectProblem(await send(`PUT /v1/kv/${ns}/?ttl=5`), 400, "bad-key");
      expectProblem(await send(`PUT /v1/kv/${ns}/a%00b`), 400, "bad-key");
      expectProblem(await send(`POST /v1/kv/${ns}/:increment`), 400, "bad-key");
    });

    it("bytes outside of ASCII in the path are 400: they must be escaped", async () => {
      await refused(Buffer.from(`PUT /v1/kv/${ns}/\u00fc HTTP/1.1${crlf}${head("Content-Length: 0")}`, "latin1"), 400);
      await refused(Buffer.from(`PUT /v1/kv/${ns}/\u00fc HTTP/1.1${crlf}${head("Content-Length: 0")}`, "utf8"), 400);
      await refused(Buffer.from(`GET /v1/kv/${ns}?prefix=\u00fc HTTP/1.1${crlf}${head()}`, "utf8"), 400);
    });

    it("KV-Meta over 1 KiB is 431, and 400 where it is no JSON object in ASCII", async () => {
      const meta = (text: string) => send(`PUT /v1/kv/${ns}/meta`, { headers: { "KV-Meta": text } });
      const fits = JSON.stringify({ a: "x".repeat(1024 - 8) });
      assert.equal(fits.length, 1024);
      assert.equal((await meta(fits)).status, 201);
      const { limit, actual } = expectProblem(await meta(`${fits} `.replace("{", "{ ")), 431, "headers-too-large");
      assert.deepEqual([limit, actual], [1024, 1025]);
      for (const bad of ["", "x", "[]", "null", "5", '"a"', "{", "{a:1}", '{"a":"ü"}', "{} {}"])
        expectProblem(await meta(bad), 400, "bad-parameter");
      const twice = await send(`PUT /v1/kv/${ns}/meta`, { headers: { "KV-Meta": ["{}", "{}"] } });
      expectProblem(twice, 400, "bad-parameter");
    });

    it("a content type of more than 255 characters, or outside of ASCII, is 400", async () => {
      for (const name of ["Content-Type", "Content-Encoding"]) {
        const { limit } = expectProblem(
          await send(`PUT /v1/kv/${ns}/typed`, { headers: { [name]: "x".repeat(256) } }),
          400,
          "bad-parameter",
        );
        assert.equal(limit, 255);
        expectProblem(await send(`PUT /v1/kv/${ns}/typed`, { headers: { [name]: "té" } }), 400, "bad-parameter");
      }
      expectProblem(
        await send(`PUT /v1/kv/${ns}/typed`, { headers: { "Content-Range": "bytes 0-1/2" } }),
        400,
        "bad-request",
      );
    });

    it("headers of more than 16 KiB are 431, and name the limit", async () => {
      const { limit } = await refused(
        `GET /health HTTP/1.1${crlf}${head(`X-Long: ${"x".repeat(17_000)}`)}`,
        431,
        "headers-too-large",
      );
      assert.equal(limit, 16 * 1024);
      await refused(`GET /${"x".repeat(17_000)} HTTP/1.1${crlf}${head()}`, 431, "headers-too-large");
      await refused(
        `GET /health HTTP/1.1${crlf}${head(...Array.from({ length: 1500 }, (_, i) => `X-${i}: 0123456789`))}`,
        431,
      );
    });

    it("a request without Host, or with two, is 400", async () => {
      await refused(`GET /health HTTP/1.1${crlf}${crlf}`, 400, "bad-request");
      await refused(`GET /health HTTP/1.1${crlf}Host: a${crlf}Host: b${crlf}${crlf}`, 400, "bad-request");
      await refused(`GET /health HTTP/1.1${crlf}Host: a${crlf}host: a${crlf}${crlf}`, 400, "bad-request");
    });

    it("HTTP/1.0 needs no Host", async () => {
      for (const target of ["/health", "/v1/kv/default", `/v1/kv/${ns}/none`]) {
        const wire = await connection();
        wire.write(`GET ${target} HTTP/1.0${crlf}Authorization: Bearer ${shared.service.adminKey}${crlf}${crlf}`);
        const answer = await wire.answer();
        assert.ok(answer?.status === 200 || answer?.status === 404, `${target}: ${answer?.body}`);
        await wire.closed();
      }
    });

    it("a Host that is none does not confuse the routes", async () => {
      for (const host of ["a b", "a/../b", "[", "a:b:c", "<script>", "", "user@host", "a?b#c"]) {
        for (const target of ["/health", "/v1/kv/default", "/v1/kv/default/none"]) {
          const wire = await connection();
          wire.write(
            `GET ${target} HTTP/1.1${crlf}Host: ${host}${crlf}Authorization: Bearer ${shared.service.adminKey}${crlf}${crlf}`,
          );
          const answer = await wire.answer();
          assert.ok(answer !== null && answer.status < 500, `${host}: ${answer?.status}`);
          if (answer.status >= 400)
            assert.equal(
              answer.headers.get("content-type"),
              "application/problem+json",
              `${host} ${target}: ${answer.status}`,
            );
          wire.close();
        }
      }
    });

    it("a target in absolute form names the same as its path", async () => {
      await send(`PUT /v1/kv/${ns}/absolute`, { body: "x" });
      for (const target of [
        `http://localhost/v1/kv/${ns}/absolute`,
        `http://localhost:1234/v1/kv/${ns}`,
        "http://localhost/health",
      ]) {
        const wire = await connection();
        wire.write(`GET ${target} HTTP/1.1${crlf}${head()}`);
        const answer = await wire.answer();
        assert.equal(answer?.status, 200, `${target}: ${answer?.body}`);
      }
    });

    it("targets that are no paths are 4xx problems", async () => {
      for (const target of [
        "*",
        "x",
        "?a",
        "//",
        "/../..",
        "/%",
        "/%2e%2e/",
        "/v1",
        "/v1/kv",
        "/v1/kv/",
        "/v1/kv//a",
        "/v1/kv/a%2Fb/c",
        "/v1/KV/default/a",
        "/v1/kv/default:",
        "/v1/kv/default:drop",
        "/v1/namespaces/",
        "/v1/namespaces/a/b",
        "/v1/namespaces/%",
        "/v1/keys/%ff",
        "/v1/kv/%ff",
        "/v1/kv/%:batch",
        "/console/%",
        "/console/..%2f..%2fetc/passwd",
      ]) {
        for (const method of ["GET", "POST", "DELETE"]) {
          const wire = await connection();
          wire.write(`${method} ${target} HTTP/1.1${crlf}${head("Content-Length: 0")}`);
          const answer = await wire.answer();
          assert.ok(
            answer !== null && answer.status >= 400 && answer.status < 500,
            `${method} ${target}: ${answer?.status} ${answer?.body}`,
          );
          assert.equal(
            answer.headers.get("content-type"),
            "application/problem+json",
            `${method} ${target}: ${answer.status}`,
          );
          wire.close();
        }
      }
    });

    it("methods that there are not are 4xx problems", async () => {
      for (const method of ["TRACE", "PATCH", "OPTIONS", "PROPFIND", "PURGE"]) {
        for (const target of [
          "/v1/kv/default/a",
          "/v1/kv/default",
          "/v1/namespaces",
          "/health",
          "/nowhere",
          "/openapi.json",
          "/docs",
          "/console/",
        ]) {
          const answer = await send(`${method} ${target}`);
          assert.ok(answer.status === 404 || answer.status === 405, `${method} ${target}: ${answer.status}`);
          expectProblem(answer, answer.status, answer.json.code);
        }
      }
      await refused(`FOO /health HTTP/1.1${crlf}${head()}`, 400, "bad-request");
      const wire = await connection();
      wire.write(`CONNECT localhost:80 HTTP/1.1${crlf}${head()}`);
      const answer = await wire.answer();
      assert.ok(answer === null || (answer.status >= 400 && answer.status < 500));
    });

    it("an expectation of 100-continue is met, others are passed over", async () => {
      const wire = await connection();
      wire.write(`PUT /v1/kv/${ns}/expect HTTP/1.1${crlf}${head("Content-Length: 1", "Expect: a-miracle")}x`);
      assert.equal((await wire.answer())?.status, 201);
      wire.write(`PUT /v1/kv/${ns}/expect HTTP/1.1${crlf}${head("Content-Length: 1", "Expect: 100-continue")}`);
      assert.equal((await wire.answer())?.status, 100);
      wire.write("x");
      assert.equal((await wire.answer())?.status, 200);
    });

    it("a wish to upgrade is passed over", async () => {
      const wire = await connection();
      wire.write(`GET /health HTTP/1.1${crlf}${head("Connection: Upgrade", "Upgrade: websocket")}`);
      assert.equal((await wire.answer())?.status, 200);
    });

    it("malformed HTTP is 400", async () => {
      for (const bytes of [
        `GET /health${crlf}${crlf}`,
        `GET /health HTTP/9.9${crlf}${head()}`,
        `GET /health HTTP/1.1${crlf}no colon${crlf}${crlf}`,
        `GET /health HTTP/1.1${crlf}Bad Name: x${crlf}${crlf}`,
        `GET /health HTTP/1.1${crlf}${head("X: a\0b")}`,
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        Buffer.alloc(100, 0xff),
      ]) {
        await refused(bytes, 400, "bad-request");
      }
    });
  });

  describe("that would smuggle a request", () => {
    const smuggled = `GET /smuggled HTTP/1.1${crlf}Host: x${crlf}${crlf}`;
    for (const [what, headers, body] of [
      [
        "Content-Length and Transfer-Encoding",
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        `0${crlf}${crlf}${smuggled}`,
      ],
      ["two lengths", ["Content-Length: 5", "Content-Length: 6"], `12345${smuggled}`],
      ["a list of lengths", ["Content-Length: 5, 5"], `12345${smuggled}`],
      ["a signed length", ["Content-Length: +5"], `12345${smuggled}`],
      ["a negative length", ["Content-Length: -1"], smuggled],
      ["a length in hexadecimal", ["Content-Length: 0x5"], `12345${smuggled}`],
      ["a length beyond all numbers", ["Content-Length: 99999999999999999999"], smuggled],
      [
        "a transfer encoding that is not chunked at last",
        ["Transfer-Encoding: chunked, gzip"],
        `0${crlf}${crlf}${smuggled}`,
      ],
      ["an unknown transfer encoding", ["Transfer-Encoding: xchunked"], `0${crlf}${crlf}${smuggled}`],
      ["a space before the colon", ["Transfer-Encoding : chunked"], `0${crlf}${crlf}${smuggled}`],
      ["a folded header", ["Transfer-Encoding:", " chunked"], `0${crlf}${crlf}${smuggled}`],
      ["a chunk size that is none", ["Transfer-Encoding: chunked"], `5x${crlf}12345${crlf}0${crlf}${crlf}`],
      ["a chunk longer than it says", ["Transfer-Encoding: chunked"], `3${crlf}12345${crlf}0${crlf}${crlf}`],
      ["a bare line feed in the chunks", ["Transfer-Encoding: chunked"], "5\n12345\n0\n\n"],
    ] as const) {
      it(`${what} is refused, and the connection closed`, async () => {
        const wire = await connection();
        wire.write(`PUT /v1/kv/${ns}/smuggle HTTP/1.1${crlf}${head(...headers)}${body}`);
        const answer = await wire.answer();
        assert.ok(
          answer === null || (answer.status >= 400 && answer.status < 500),
          `${answer?.status} ${answer?.body}`,
        );
        if (answer !== null) assert.equal(answer.headers.get("content-type"), "application/problem+json");
        const next = await wire.answer();
        assert.equal(next, null, `a second answer: ${next?.status} ${next?.body}`);
        await wire.closed();
        expectProblem(await send(`GET /v1/kv/${ns}/smuggle`), 404, "not-found");
      });
    }
  });

  it("many requests on one connection, good and bad, are answered in their order", async () => {
    await send(`PUT /v1/kv/${ns}/pipelined`, { body: "x" });
    const wire = await connection();
    const one = (line: string) => `${line} HTTP/1.1${crlf}${head("Content-Length: 0")}`;
    wire.write(
      one(`GET /v1/kv/${ns}/pipelined`) +
        one(`PUT /v1/kv/${ns}/%`) +
        one(`GET /v1/kv/${ns}`) +
        one("GET /nowhere") +
        one(`GET /v1/kv/${ns}/pipelined`),
    );
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await wire.answer())?.status);
    assert.deepEqual(statuses, [200, 400, 200, 404, 200]);
  });
});
