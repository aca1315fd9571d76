import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Component, components } from "../../../infra/names.ts";
import type { EnvironmentArgs, Variable } from "../../../infra/workload/environment.ts";
import { type Config, readConfig } from "../../../service/config.ts";
import { needsSdks } from "../support/sdks.ts";
import { platforms } from "./fixtures/platforms.ts";

/** An output, or a text. */
type Text = Extract<Variable, { value: unknown }>["value"];

function resolved(text: Text): Promise<string> {
  if (typeof text === "string") return Promise.resolve(text);
  return new Promise((resolve) => {
    if ("apply" in text) text.apply(resolve);
    else resolve(text);
  });
}

const peers = { aws: "https://aws-peers.kv.example.com:8444", gcp: "https://gcp-peers.kv.example.com:8444" };

describe("the environment of the service", () => {
  let environment: typeof import("../../../infra/workload/environment.ts").environment;
  let files: string;

  before(async function () {
    needsSdks(this);
    ({ environment } = await import("../../../infra/workload/environment.ts"));
    files = await mkdtemp(join(tmpdir(), "skykv-test-"));
  });
  after(() => files && rm(files, { recursive: true }));

  /** What a container would see: secrets put in where they are named, files there. */
  async function asSeen(args: EnvironmentArgs): Promise<Record<string, string>> {
    const seen: Record<string, string> = {};
    for (const [name, variable] of Object.entries(environment(args))) {
      const text = await textOf(variable);
      seen[name] = text.replace(/\$\((\w+)\)/g, (_, other: string) => {
        assert.ok(seen[other] !== undefined, `${name} names ${other}, which has to stand before it`);
        return seen[other];
      });
    }
    return seen;
  }

  async function textOf(variable: Variable): Promise<string> {
    if ("value" in variable) return resolved(variable.value);
    if ("secret" in variable) return `${variable.secret}${variable.item}`;
    const path = join(files, variable.file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "PEM");
    return path;
  }

  const read = async (args: EnvironmentArgs): Promise<Config> => readConfig(await asSeen(args));
  const argsOf = (name: keyof typeof platforms, component: Component): EnvironmentArgs => {
    const platform = platforms[name];
    const { [platform.cloud as "aws"]: _, ...others } = peers;
    return { component, platform, peers: others, tls: platform.cloud === "local" ? null : "edge", memory: "512Mi" };
  };

  for (const name of Object.keys(platforms) as (keyof typeof platforms)[]) {
    for (const component of components) {
      it(`of the ${component} on ${name} is what its own schema takes, nothing of it unknown`, async () => {
        const seen = await asSeen(argsOf(name, component));
        const config = readConfig(seen);
        const parts = ["DATABASE_PASSWORD", "REDIS_PASSWORD", "QUEUE_USER", "QUEUE_PASSWORD"];
        for (const variable of Object.keys(seen)) {
          if (!parts.includes(variable)) assert.ok(variable in config, `${variable} is not read by the service`);
        }
        assert.equal(config.SKYKV_CLOUD, platforms[name].cloud);
        assert.equal(config.ROLE, component);
        assert.equal(config.DATABASE_LOGIN, platforms[name].database.login);
      });
    }
  }

  it("holds no password where a component logs in by its identity", async () => {
    for (const name of ["aws", "gcp", "azure"] as const) {
      const { DATABASE_URL, REDIS_URL } = await read(argsOf(name, "api"));
      assert.equal(DATABASE_URL, "postgres://skykv-api%40acme.iam@database.internal:5432/skykv?sslmode=verify-full");
      assert.equal(REDIS_URL, "rediss+cluster://skykv@cache.internal:6379");
    }
  });

  it("has passwords from Secrets, never in the object itself", async () => {
    const args = argsOf("local", "api");
    const { DATABASE_URL } = environment(args);
    assert.ok(DATABASE_URL !== undefined && "value" in DATABASE_URL);
    assert.match(
      await resolved(DATABASE_URL.value),
      /^postgres:\/\/skykv-api%40acme\.iam:\$\(DATABASE_PASSWORD\)@postgres:/,
    );
    assert.match((await read(args)).DATABASE_URL, /:databasepassword@/);
    assert.match((await read(args)).QUEUE_URL!, /^amqp:\/\/queueuser:queuepassword@broker\.internal:5672$/);
  });

  it("tells the migration nothing of cache, queue, blobs and peers, and for whom it opens the tables", async () => {
    const config = await read(argsOf("aws", "migration"));
    for (const name of ["REDIS_URL", "QUEUE_URL", "BLOBS_URL", "PEER_TLS_KEY_FILE", "SKYKV_ADMIN_KEY_FILE"] as const) {
      assert.equal(config[name], undefined);
    }
    assert.equal(config.DATABASE_USERS, "skykv-api@acme.iam,skykv-replicator@acme.iam");
    assert.equal(config.DATABASE_ADMIN_USER, "database-adminuser");
  });

  it("asks callers for Cloudflare's certificate, but not those that come by the tunnel", async () => {
    const edge = argsOf("gcp", "api");
    assert.ok((await read(edge)).TLS_CLIENT_CA_FILE);
    const tunnel = await read({ ...edge, tls: "tunnel" });
    assert.equal(tunnel.TLS_CLIENT_CA_FILE, undefined);
    assert.ok(tunnel.TLS_CERT_FILE);
  });

  it("speaks HTTP without certificates, on the port for it, and has no port for peers", async () => {
    const config = await read(argsOf("local", "api"));
    assert.equal(config.PORT, 8080);
    assert.equal(config.TLS_CERT_FILE, undefined);
    assert.equal(config.PEER_TLS_CERT_FILE, undefined);
    assert.equal((await read(argsOf("gcp", "api"))).PORT, 8443);
  });

  it("gives the cache of a process an eighth of its memory", async () => {
    assert.equal((await read(argsOf("aws", "api"))).L1_BYTES, 64 * 2 ** 20);
    assert.equal((await read({ ...argsOf("aws", "api"), memory: "2Gi" })).L1_BYTES, 256 * 2 ** 20);
  });
});
