import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { labelValue } from "../../../infra/workload/labels.ts";
import { hosts, nobody } from "../../../infra/workload/traffic.ts";
import { needsSdks } from "../support/sdks.ts";
import { platforms } from "./fixtures/platforms.ts";

const accepted = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

describe("labels", () => {
  it("are such as Kubernetes accepts, however long and odd the name of a stack is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9._-]{1,100}$/)), (text) =>
        accepted.test(labelValue(text)),
      ),
    );
  });

  it("are the text itself where that can be", () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z][a-z0-9_-]{0,40}[a-z]$/), (text) => labelValue(text) === text));
  });
});

describe("ranges of single addresses", () => {
  it("are never none, which would admit all", () => {
    assert.deepEqual(hosts([]), [nobody]);
    fc.assert(
      fc.property(fc.array(fc.ipV4(), { minLength: 1 }), (addresses) => {
        assert.deepEqual(
          hosts(addresses),
          addresses.map((address) => `${address}/32`),
        );
      }),
    );
  });
});

describe("the tag of an image", () => {
  let root: string;
  let sourceTag: (root: string) => string;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  before(async function () {
    needsSdks(this);
    ({ sourceTag } = await import("../../../infra/workload/image.ts"));
    root = await mkdtemp(join(tmpdir(), "skykv-test-"));
    for (const path of ["package.json", "package-lock.json", "client/package.json"]) write(path, "{}");
    write("service/main.ts", "1");
    write("service/store/port.ts", "2");
  });
  after(() => root && rm(root, { recursive: true }));

  it("is the same for the same sources, wherever they lie", async () => {
    const copy = await mkdtemp(join(tmpdir(), "skykv-test-"));
    try {
      cpSync(root, copy, { recursive: true });
      assert.equal(sourceTag(copy), sourceTag(root));
      assert.match(sourceTag(root), /^src-[0-9a-f]{16}$/);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it("is another for each change of what is built, and for nothing else", () => {
    const before = sourceTag(root);
    write("docs/x.md", "x");
    write("service/node_modules/x.js", "x");
    assert.equal(sourceTag(root), before);
    const tags = new Set([before]);
    for (const [path, text] of [
      ["service/store/port.ts", "3"],
      ["package-lock.json", "{ }"],
      ["service/new.ts", ""],
    ] as const) {
      write(path, text);
      tags.add(sourceTag(root));
    }
    assert.equal(tags.size, 4);
  });
});

describe("the scaling of replicators", () => {
  let triggers: typeof import("../../../infra/workload/triggers.ts");
  before(async function () {
    needsSdks(this);
    triggers = await import("../../../infra/workload/triggers.ts");
  });

  it("looks at the CPU where the queue is in the database, and asks nobody", () => {
    const scaler = platforms.gcp.scaler!;
    assert.equal(triggers.triggerOf({ queue: { kind: "postgres" }, cloud: "gcp" }).type, "cpu");
    assert.equal(triggers.authenticationOf({ kind: "postgres" }, scaler), null);
  });

  it("asks RabbitMQ with the Secret that replicators use, which the trigger does not hold", () => {
    const platform = platforms["aws with RabbitMQ"];
    const { queue } = platform;
    const scaler = platform.scaler!;
    const { type, metadata } = triggers.triggerOf(platform);
    assert.equal(type, "rabbitmq");
    assert.equal(metadata.queueName, "hints.aws");
    assert.deepEqual(triggers.authenticationOf(queue, scaler), {
      secretTargetRef: [
        { parameter: "username", name: "queue", key: "user" },
        { parameter: "password", name: "queue", key: "password" },
      ],
    });
  });

  it("asks Service Bus as the identity that may", () => {
    const { queue } = platforms.azure;
    const scaler = platforms.azure.scaler!;
    assert.deepEqual(triggers.authenticationOf(queue, scaler), {
      podIdentity: { provider: "azure-workload", identityId: scaler.clientId },
    });
  });
});

describe("pods", () => {
  it("are held to different zones only where nodes say theirs and there are enough pods", async function () {
    needsSdks(this);
    const { spread } = await import("../../../infra/workload/deployment.ts");
    const byZone = (strict: boolean) => spread("api", strict)[0]!.whenUnsatisfiable;
    assert.equal(byZone(true), "DoNotSchedule");
    assert.equal(byZone(false), "ScheduleAnyway");
    assert.deepEqual(
      spread("api", true).map(({ topologyKey }) => topologyKey),
      ["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
    );
  });
});

describe("secrets", () => {
  it("that the platform lacks stop the program, by name", async function () {
    needsSdks(this);
    const { externalSecretSpec } = await import("../../../infra/workload/secrets.ts");
    assert.throws(
      () => externalSecretSpec("tunnel", platforms.gcp.secrets),
      /expected the platform to have the secret tunnel-token, found none/,
    );
  });
});
