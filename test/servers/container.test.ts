import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Postgres, startPostgres } from "../../tools/box/postgres.ts";
import { type Engine, openEngine } from "../../tools/container/engine.ts";
import { buildImage, layerSizes } from "../../tools/container/image.ts";
import { freePort } from "../support/ports.ts";

const image = `skykv-test-${process.pid}`;
const key = `skykv_testcontaine_${randomBytes(32).toString("base64url").replaceAll("_", "-")}`;
const authorization = `Bearer ${key}`;

type Container = { name: string; port: number; metricsPort: number };
type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

describe("the container", function () {
  this.timeout(240_000);
  let engine: Engine;
  let postgres: Postgres | undefined;
  const cleanUps: (() => Promise<unknown>)[] = [];

  before(async function () {
    try {
      assert.equal(process.platform, "linux", "needs Linux: the containers use its sockets and its network");
      engine = await openEngine();
    } catch (error) {
      if (process.env.CI === "true") throw error;
      console.log(`    skipped: ${(error as Error).message}`);
      return this.skip();
    }
    cleanUps.push(() => engine.close());
    await buildImage(engine, image);
    cleanUps.push(() => engine.docker(["rmi", "--force", image]));
    const directory = await mkdtemp(join(tmpdir(), "skykv-postgres-"));
    cleanUps.push(() => rm(directory, { recursive: true, force: true }));
    postgres = await startPostgres({ directory, settings: { unix_socket_permissions: "0777" } });
    cleanUps.push(() => postgres!.stop());
    // The container's user is another than PostgreSQL's.
    await chmod(directory, 0o711);
  });

  after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  /** A container that was made, but not started: read-only root, no capabilities, ports of this machine's loopback. */
  async function create(): Promise<Container> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const name = `${image}-${port}`;
    const environment = { HOST: "127.0.0.1", PORT: String(port), METRICS_PORT: String(metricsPort) };
    await engine.docker(
      [
        ...["create", "--name", name, "--network", "host", "--read-only"],
        ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
        ...["--health-interval", "1s", "--health-retries", "1"],
        ...["--volume", `${postgres!.directory}:${postgres!.directory}`],
        ...Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
        ...["--env", "DATABASE_URL", "--env", "SKYKV_ADMIN_KEY", image],
      ],
      { DATABASE_URL: postgres!.url, SKYKV_ADMIN_KEY: key },
    );
    cleanUps.push(() => remove(name));
    return { name, port: port!, metricsPort: metricsPort! };
  }

  async function start(): Promise<Container> {
    const container = await create();
    await engine.docker(["start", container.name]);
    await untilReady(container);
    return container;
  }

  async function remove(name: string): Promise<void> {
    await engine.docker(["rm", "--force", "--volumes", name]);
  }

  /** Waits for 200 of /ready, and says what the service logged when it ends before. */
  async function untilReady({ name, port }: Container): Promise<void> {
    for (;;) {
      const answer = await send(port, "GET", "/ready").catch(() => undefined);
      if (answer?.status === 200) return;
      if (answer === undefined && (await inspect(name, "{{.State.Status}}")) === "exited") {
        assert.fail(`the service ended: ${await engine.docker(["logs", name])}`);
      }
      await sleep(5);
    }
  }

  async function inspect(name: string, format: string): Promise<string> {
    return engine.docker(["inspect", "--format", format, name]);
  }

  it("has less than 120 MB of distinct compressed layers, bases included", async () => {
    const sizes = await layerSizes(engine, image);
    const total = sizes.reduce((sum, bytes) => sum + bytes, 0) / 1e6;
    console.log(`      ${total.toFixed(1)} MB in ${sizes.length} layers`);
    assert.ok(total < 120, `expected less than 120 MB, found ${total.toFixed(1)}`);
  });

  it("says what it is, and runs as a numbered user who is not root", async () => {
    const labels = JSON.parse(await inspect(image, "{{json .Config.Labels}}")) as Record<string, string>;
    const { version } = JSON.parse(await readFile(new URL("../../service/package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    assert.equal(labels["org.opencontainers.image.title"], "SkyKV");
    assert.equal(labels["org.opencontainers.image.version"], version);
    assert.equal(labels["org.opencontainers.image.licenses"], "Apache-2.0");
    assert.match(labels["org.opencontainers.image.revision"]!, /^([0-9a-f]{40}|unknown)$/);
    assert.equal(await inspect(image, "{{.Config.User}}"), "65532:65532");
  });

  it("gives back what was put, large values too, on a read-only root", async () => {
    const { name, port } = await start();
    for (const body of [Buffer.from("small"), randomBytes(3 * 2 ** 20)]) {
      assert.equal((await send(port, "PUT", "/v1/kv/default/first", body)).status, body.length < 10 ? 201 : 200);
      assert.deepEqual((await send(port, "GET", "/v1/kv/default/first")).body, body);
    }
    await remove(name);
  });

  it("is found healthy by its own check, and unhealthy when it hangs", async () => {
    const { name } = await start();
    await until(async () => (await inspect(name, "{{.State.Health.Status}}")) === "healthy");
    await engine.docker(["kill", "--signal", "STOP", name]);
    await until(async () => (await inspect(name, "{{.State.Health.Status}}")) === "unhealthy");
    await remove(name);
  });

  it("is ready within a second of its start", async () => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const container = await create();
      const from = performance.now();
      await engine.docker(["start", container.name]);
      await untilReady(container);
      times.push(performance.now() - from);
      await remove(container.name);
    }
    const median = times.sort((a, b) => a - b)[2]!;
    console.log(`      ready after ${Math.round(median)} ms (median of 5)`);
    // Twice the promise: other work may share the machine's cores.
    assert.ok(median < 2000, `expected less than 2000 ms, found ${Math.round(median)}`);
  });

  it("answers every request that it took when it is stopped under load, and loses no acknowledged write", async () => {
    const { name, port, metricsPort } = await start();
    const clients = Array.from({ length: 48 }, (_, id) => new Client(port, `/v1/kv/default/client-${id}`));
    const running = Promise.all(clients.map((client) => client.run()));
    await until(async () => clients.every(({ answers }) => answers > 10));
    const upload = slowUpload(port, "/v1/kv/default/slow", 2 * 2 ** 20);
    await upload.half;

    const stopped = engine.docker(["stop", "--time", "60", name]);
    await until(async () => (await send(metricsPort, "GET", "/ready").catch(() => undefined))?.status !== 200);
    upload.finish();
    assert.equal((await upload.answer).status, 201);
    await running;
    await stopped;

    assert.deepEqual(clients.map(({ failure }) => failure).filter(Boolean), []);
    assert.equal(await inspect(name, "{{.State.ExitCode}}"), "0");
    await remove(name);

    const next = await start();
    for (const { path, acknowledged } of clients) {
      assert.equal((await send(next.port, "GET", path)).body.toString(), acknowledged);
    }
    await remove(next.name);
  });
});

/** Puts and gets one key over one connection, the next request as soon as the last is answered, until told to go. */
class Client {
  readonly path: string;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  answers = 0;
  /** The last value that the service said it has. */
  acknowledged = "";
  failure: string | undefined;

  constructor(port: number, path: string) {
    this.#port = port;
    this.path = path;
  }

  async run(): Promise<void> {
    try {
      for (let value = 1; ; value++) {
        const put = await this.#send("PUT", Buffer.from(String(value)));
        this.acknowledged = String(value);
        if (put.headers.connection === "close") return;
        const get = await this.#send("GET");
        assert.equal(get.body.toString(), this.acknowledged);
        if (get.headers.connection === "close") return;
      }
    } catch (error) {
      this.failure = `after ${this.answers} answers: ${(error as Error).message}`;
    } finally {
      this.#agent.destroy();
    }
  }

  async #send(method: string, body?: Buffer): Promise<Answer> {
    const answer = await send(this.#port, method, this.path, body, this.#agent);
    assert.ok(answer.status === 200 || answer.status === 201, `status ${answer.status}: ${answer.body}`);
    this.answers++;
    return answer;
  }
}

function send(port: number, method: string, path: string, body?: Buffer, agent?: Agent): Promise<Answer> {
  const headers = { authorization, ...(body && { "content-length": body.length }) };
  return answerOf(request({ port, host: "127.0.0.1", method, path, headers, agent }).end(body));
}

/** A PUT whose second half is sent on demand. */
function slowUpload(port: number, path: string, size: number) {
  const headers = { authorization, "content-length": size };
  const sent = request({ port, host: "127.0.0.1", method: "PUT", path, headers, agent: false });
  const half = new Promise<void>((resolve) => sent.write(Buffer.alloc(size / 2), () => resolve()));
  return { half, answer: answerOf(sent), finish: () => sent.end(Buffer.alloc(size / 2)) };
}

async function answerOf(sent: ReturnType<typeof request>): Promise<Answer> {
  const [response] = await once(sent, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
