import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { printable, readConfig } from "../../../service/config.ts";
import { ProcessCloud } from "../../support/processes.ts";
import { adminKey } from "../../support/service.ts";
import { Connection } from "./connection.ts";
import { EventStream } from "./stream.ts";
import { Api, eventually, sharedService, startBeside } from "./support.ts";

const main = fileURLToPath(new URL("../../../service/main.ts", import.meta.url));

describe("lifecycle", () => {
  describe("at the start", () => {
    const shared = sharedService();

    function run(
      environment: Record<string, string>,
      ...args: string[]
    ): Promise<{ code: number; stdout: string; stderr: string }> {
      return new Promise((resolve) => {
        const env = { PATH: process.env.PATH!, ...environment };
        execFile(process.execPath, [main, ...args], { env, timeout: 15_000 }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
        );
      });
    }

    it("a bad configuration is told whole, one fault a line, with exit code 2", async () => {
      const { code, stderr, stdout } = await run({
        PORT: "70000",
        METRICS_PORT: "x",
        SKYKV_CLOUD: "A_B",
        LOG_LEVEL: "loud",
        SKYKV_ADMIN_KEY_FILE: "/does/not/exist",
        TLS_KEY_FILE: "/does/not/exist/either",
        JWT_ISSUER: "not a url",
      });
      assert.equal(code, 2);
      assert.equal(stdout, "");
      for (const name of [
        "DATABASE_URL",
        "PORT",
        "METRICS_PORT",
        "SKYKV_CLOUD",
        "LOG_LEVEL",
        "SKYKV_ADMIN_KEY_FILE",
        "TLS_KEY_FILE",
        "JWT_ISSUER",
      ]) {
        assert.match(stderr, new RegExp(`^  ${name}: \\S`, "m"), stderr);
      }
      assert.ok(!stderr.includes("    at "), "no stack");
    });

    it("settings that exclude or need each other are told as well", async () => {
      const { code, stderr } = await run({
        DATABASE_URL: "postgres://x/y",
        PORT: "8080",
        METRICS_PORT: "8080",
        JWT_ISSUER: "https://a",
        TLS_CLIENT_CA_FILE: main,
      });
      assert.equal(code, 2);
      for (const name of ["METRICS_PORT", "JWT_ISSUER", "TLS_CLIENT_CA_FILE"])
        assert.match(stderr, new RegExp(`^  ${name}: `, "m"));
    });

    it("an unknown argument is exit code 2, --help lists every variable", async () => {
      assert.equal((await run({}, "--prot=1")).code, 2);
      const { code, stdout } = await run({}, "--help");
      assert.equal(code, 0);
      for (const name of ["DATABASE_URL", "REDIS_URL", "MAX_CONNECTIONS", "SKYKV_ADMIN_KEY_FILE", "TLS_CLIENT_CA_FILE"])
        assert.match(stdout, new RegExp(`^  ${name} `, "m"));
    });

    it("--print-config shows what will be used, without secrets", async () => {
      const environment = {
        DATABASE_URL: "postgres://user:hunter2@db:5432/kv",
        REDIS_URL: "redis://:hunter2@cache:6379",
        SKYKV_ADMIN_KEY: `skykv_abcdefghijkl_${"s".repeat(43)}`,
      };
      const { code, stdout, stderr } = await run(environment, "--print-config");
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).PORT, 8080);
      assert.ok(!stdout.includes("hunter2") && !stdout.includes("ssss"), stdout);
      for (const url of [
        "postgres://user:hunter2@with-at@db/kv",
        "postgres://user:hunter2%2Fslash@db/kv",
        "postgres://db/kv?user=u&password=hunter2",
      ]) {
        const shown = String(printable(readConfig({ ...environment, DATABASE_URL: url })).DATABASE_URL);
        assert.match(shown, /db.*kv/);
        for (const secret of ["hunter2", "with-at", "slash"]) assert.ok(!shown.includes(secret), `${url}: ${shown}`);
      }
    });

    it("a database that is not there, an admin key that is none and a port in use are one line each, with exit code 1 or 2", async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const port = String((taken.address() as { port: number }).port);
      const { postgres } = shared.service;
      const blobs = join(dirname(postgres.directory), "blobs");
      const good = {
        DATABASE_URL: postgres.url,
        BLOBS_DIR: blobs,
        PORT: "0",
        METRICS_PORT: "0",
        LOG_LEVEL: "silent",
      };
      try {
        for (const [environment, words] of [
          [{ ...good, DATABASE_URL: "postgres://u@127.0.0.1:1/x" }, /ECONNREFUSED|connect/],
          [{ ...good, SKYKV_ADMIN_KEY: "letmein" }, /skykv_/],
          [{ ...good, PORT: port }, /EADDRINUSE/],
          [{ ...good, METRICS_PORT: port }, /EADDRINUSE/],
        ] as const) {
          const { code, stderr } = await run(environment);
          assert.ok(code === 1 || code === 2, stderr);
          assert.match(stderr, words);
          assert.equal(stderr.trim().split("\n").length, 1, stderr);
          assert.ok(!stderr.includes("letmein"));
        }
      } finally {
        taken.close();
      }
    });
  });

  describe("at the end", () => {
    let cloud: ProcessCloud;
    before(async () => {
      cloud = await ProcessCloud.start();
    });
    after(() => cloud.close());

    it("under load: no request that was taken is lost, every acknowledged write is there, and the exit code is 0", async () => {
      const service = await cloud.startService();
      const acknowledged = new Map<string, string>();
      /** Each on a connection of its own, as a load balancer has them, until it is told that this one closes. */
      const work = async (worker: number) => {
        const api = new Api(service.url);
        try {
          for (let i = 0; ; i++) {
            const key = `w${worker}-${i % 20}`;
            const answer = await api.send(`PUT /v1/kv/default/${key}`, { body: String(i) });
            assert.ok(answer.status < 300, answer.text);
            acknowledged.set(key, String(i));
            if (answer.headers.connection === "close") return;
          }
        } finally {
          api.close();
        }
      };
      const working = Promise.all(Array.from({ length: 32 }, (_, i) => work(i)));
      await eventually("the load is on", () => acknowledged.size > 300);
      service.kill("SIGTERM");
      await working;
      assert.deepEqual((await service.exited).code, 0);

      const again = await cloud.startService();
      const reader = new Api(again.url);
      for (const [key, value] of acknowledged)
        assert.equal((await reader.send(`GET /v1/kv/default/${key}`)).text, value);
      reader.close();
      await again.stop();
    });

    it("watches end with a word on when to come back, polls with an answer, and an upload that has begun is finished", async () => {
      const service = await cloud.startService();
      const api = new Api(service.url);
      const stream = await EventStream.open(`${service.url}/v1/kv/default:watch`);
      const polling = api.send("GET /v1/kv/default:watch?wait=60");
      const upload = request(`${service.url}/v1/kv/default/upload`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${adminKey}`, "Content-Length": String(2 ** 21) },
      });
      upload.write(Buffer.alloc(2 ** 20, "a"));
      await eventually("both watch", async () => (await api.send("GET /v1/cluster")).json.watchers === 2);
      service.kill("SIGTERM");

      const last = await stream.frame((frame) => frame.retry !== undefined && frame.id === undefined);
      assert.ok(Number(last!.retry) > 0);
      assert.equal(await stream.next(), null);
      assert.equal((await polling).status, 200);
      const answered = once(upload, "response");
      upload.end(Buffer.alloc(2 ** 20, "b"));
      const [response] = await answered;
      assert.equal(response.statusCode, 201);
      assert.equal(response.headers.connection, "close");
      response.resume();
      assert.equal((await service.exited).code, 0);
      api.close();
    });

    it("after SIGTERM it first goes on serving while /ready fails, until load balancers have heard", async () => {
      const service = await cloud.startService({ SHUTDOWN_PAUSE_MS: "1500" });
      const api = new Api(service.url);
      assert.equal((await fetch(`${service.metricsUrl}/ready`)).status, 200);
      service.kill("SIGTERM");
      await eventually("it is not ready", async () => (await fetch(`${service.metricsUrl}/ready`)).status === 503);
      assert.match(await (await fetch(`${service.metricsUrl}/ready`)).text(), /shutting down/);
      assert.equal((await api.send("GET /ready")).status, 503);
      assert.equal((await fetch(`${service.metricsUrl}/health`)).status, 200);
      assert.ok((await api.send("PUT /v1/kv/default/late", { body: "x" })).status < 300);
      // A connection that is new now is served as well.
      assert.equal((await fetch(`${service.url}/health`)).status, 200);
      assert.equal((await service.exited).code, 0);
      api.close();
    });

    it("requests that do not end are cut at the deadline", async () => {
      const service = await cloud.startService({ SHUTDOWN_TIMEOUT_MS: "500" });
      const hanging = request(`${service.url}/v1/kv/default/hanging`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${adminKey}`, "Content-Length": "100" },
      });
      const cut = once(hanging, "error");
      hanging.write("x");
      const { port } = new URL(service.url);
      const idle = await Connection.open(Number(port));
      idle.write(`GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal((await idle.answer())?.status, 200);
      const started = performance.now();
      service.kill("SIGTERM");
      await idle.closed();
      await cut;
      assert.equal((await service.exited).code, 0);
      assert.ok(performance.now() - started < 5000);
    });
  });

  describe("with too many connections", () => {
    const shared = sharedService();

    it("those beyond the limit are told so, and the others are served", async () => {
      const running = await startBeside({ MAX_CONNECTIONS: "3" });
      const port = Number(new URL(running.url).port);
      const ask = async (connection: Connection) => {
        connection.write(`GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
        return connection.answer();
      };
      const open = [];
      for (let i = 0; i < 3; i++) {
        open.push(await Connection.open(port));
        assert.equal((await ask(open[i]!))?.status, 200);
      }
      const surplus = await Connection.open(port);
      const refused = await surplus.answer();
      assert.equal(refused?.status, 429);
      assert.equal(refused.headers.get("content-type"), "application/problem+json");
      const problem = JSON.parse(refused.body);
      assert.deepEqual([problem.code, problem.limit], ["too-many-connections", 3]);
      assert.ok(refused.headers.get("retry-after"));
      await surplus.closed();
      for (const connection of open) assert.equal((await ask(connection))?.status, 200);

      open[0]!.close();
      await eventually("there is room again", async () => {
        const next = await Connection.open(port);
        const answer = await ask(next);
        next.close();
        return answer?.status === 200;
      });
      for (const connection of open) connection.close();
      await running.close();
      assert.ok(shared.service);
    });
  });
});
