import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Link } from "../../../tools/box/link.ts";
import { until } from "./support.ts";

describe("a link between two clouds", () => {
  let server: Server;
  let heard: string;
  let link: Link;
  /** Of the same server, and never disturbed: what was sent before a round trip on it has had its time. */
  let other: Link;
  const sockets = new Set<Socket>();
  beforeEach(async () => {
    heard = "";
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        heard += bytes;
        socket.write(bytes);
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const target = () => ({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    [link, other] = [await Link.listen(target), await Link.listen(target)];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all([link.close(), other.close()]);
    await new Promise((resolve) => server.close(resolve));
  });

  /** A connection through the link, and all that came back on it. */
  async function open(through = link) {
    const socket = connect(through.port, "127.0.0.1");
    sockets.add(socket);
    const connection = { socket, answer: "", broken: "" };
    socket.on("data", (bytes) => (connection.answer += bytes));
    socket.on("error", (error: NodeJS.ErrnoException) => (connection.broken = error.code!));
    await once(socket, "connect").catch(() => {});
    return connection;
  }

  async function roundTrip(through: Link) {
    const connection = await open(through);
    connection.socket.write("hello");
    await until("they are back", async () => connection.answer === "hello");
  }

  it("passes bytes on both ways", () => roundTrip(link));

  it("holds them while it is cut one way, and delivers them in order afterwards", async () => {
    const connection = await open();
    link.set({ back: { held: true } });
    connection.socket.write("1");
    await until("they are there", async () => heard === "1");
    link.set({ there: { held: true }, back: { held: true } });
    connection.socket.write("2");
    const late = await open();
    late.socket.write("3");
    await roundTrip(other);
    assert.deepEqual([heard, connection.answer], ["1hello", ""]);
    link.set({});
    await until("all are back", async () => connection.answer === "12" && late.answer === "3");
  });

  it("forgets what a connection sent that was given up during a cut", async () => {
    link.set({ there: { held: true } });
    const given = await open();
    given.socket.end("never");
    await until("it is gone", async () => given.broken === "ECONNRESET");
    link.set({});
    const connection = await open();
    connection.socket.write("now");
    await until("the other one is served", async () => connection.answer === "now");
    assert.equal(heard, "now");
  });

  it("delays them, without making many wait for each other", async () => {
    link.set({ there: { delay: 100 }, back: { delay: 100 } });
    const connection = await open();
    const start = performance.now();
    for (let i = 0; i < 10; i++) {
      connection.socket.write(String(i));
      await new Promise(setImmediate);
    }
    await until("all are back", async () => connection.answer === "0123456789");
    const took = performance.now() - start;
    assert.ok(took > 195 && took < 1000, `took ${took} ms`);
  });

  it("bounds how many a second pass", async () => {
    link.set({ there: { rate: 1_000_000 } });
    const connection = await open();
    const start = performance.now();
    connection.socket.write("x".repeat(200_000));
    await until("all are back", async () => connection.answer.length === 200_000);
    assert.ok(performance.now() - start > 195);
  });

  it("breaks its connections when told to, and when the target is gone", async () => {
    const connection = await open();
    link.reset();
    await until("it is broken", async () => connection.broken === "ECONNRESET");
    await link.close();
    link = await Link.listen(() => undefined);
    const nobody = await open();
    await until("nobody is there", async () => nobody.broken === "ECONNRESET");
  });
});
