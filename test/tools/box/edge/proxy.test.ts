import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Edge } from "../../../../tools/box/edge/edge.ts";
import { Connection } from "../../../service/http/connection.ts";
import { until } from "../support.ts";
import { member, type StandIn, startStandIn, startTestEdge, stateOf, untilHealth } from "./support.ts";

describe("the edge's proxy", () => {
  let cloud: StandIn;
  let edge: Edge;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const port = () => Number(new URL(edge.url).port);
  /** Sends a head (lines) and a body as they are; resolves with the answer. */
  const send = async (lines: string[], body = "") => {
    const connection = await Connection.open(port());
    connection.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`));
    const answered = await connection.answer();
    connection.socket.destroy();
    return answered!;
  };
  /** What the cloud got: its answer. */
  const echo = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const text = JSON.stringify({ target: request.url, method: request.method, headers: request.rawHeaders, body });
      response.writeHead(200, { "Content-Length": Buffer.byteLength(text) }).end(text);
    });
  };
  const seen = async (lines: string[], body?: string) => {
    const { body: text, status } = await send(lines, body);
    assert.equal(status, 200, text);
    const { headers, ...rest } = JSON.parse(text);
    const pairs = (headers as string[]).flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []));
    return {
      ...rest,
      headers: pairs,
      of: (name: string) => pairs.filter(([found]) => found === name).map(([, v]) => v),
    };
  };

  before(async () => {
    cloud = await startStandIn((request, response) => answer(request, response));
    cloud.server.maxHeadersCount = 0;
    edge = await startTestEdge([member("aws", cloud.url)]);
    await untilHealth(edge, "aws", "up");
  });
  beforeEach(() => {
    answer = echo;
  });
  after(async () => {
    await Promise.all([edge.stop(), cloud.close()]);
  });

  it("leaves the target, the method, Host and end-to-end headers as they were", async () => {
    const target = "/v1/kv/ns/a%2Fb/../c//d;e?x=%41&y=%f0%9F%99%82";
    const { of, ...got } = await seen(
      [`PUT ${target} HTTP/1.1`, "hOsT: kv.example.com:1234", "X-Twice: one", "x-twice: two", "Content-Length: 2"],
      "hi",
    );
    assert.equal(got.target, target);
    assert.deepEqual(
      [got.method, got.body, of("hOsT"), of("X-Twice"), of("x-twice")],
      ["PUT", "hi", ["kv.example.com:1234"], ["one"], ["two"]],
    );
    const absolute = await seen(["GET http://kv.example.com/v1/kv/ns/k HTTP/1.1", "Host: kv.example.com"]);
    assert.equal(absolute.target, "http://kv.example.com/v1/kv/ns/k");
  });

  it("takes away what is for one connection, and never what frames the body", async () => {
    const { headers, body } = await seen(
      [
        "PUT /v1/kv/ns/k HTTP/1.1",
        "Host: kv",
        "Connection: keep-alive, X-Secret, Content-Length",
        "Keep-Alive: timeout=5",
        "X-Secret: 1",
        "TE: trailers",
        "Upgrade: h2c",
        "Proxy-Authorization: Basic eA==",
        "Edge-Cloud: aws",
        "Content-Length: 5",
      ],
      "value",
    );
    const names = headers.map(([name]: string[]) => name!.toLowerCase());
    assert.deepEqual(names, ["host", "content-length", "x-request-id", "connection"]);
    assert.equal(body, "value");
    answer = (_, response) => {
      response.writeHead(200, {
        "Keep-Alive": "timeout=5",
        Connection: "keep-alive, X-Hop",
        "X-Hop": "1",
        ETag: '"v"',
      });
      response.end();
    };
    const answered = await send(["GET /k HTTP/1.1", "Host: kv"]);
    assert.equal(answered.headers.get("x-hop"), undefined);
    assert.notEqual(answered.headers.get("keep-alive"), "timeout=5");
    assert.equal(answered.headers.get("etag"), '"v"');
  });

  it("frames bodies as they came: chunked ones, empty ones, and none, whatever the method", async () => {
    const chunked = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (const method of ["PUT", "DELETE", "GET"]) {
      const got = await seen([`${method} /k HTTP/1.1`, "Host: kv", "Transfer-Encoding: chunked"], chunked);
      assert.deepEqual([got.body, got.of("Transfer-Encoding")], ["abcde", ["chunked"]], method);
    }
    const empty = await seen(["POST /k:increment HTTP/1.1", "Host: kv"]);
    assert.deepEqual([empty.of("Content-Length"), empty.of("Transfer-Encoding")], [["0"], []]);
    const none = await seen(["GET /k HTTP/1.1", "Host: kv"]);
    assert.deepEqual([none.of("Content-Length"), none.of("Transfer-Encoding")], [[], []]);
  });

  it("answers HEAD, 204 and 304 without a body, so that the next answer follows at once", async () => {
    answer = (request, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, status === 200 ? { "Content-Length": "1000" } : {}).end();
    };
    const connection = await Connection.open(port());
    const chunks: Buffer[] = [];
    connection.socket.on("data", (chunk) => chunks.push(chunk));
    for (const line of ["HEAD /200", "GET /204", "GET /304"]) connection.write(`${line} HTTP/1.1\r\nHost: kv\r\n\r\n`);
    connection.write("HEAD /200 HTTP/1.1\r\nHost: kv\r\nConnection: close\r\n\r\n");
    await once(connection.socket, "end");
    const answers = Buffer.concat(chunks).toString().split("\r\n\r\n");
    assert.deepEqual(
      answers.map((head) => /^(?:HTTP\/1\.1 (\d+) |$)/.exec(head)?.[1]),
      ["200", "204", "304", "200", undefined],
    );
    assert.match(answers[0]!, /Content-Length: 1000/);
    connection.socket.destroy();
  });

  it("passes an id on as X-Request-Id and tells it, and the cloud that answered", async () => {
    const answered = await send(["GET /k HTTP/1.1", "Host: kv"]);
    const id = answered.headers.get("edge-request-id")!;
    const { headers } = JSON.parse(answered.body);
    assert.match(id, /^[\w-]+$/);
    assert.equal(headers[headers.indexOf("X-Request-Id") + 1], id);
    assert.equal(answered.headers.get("edge-cloud"), "aws");
    const given = await seen(["GET /k HTTP/1.1", "Host: kv", "X-Request-Id: mine"]);
    assert.deepEqual([given.of("X-Request-Id")], [["mine"]]);
  });

  it("sends 25 MiB both ways without holding them, as fast as they are taken", async () => {
    const size = 25 * 1024 * 1024;
    const release = Promise.withResolvers<void>();
    let taken = 0;
    answer = async (request, response) => {
      await release.promise;
      for await (const chunk of request) taken += chunk.length;
      response.writeHead(200, { "Content-Length": size });
      response.end(Buffer.alloc(size, 1));
    };
    let sent = 0;
    const out = request(`${edge.url}/v1/kv/ns/large`, { method: "PUT", headers: { "Content-Length": size } });
    const chunk = Buffer.alloc(64 * 1024, 2);
    const write = () => {
      while (sent < size) {
        sent += chunk.length;
        if (!out.write(chunk)) return out.once("drain", write);
      }
      out.end();
    };
    write();
    // The cloud reads nothing: what the sockets and streams on the way hold is sent, and no more.
    let before = -1;
    await until("the client is held back", async () => {
      const held = sent === before && sent > 0;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return held;
    });
    assert.ok(sent < size, `${sent} bytes were taken from the client though the cloud read none`);
    release.resolve();
    const [answered] = (await once(out, "response")) as [IncomingMessage];
    let received = 0;
    for await (const part of answered) received += part.length;
    assert.deepEqual([taken, received], [size, size]);
  });

  it("sends the head and each event of a watch at once", async () => {
    let watch: ServerResponse | undefined;
    answer = (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
      watch = response;
    };
    const response = await fetch(`${edge.url}/v1/kv/ns:watch`);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.getReader();
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      watch!.write(event);
      assert.equal(new TextDecoder().decode((await reader.read()).value), event);
    }
    await reader.cancel();
  });

  it("lets the cloud say whether a body is wanted, and hands on an answer that comes before its end", async () => {
    answer = (_, response) => response.writeHead(413, { Connection: "close", "Content-Length": 9 }).end("too large");
    cloud.server.once("checkContinue", answer);
    const refused = await send(["PUT /k HTTP/1.1", "Host: kv", "Content-Length: 1000000", "Expect: 100-continue"]);
    assert.deepEqual([refused.status, refused.body], [413, "too large"]);
    const sending = await Connection.open(port());
    sending.write(`PUT /k HTTP/1.1\r\nHost: kv\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1000)}`);
    const early = (await sending.answer())!;
    assert.deepEqual([early.status, early.body], [413, "too large"]);
    // Nobody waits for the rest.
    assert.equal(await sending.answer(), null);
    sending.socket.destroy();
    cloud.server.once("checkExpectation", echo);
    assert.deepEqual((await seen(["GET /k HTTP/1.1", "Host: kv", "Expect: more"])).of("Expect"), ["more"]);
    answer = echo;
    const connection = await Connection.open(port());
    connection.write("PUT /k HTTP/1.1\r\nHost: kv\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert.equal((await connection.answer())!.status, 100);
    connection.write("hi");
    assert.equal(JSON.parse((await connection.answer())!.body).body, "hi");
    connection.socket.destroy();
  });

  it("lets the cloud know when a client leaves: within its body, before the answer and within it", async () => {
    for (const [body, begins] of [
      ["Content-Length: 9\r\n\r\nhalf", false],
      ["\r\n", false],
      ["\r\n", true],
    ] as const) {
      const gone = Promise.withResolvers<void>();
      const came = Promise.withResolvers<void>();
      answer = (_, response) => {
        if (begins) response.write("begun");
        response.once("close", gone.resolve);
        came.resolve();
      };
      const connection = await Connection.open(port());
      connection.write(`PUT /k HTTP/1.1\r\nHost: kv\r\n${body}`);
      await came.promise;
      connection.socket.destroy();
      await gone.promise;
    }
    await until("nothing is under way", async () => stateOf(edge, "aws").traffic.open === 0);
  });

  it("cuts an answer that the cloud cut, so that nobody takes it for whole", async () => {
    answer = (_, response) => {
      response.write("half");
      setImmediate(() => response.destroy());
    };
    await assert.rejects(async () => (await fetch(`${edge.url}/k`)).text(), /terminated/);
  });

  it("answers 520 to an answer that cannot be handed on", async () => {
    answer = (_, response) => response.socket!.end("HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n");
    assert.equal((await send(["GET /k HTTP/1.1", "Host: kv"])).status, 520);
    answer = (_, response) => response.socket!.end("no HTTP\r\n\r\n");
    assert.equal((await send(["GET /k HTTP/1.1", "Host: kv"])).status, 520);
  });

  it("answers what is under way when it stops, then closes, and takes nothing new", async () => {
    const stopping = await startTestEdge([member("aws", cloud.url)]);
    const released = Promise.withResolvers<void>();
    const came = Promise.withResolvers<void>();
    answer = async (_, response) => {
      came.resolve();
      await released.promise;
      response.end("answered");
    };
    const response = fetch(stopping.url);
    await came.promise;
    const stopped = stopping.stop();
    await assert.rejects(fetch(stopping.url));
    released.resolve();
    const answeredAt = performance.now();
    assert.equal(await (await response).text(), "answered");
    await stopped;
    assert.ok(performance.now() - answeredAt < 5000, "it was not to wait until it cuts what is open");
  });

  it("says so on connections that are kept when it stops, and does not wait for their clients", async () => {
    const stopping = await startTestEdge([member("aws", cloud.url)]);
    const released = Promise.withResolvers<void>();
    const came = Promise.withResolvers<void>();
    answer = async (_, response) => {
      came.resolve();
      await released.promise;
      response.end();
    };
    const request = "GET /k HTTP/1.1\r\nHost: kv\r\n\r\n";
    const [kept, idle] = await Promise.all([0, 1].map(() => Connection.open(Number(new URL(stopping.url).port))));
    kept!.write(request);
    await came.promise;
    const stopped = stopping.stop();
    kept!.write(request);
    const startedAt = performance.now();
    released.resolve();
    const answers = [await kept!.answer(), await kept!.answer()];
    assert.deepEqual(
      answers.map((given) => given?.headers.get("connection")),
      ["keep-alive", "close"],
    );
    await stopped;
    assert.ok(performance.now() - startedAt < 5000, "it was not to wait until it cuts what is open");
    for (const { socket } of [kept!, idle!]) socket.destroy();
  });

  it("ends a chunked answer to a client of HTTP/1.0 with its connection", async () => {
    answer = (_, response) => {
      response.write("one ");
      response.end("two");
    };
    const connection = await Connection.open(port());
    const chunks: Buffer[] = [];
    connection.socket.on("data", (chunk) => chunks.push(chunk));
    connection.write("GET /k HTTP/1.0\r\n\r\n");
    await once(connection.socket, "end");
    const text = Buffer.concat(chunks).toString();
    assert.match(text, /\r\n\r\none two$/);
    assert.doesNotMatch(text, /chunked/);
    connection.socket.destroy();
  });

  it("refuses headers above its bound, an unknown region and what is no HTTP", async () => {
    const large = await send(["GET /k HTTP/1.1", "Host: kv", `X-Large: ${"x".repeat(40_000)}`]);
    assert.equal(large.status, 431);
    const many = await seen(["GET /k HTTP/1.1", "Host: kv", ...Array.from({ length: 2100 }, () => "a:1")]);
    assert.equal(many.of("a").length, 2100);
    answer = (_, response) => response.writeHead(200, Array.from({ length: 2100 }, () => ["a", "1"]).flat()).end();
    assert.equal((await fetch(edge.url)).headers.get("a")!.split(",").length, 2100);
    const region = await send(["GET /k HTTP/1.1", "Host: kv", "Edge-Region: Atlantis"]);
    assert.equal(region.status, 400);
    assert.match(JSON.parse(region.body).detail, /^expected Edge-Region to be one of WNAM, .*, found "Atlantis"$/);
    assert.equal((await send(["nonsense"])).status, 400);
  });
});
