import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import type { Edge } from "../../../../tools/box/edge/edge.ts";
import type { Timeouts } from "../../../../tools/box/edge/upstream.ts";
import { freePort } from "../../../support/ports.ts";
import { member, type StandIn, startStandIn, startTestEdge, stateOf, untilHealth } from "./support.ts";

/** Seconds: short, so that a test need not wait for Cloudflare's. */
const timeouts: Timeouts = { connect: 0.5, read: 0.5 };

describe("when a cloud gives no answer, the edge", () => {
  let good: StandIn;
  let edge: Edge | undefined;
  let answered: number;
  before(async () => {
    good = await startStandIn((request, response) => {
      answered++;
      request.pipe(response);
    });
  });
  beforeEach(() => {
    answered = 0;
  });
  afterEach(async () => {
    await edge?.stop();
    edge = undefined;
  });
  after(() => good.close());

  /** Asks through an edge whose first choice is at `url`, is thought to be up, and fails as it does. */
  async function ask(url: string, init: RequestInit = {}) {
    // Its probes are answered by the good cloud: what is tested is the time before a probe tells.
    edge = await startTestEdge([{ ...member("aws", url), readyUrl: `${good.url}/ready` }, member("gcp", good.url)], {
      timeouts,
    });
    await Promise.all([untilHealth(edge, "aws", "up"), untilHealth(edge, "gcp", "up")]);
    const response = await fetch(`${edge.url}/v1/kv/ns/k`, init);
    const { failures } = stateOf(edge, "aws").traffic;
    return {
      status: response.status,
      cloud: response.headers.get("edge-cloud"),
      text: await response.text(),
      failures,
    };
  }

  /** Listens while `use` runs, and serves each connection so. */
  async function withListener(server: Server, use: (port: number) => Promise<void>) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => sockets.add(socket));
    try {
      await use((server.address() as AddressInfo).port);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    }
  }

  it("asks the next one once when the connection is refused, with the whole body, large or small", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const body = "x".repeat(5_000_000);
    const large = await ask(url, { method: "PUT", body });
    assert.deepEqual([large.status, large.cloud, large.failures, answered], [200, "gcp", { 521: 1 }, 1]);
    assert.ok(large.text === body, "the body was to arrive whole");
  });

  it("answers 521 when the next one refuses, too: there is no third attempt", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const probed = (cloud: "aws" | "azure", port: number) => ({
      ...member(cloud, `http://127.0.0.1:${port}`),
      readyUrl: `${good.url}/ready`,
    });
    edge = await startTestEdge([probed("aws", first), probed("azure", second), member("gcp", good.url)], {
      policy: "off",
    });
    for (const cloud of ["aws", "azure", "gcp"] as const) await untilHealth(edge, cloud, "up");
    const response = await fetch(edge.url, { method: "PUT", body: "value" });
    assert.deepEqual([response.status, answered], [521, 0]);
    const { detail, instance } = (await response.json()) as Record<string, string>;
    assert.equal(detail, "the connection was refused (ECONNREFUSED)");
    assert.equal(instance, response.headers.get("edge-request-id"));
  });

  it("asks the next one when the certificate is not to be trusted, and only then", async function () {
    const { key, cert } = await selfSigned().catch((error) => {
      if (process.env.CI === "true") throw error;
      console.log("    skipped: openssl is not installed (Debian: apt-get install openssl)");
      return this.skip();
    });
    await withListener(createHttps({ key, cert }), async (port) => {
      const { status, cloud, failures } = await ask(`https://127.0.0.1:${port}`);
      assert.deepEqual([status, cloud, failures], [200, "gcp", { 526: 1 }]);
    });
    await edge?.stop();
    const usual = getCACertificates("default");
    setDefaultCACertificates([...usual, cert.toString()]);
    try {
      const trusted = createHttps({ key, cert }, (_, response) => response.end("over TLS"));
      await withListener(trusted, async (port) => {
        const { status, cloud, text, failures } = await ask(`https://127.0.0.1:${port}`);
        assert.deepEqual([status, cloud, text, failures], [200, "aws", "over TLS", {}]);
      });
    } finally {
      setDefaultCACertificates(usual);
    }
  });

  it("asks the next one when the TLS handshake fails, or does not end", async () => {
    await withListener(
      createServer((socket) => socket.end("no TLS here")),
      async (port) => {
        const { status, cloud, failures } = await ask(`https://127.0.0.1:${port}`);
        assert.deepEqual([status, cloud, failures], [200, "gcp", { 525: 1 }]);
      },
    );
    await edge?.stop();
    await withListener(
      createServer(() => {}),
      async (port) => {
        const { status, cloud, failures } = await ask(`https://127.0.0.1:${port}`);
        assert.deepEqual([status, cloud, failures], [200, "gcp", { 522: 1 }]);
      },
    );
  });

  it("asks the next one when no connection comes about in time", async function () {
    if (process.platform !== "linux") this.skip();
    // A frozen process whose queue of connections is full: further ones get no answer at all.
    const child = fork(join(import.meta.dirname, "cloud-process.ts"), ["--backlog", "1"]);
    const [{ port }] = await once(child, "message");
    child.kill("SIGSTOP");
    const waiting = Array.from({ length: 3 }, () => connect(port, "127.0.0.1").on("error", () => {}));
    try {
      const { status, cloud, failures } = await ask(`http://127.0.0.1:${port}`);
      assert.deepEqual([status, cloud, failures], [200, "gcp", { 522: 1 }]);
    } finally {
      for (const socket of waiting) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("asks nobody else when the connection is reset with the request under way: 520", async () => {
    await withListener(
      createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
      async (port) => {
        const { status, cloud, failures } = await ask(`http://127.0.0.1:${port}`, { method: "PUT", body: "value" });
        assert.deepEqual([status, cloud, failures, answered], [520, null, { 520: 1 }, 0]);
      },
    );
  });

  it("asks nobody else when the cloud takes the request and says nothing: 524", async () => {
    await withListener(
      createServer(() => {}),
      async (port) => {
        const { status, cloud, failures } = await ask(`http://127.0.0.1:${port}`);
        assert.deepEqual([status, cloud, failures, answered], [524, null, { 524: 1 }, 0]);
      },
    );
  });

  it("asks nobody else when the cloud answers 500, 502, 503 or 504", async () => {
    for (const status of [500, 502, 503, 504]) {
      const bad = await startStandIn((_, response) => response.writeHead(status).end("mine"));
      const got = await ask(bad.url).finally(() => bad.close());
      assert.deepEqual([got.status, got.cloud, got.text, answered], [status, "aws", "mine", 0]);
      await edge?.stop();
    }
  });
});

/** A key and a certificate that nobody has reason to trust. */
async function selfSigned(): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), "skykv-edge-"));
  const file = (name: string) => join(folder, name);
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1"];
    const address = ["-addext", "subjectAltName=IP:127.0.0.1"];
    await promisify(execFile)("openssl", [
      "req",
      "-x509",
      ...curve,
      ...address,
      "-keyout",
      file("key"),
      "-out",
      file("cert"),
    ]);
    return { key: await readFile(file("key")), cert: await readFile(file("cert")) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
