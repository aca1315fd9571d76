import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../service/http/connection.ts";
import { EventStream } from "../service/http/stream.ts";
import { startTestService, type TestService } from "../support/service.ts";

const crlf = "\r\n";

/** Real time, a quarter of a minute of it: which is why these are not among the API's other tests. */
describe("slow clients", function () {
  this.timeout(60_000);
  let service: TestService;
  let port: number;
  let open: Connection[] = [];
  before(async () => {
    service = await startTestService();
    port = Number(new URL(service.url).port);
  });
  after(async () => {
    for (const connection of open) connection.close();
    open = [];
    await service.close();
  });

  async function connection(bytes: string | Uint8Array): Promise<Connection> {
    const made = await Connection.open(port);
    open.push(made);
    made.write(bytes);
    return made;
  }
  const start = (line: string, ...headers: string[]) =>
    [`${line} HTTP/1.1`, "Host: x", `Authorization: Bearer ${service.adminKey}`, ...headers, "", ""].join(crlf);

  /** Expects 408 with its limit, in time, and then a closed connection. */
  async function isTooSlow(slow: Connection, limit: number): Promise<void> {
    const began = performance.now();
    const answer = await slow.answer();
    const seconds = (performance.now() - began) / 1000;
    assert.equal(answer?.status, 408, answer?.body);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    const problem = JSON.parse(answer.body);
    assert.deepEqual([problem.code, problem.limit], ["request-timeout", limit]);
    assert.ok(seconds > limit - 2 && seconds < limit + 5, `${seconds} s`);
    await slow.closed();
  }

  it("are told that they are, and do not hold up others", async () => {
    const half = Buffer.concat([
      Buffer.from(start("PUT /v1/kv/default/a", `Content-Length: ${4 * 2 ** 20}`)),
      Buffer.alloc(2 ** 21),
    ]);
    const trickling = await connection("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    const trickle = setInterval(() => trickling.write("x"), 500);
    const stalled = await Promise.all([
      connection(`${start("PUT /v1/kv/default/a", "Content-Length: 10")}12345`),
      connection(start("PUT /v1/kv/default/a", "Content-Length: 10")),
      connection(half),
      connection(`${start("PUT /v1/kv/default/a", "Transfer-Encoding: chunked")}5${crlf}12345${crlf}`),
      connection(`${start("POST /v1/kv/default/a:increment", "Content-Length: 10")}{`),
      connection(`${start("POST /v1/kv/default:batch", "Content-Length: 1000")}{"operations":[`),
      connection(`${start("PUT /v1/namespaces/slow", "Content-Length: 10")}{`),
      connection(`${start("POST /v1/keys", "Content-Length: 10")}{`),
    ]);
    const unfinished = await Promise.all([connection("GET /health HTTP/1.1\r\nHost"), connection("G")]);
    const others = async () => {
      for (let i = 0; i < 10; i++) {
        const began = performance.now();
        assert.equal((await fetch(`${service.url}/health`)).status, 200);
        assert.ok(performance.now() - began < 1000);
        await sleep(500);
      }
    };
    try {
      await Promise.all([
        ...stalled.map((slow) => isTooSlow(slow, 10)),
        ...unfinished.map((slow) => isTooSlow(slow, 15)),
        isTooSlow(trickling, 15),
        others(),
      ]);
    } finally {
      clearInterval(trickle);
    }
    const { status } = await fetch(`${service.url}/v1/kv/default/a`, {
      headers: { Authorization: `Bearer ${service.adminKey}` },
    });
    assert.equal(status, 404, "nothing of them was written");
  });

  it("that send an import are told what was imported before they stalled", async () => {
    const response = await fetch(`${service.url}/v1/import?namespace=default`, {
      method: "POST",
      headers: { Authorization: `Bearer ${service.adminKey}` },
      duplex: "half",
      body: new ReadableStream({
        start: (stream) => stream.enqueue(new TextEncoder().encode('{"key":"i","value":""}\n{"key":"j"')),
      }),
    } as RequestInit);
    const lines = (await response.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const last = lines.at(-1);
    assert.equal(last.type, "error");
    assert.equal(last.problem.code, "request-timeout");
    assert.ok(lines.some(({ type, line }) => type === "progress" && line === 1));
  });

  it("that only wait are left alone: idle connections, and watches, which are kept awake", async () => {
    const idle = await connection(start("GET /health"));
    assert.equal((await idle.answer())?.status, 200);
    const stream = await EventStream.open(`${service.url}/v1/kv/default:watch`);
    assert.ok(await stream.frame((frame) => frame.comment !== undefined, 18_000), "a comment within 15 seconds");
    idle.write(start("GET /health"));
    assert.equal((await idle.answer())?.status, 200);
    stream.close();
  });
});
