import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Link, Links } from "../../../tools/box/links.ts";
import { until } from "../../support/kv.ts";

/** Answers each piece with the same one in capitals, and keeps what it was told. */
async function shouter(): Promise<{ server: Server; port: number; heard: () => string }> {
  let heard = "";
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard += bytes;
      socket.write(String(bytes).toUpperCase());
    });
    socket.on("end", () => socket.end("."));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port, heard: () => heard };
}

async function caller(port: number): Promise<{ socket: Socket; said: () => string; isBroken: () => boolean }> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  let said = "";
  let broken = false;
  socket.on("data", (bytes) => (said += bytes)).on("error", () => (broken = true));
  await once(socket, "connect");
  return { socket, said: () => said, isBroken: () => broken };
}

describe("a link between clouds", () => {
  let far: Awaited<ReturnType<typeof shouter>>;
  let link: Link;
  let near: Awaited<ReturnType<typeof caller>>;
  beforeEach(async () => {
    far = await shouter();
    link = await Link.open(() => [far.port]);
    near = await caller(link.port);
  });
  afterEach(async () => {
    near.socket.destroy();
    await link.close();
    far.server.close();
  });
  const answered = (text: string) => until(`the answer ${text}`, 5000, () => near.said() === text);
  /** All that was under way has arrived by then: a connection that is not cut has been there and back. */
  const otherTraffic = async () => {
    const direct = await caller(far.port);
    direct.socket.write("-");
    await until("the other one is answered", 5000, () => direct.said() === "-");
    direct.socket.destroy();
  };

  it("passes bytes both ways, and the end of each way by itself", async () => {
    near.socket.write("hello");
    await answered("HELLO");
    near.socket.end();
    await answered("HELLO.");
  });

  it("holds back what is sent while it is cut, without a word, and brings it late", async () => {
    link.trouble = { kind: "cut" };
    near.socket.write("a");
    await otherTraffic();
    assert.equal(far.heard(), "-");
    assert.equal(near.isBroken(), false);
    link.trouble = null;
    await answered("A");
  });

  it("can be cut in one direction: the question arrives, the answer does not", async () => {
    link.trouble = { kind: "cut", direction: "back" };
    near.socket.write("a");
    await until("it was heard", 5000, () => far.heard() === "a");
    await otherTraffic();
    assert.equal(near.said(), "");
    link.trouble = null;
    await answered("A");
  });

  it("breaks connections that are open and those that come, when it resets", async () => {
    link.trouble = { kind: "reset" };
    await until("the open one breaks", 5000, near.isBroken);
    const late = await caller(link.port).catch(() => null);
    if (late !== null) await until("the new one breaks", 5000, late.isBroken);
    assert.equal(far.heard(), "");
  });

  it("takes its time when it is slow, and keeps the order", async () => {
    link.trouble = { kind: "slow", delay: 50, bytesPerSecond: 1e6 };
    const start = performance.now();
    for (const letter of "abcdef") near.socket.write(letter);
    await answered("ABCDEF");
    assert.ok(performance.now() - start >= 95, "there and back");
    const large = "x".repeat(100_000);
    near.socket.write(large);
    await until("all of it", 10_000, () => near.said().length === 6 + large.length);
    assert.ok(performance.now() - start >= 230, "100 KB at 1 MB/s, both ways side by side");
  });

  it("breaks the other end when one end breaks", async () => {
    near.socket.write("a");
    await answered("A");
    far.server.close();
    const gone = new Promise<void>((resolve) => far.server.once("close", resolve));
    near.socket.resetAndDestroy();
    await gone;
  });

  it("goes past processes that refuse, and breaks where all do", async () => {
    const free = await shouter();
    free.server.close();
    await once(free.server, "close");
    const links = [await Link.open(() => [free.port, far.port]), await Link.open(() => [free.port])] as const;
    for (let i = 0; i < 2; i++) {
      const one = await caller(links[0].port);
      one.socket.write("a");
      await until("an answer", 5000, () => one.said() === "A");
      one.socket.destroy();
    }
    const none = await caller(links[1].port);
    await until("it breaks", 5000, none.isBroken);
    await Promise.all(links.map((one) => one.close()));
  });
});

describe("the links of a cluster", () => {
  it("are one for each cloud and peer, and those of a cloud can be found", async () => {
    const links = await Links.open(["aws", "gcp", "azure"], () => []);
    assert.equal(links.all().length, 6);
    assert.equal(links.of("gcp").length, 4);
    assert.ok(links.of("gcp").includes(links.between("gcp", "aws")));
    assert.ok(!links.of("gcp").includes(links.between("azure", "aws")));
    assert.throws(() => links.between("aws", "aws"), /expected two of the clouds/);
    await links.close();
  });
});
