import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Config, ConfigError, readConfig, refuseUnsupported } from "../../service/config.ts";

const file = fileURLToPath(import.meta.url);
const main = fileURLToPath(new URL("../../service/main.ts", import.meta.url));
const database = { DATABASE_URL: "postgres://skykv@database:5432/skykv" };
const peerTls = { PEER_TLS_CERT_FILE: file, PEER_TLS_KEY_FILE: file, PEER_TLS_CA_FILE: file };

const read = (environment: Record<string, string>): Config => readConfig({ ...database, ...environment });

function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return assert.fail("expected a ConfigError");
}

describe("the configuration of a deployment on several clouds", () => {
  it("names the other clouds and where their peers' ports are", () => {
    const PEERS = "aws=https://aws-peers.kv.example.com:8444,gcp=https://gcp-peers.kv.example.com:8444";
    assert.deepEqual(
      [...read({ PEERS, ...peerTls }).PEERS],
      [
        ["aws", "https://aws-peers.kv.example.com:8444"],
        ["gcp", "https://gcp-peers.kv.example.com:8444"],
      ],
    );
    assert.equal(read({}).PEERS.size, 0);
  });

  it("refuses peers that are no HTTPS URLs, come twice, are this cloud or cannot be told apart from strangers", () => {
    const wrong = ["aws", "aws=", "aws=http://a:1", "A=https://a:1", "aws=https://a:1,aws=https://b:1"];
    for (const PEERS of wrong)
      assert.match(
        refusal(() => read({ PEERS, ...peerTls })),
        /^ {2}PEERS: expected each cloud once as name=/m,
      );
    const self = { PEERS: "gcp=https://a:1", SKYKV_CLOUD: "gcp" };
    assert.match(
      refusal(() => read({ ...self, ...peerTls })),
      /^ {2}PEERS: holds this cloud itself, gcp$/m,
    );
    assert.match(
      refusal(() => read(self)),
      /^ {2}PEER_TLS_CERT_FILE: is missing: clouds know each other/m,
    );
  });

  it("refuses clouds whose names make session tokens too long", () => {
    const named = (length: number) =>
      ["a", "b", "c"].map((cloud) => `${cloud.repeat(length)}=https://${cloud}:1`).join(",");
    assert.equal(read({ PEERS: named(16), ...peerTls }).PEERS.size, 3);
    assert.match(
      refusal(() => read({ PEERS: named(32), ...peerTls })),
      /^ {2}PEERS: and SKYKV_CLOUD make session tokens of up to \d+ bytes, and 256 are allowed: use shorter names$/m,
    );
  });

  it("refuses a part of what goes together", () => {
    const { PEER_TLS_CERT_FILE } = peerTls;
    assert.match(
      refusal(() => read({ PEER_TLS_CERT_FILE })),
      /^ {2}PEER_TLS_CERT_FILE: needs PEERS$/m,
    );
    assert.match(
      refusal(() => read({ REDIS_LOGIN: "entra" })),
      /^ {2}REDIS_URL: is missing/m,
    );
    assert.match(
      refusal(() => read({ ROLE: "migration", DATABASE_ADMIN_USER: "a" })),
      /^ {2}DATABASE_ADMIN_USER: /m,
    );
    assert.match(
      refusal(() => read({ DATABASE_USERS: "a" })),
      /^ {2}DATABASE_USERS: is for ROLE=migration$/m,
    );
    assert.match(
      refusal(() => read({ RESEED_UNSENT: "drop" })),
      /^ {2}RESEED_UNSENT: is for ROLE=reseed$/m,
    );
    assert.match(
      refusal(() => read({ PORT: "8444", PEERS: "aws=https://a:1", ...peerTls })),
      /^ {2}PORT: is the same as PEER_PORT$/m,
    );
  });

  it("refuses a password beside a login by identity, without repeating it", () => {
    const words = refusal(() =>
      read({ DATABASE_URL: "postgres://skykv:hunter2@database/skykv", DATABASE_LOGIN: "aws-iam" }),
    );
    assert.match(words, /^ {2}DATABASE_URL: holds a password, which DATABASE_LOGIN=aws-iam does without$/m);
    assert.ok(!words.includes("hunter2"));
  });

  it("takes the queues and stores of every cloud, and no others", () => {
    const good = {
      QUEUE_URL: [
        "sqs+https://sqs.us-east-1.amazonaws.com/111122223333/hints",
        "pubsub:projects/acme/topics/hints?subscription=projects/acme/subscriptions/hints",
        "servicebus://acme.servicebus.windows.net/hints",
        "amqps://user:password@broker:5671",
      ],
      BLOBS_URL: ["s3://bucket?region=us-east-1", "gs://bucket", "https://acme.blob.core.windows.net/values"],
    };
    for (const [name, urls] of Object.entries(good)) {
      for (const url of urls) assert.equal(read({ [name]: url })[name as keyof typeof good], url);
      for (const url of ["https://example.com/x", "kafka://broker"]) {
        assert.match(
          refusal(() => read({ [name]: url })),
          new RegExp(`^ {2}${name}: expected `, "m"),
        );
      }
    }
  });
});

describe("this release", () => {
  it("takes hints through RabbitMQ, and refuses an address that is none without repeating its password", () => {
    refuseUnsupported(read({ QUEUE_URL: "amqps://user:password@broker:5671/vhost" }));
    const words = refusal(() => read({ QUEUE_URL: "amqp://user:hunter2@broker:port" }));
    assert.match(words, /^ {2}QUEUE_URL: expected amqp\[s\]:\/\/user:password@host:port\/vhost$/m);
    assert.ok(!words.includes("hunter2"));
  });

  it("starts with what it can do", () => {
    for (const ROLE of ["all", "api", "replicator", "migration"]) refuseUnsupported(read({ ROLE }));
    refuseUnsupported(read({ PEERS: "aws=https://a:1", ...peerTls }));
  });

  it("refuses what it would have to ignore, all of it at once, a line each that says what it can do", () => {
    const asked = {
      DATABASE_LOGIN: "gcp-iam",
      DATABASE_CA_FILE: file,
      REDIS_URL: "rediss://cache:6379",
      REDIS_LOGIN: "gcp-iam",
      REDIS_CA_FILE: file,
      QUEUE_URL: "servicebus://acme.servicebus.windows.net/hints",
      BLOBS_URL: "gs://bucket",
    };
    const words = refusal(() => refuseUnsupported(read(asked)));
    const harmless = ["REDIS_URL"];
    const [first, ...lines] = words.split("\n");
    assert.equal(first, "this release cannot do what it is told:");
    assert.deepEqual(
      lines.map((line) => /^ {2}(\w+): .+/.exec(line)?.[1]).toSorted(),
      Object.keys(asked)
        .filter((name) => !harmless.includes(name))
        .toSorted(),
    );
  });

  it("refuses it before it starts anything, with exit code 2", async () => {
    const env = { PATH: process.env.PATH!, ...database, BLOBS_URL: "gs://bucket" };
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [main], { env }, (error, _, stderr) => resolve({ code: error?.code, stderr }));
    });
    assert.equal(code, 2);
    assert.match(stderr, /^ {2}BLOBS_URL: is not in this release; /m);
  });
});
