import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Cluster } from "../support/cluster.ts";
import { query } from "../support/databases.ts";
import { ApiError, isReady, until } from "../support/kv.ts";
import { freePort } from "../support/ports.ts";
import { ProcessCloud } from "../support/processes.ts";
import { adminKey } from "../support/service.ts";

const names = ["aws", "azure", "gcp"];
const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

type State = {
  incarnation: string;
  drained: boolean;
  clouds: { name: string; self: boolean; ready: boolean; expelled: boolean; repaired_at: string | null }[];
};

describe("the membership of clouds", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(names);
  });
  after(() => cluster?.close());

  const state = async (at: string): Promise<State> => {
    const headers = { Authorization: `Bearer ${adminKey}` };
    return (await fetch(`${cluster.services.get(at)!.url}/v1/cluster`, { headers })).json() as Promise<State>;
  };
  const peer = async (at: string, of: string) => (await state(at)).clouds.find(({ name }) => name === of)!;
  const ready = (name: string) => isReady(cluster.services.get(name)!.metricsUrl);
  const has = async (at: string, key: string) => (await cluster.kv(at).get(key)) !== null;
  /** Runs the command line against a cloud. */
  const skykv = (at: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [path("../../client/cli/main.ts"), "cluster", ...args], {
      env: { PATH: process.env.PATH, SKYKV_URL: cluster.services.get(at)!.url, SKYKV_KEY: adminKey },
    });
  const end = async (name: string, signal: NodeJS.Signals = "SIGTERM") => {
    const service = cluster.services.get(name)!;
    service.kill(signal);
    await service.exited;
  };

  it("lets an administrator keep clients away from a cloud, which serves who comes all the same", async () => {
    await until("azure is ready", 30_000, () => ready("azure"));
    await assert.rejects(skykv("aws", "drain", "azure"), /this is aws; ask azure itself/);
    const { stdout } = await skykv("azure", "drain", "azure", "--json");
    assert.equal((JSON.parse(stdout) as State).drained, true);
    await until("its probes fail", 10_000, async () => !(await ready("azure")));
    await cluster.kv("azure").put("while-drained", "1");
    await until("it goes to the others", 10_000, () => has("gcp", "while-drained"));
    await end("azure");
    await cluster.startService("azure");
    assert.equal(await ready("azure"), false, "a restart changes nothing");
    await skykv("azure", "undrain", "azure");
    await until("clients may come again", 10_000, () => ready("azure"));
  });

  it("is no matter for keys of single namespaces", async () => {
    const made = await fetch(`${cluster.services.get("aws")!.url}/v1/keys`, {
      method: "POST",
      headers: { Authorization: `Bearer ${adminKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "some", scopes: ["admin:default"] }),
    });
    const { key } = (await made.json()) as { key: string };
    for (const action of ["drain", "expel", "add", "replace"]) {
      const answer = await fetch(`${cluster.services.get("aws")!.url}/v1/cluster/${action}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ cloud: "gcp", ...(action === "drain" && { drained: true }) }),
      });
      assert.equal(answer.status, 403);
    }
  });

  it("can be ended for a lost cloud, whose last writes to one of the others reach all", async () => {
    for (const name of names)
      await until(`${name} was compared with all`, 30_000, async () =>
        (await state(name)).clouds.every(({ self, repaired_at }) => self || repaired_at !== null),
      );
    cluster.links.between("gcp", "aws").trouble = { kind: "reset" };
    await cluster.kv("gcp").put("only-azure", "1");
    await until("azure has it", 20_000, () => has("azure", "only-azure"));
    cluster.links.between("gcp", "azure").trouble = { kind: "reset" };
    await cluster.kv("gcp").put("only-gcp", "1");
    await cluster.kv("gcp").increment("only-gcp-count");
    await end("gcp", "SIGKILL");
    await cluster.clouds.get("gcp")!.killPostgres();
    assert.equal(await has("aws", "only-azure"), false);

    await assert.rejects(skykv("aws", "expel", "gcp"), { code: 2, stderr: /add --yes if that is meant/ });
    await assert.rejects(skykv("aws", "expel", "mars", "--yes"), /mars is not and never was a member/);
    await assert.rejects(skykv("aws", "expel", "aws", "--yes"), /cannot expel itself/);
    const start = performance.now();
    await skykv("aws", "expel", "gcp", "--yes");
    await until("aws has what gcp told azure alone", 60_000, () => has("aws", "only-azure"));
    console.log(`      after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    await until("azure has heard", 20_000, async () => (await peer("azure", "gcp")).expelled);
    assert.ok((await peer("aws", "gcp")).expelled);
    await until("a write to all clouds does not wait for it", 20_000, () =>
      cluster
        .kv("aws")
        .put("to-all", "1", { "KV-Durability": "all" })
        .then(
          () => true,
          (error) => {
            assert.equal((error as ApiError).status, 504);
            return false;
          },
        ),
    );
    await until("the others are compared", 20_000, async () => (await peer("azure", "aws")).repaired_at !== null);
  });

  it("is refused to a cloud that was expelled and comes back as it was", async () => {
    for (const link of cluster.links.of("gcp")) link.trouble = null;
    await cluster.clouds.get("gcp")!.restartPostgres();
    await cluster.startService("gcp");
    await until("gcp hears that it is out", 30_000, async () => (await peer("gcp", "gcp")).expelled);
    assert.equal(await ready("gcp"), false);
    await assert.rejects(cluster.kv("gcp").put("x", "1"), (error) => error instanceof ApiError && error.status === 503);
    await cluster.kv("aws").put("without-gcp", "1");
    await until("the others go on", 20_000, () => has("azure", "without-gcp"));
    assert.equal(await has("aws", "only-gcp"), false);
  });

  it("is had again by a cloud that was seeded anew, and writes again what only it had, but for counters", async () => {
    const reseed = () =>
      promisify(execFile)(process.execPath, [path("../../service/main.ts")], {
        env: {
          PATH: process.env.PATH,
          ROLE: "reseed",
          RESEED_UNSENT: "rewrite",
          SKYKV_CLOUD: "gcp",
          DATABASE_URL: cluster.clouds.get("gcp")!.postgres.url,
        },
      });
    await assert.rejects(reseed(), /stop all its processes first/);
    await end("gcp");
    let told = "";
    await until("its processes have ended", 30_000, async () => {
      told = await reseed().then(
        ({ stdout }) => stdout,
        () => "",
      );
      return told !== "";
    });
    // That azure has its part may not have come back through the link before it was cut.
    assert.match(told, /no other cloud had, 1 are kept as conflicts, [12] are written again and 0 are dropped/);
    await assert.rejects(reseed(), /knows of no expulsion/);
    await cluster.startService("gcp");
    assert.equal(await ready("gcp"), false);
    await until("gcp is ready", 60_000, () => ready("gcp"));
    for (const key of ["while-drained", "only-azure", "without-gcp", "only-gcp"])
      for (const name of names) await until(`${name} has ${key}`, 20_000, () => has(name, key));
    const conflicts = await fetch(`${cluster.services.get("gcp")!.url}/v1/conflicts/default`, {
      headers: { Authorization: `Bearer ${adminKey}` },
    });
    const kept = (await conflicts.json()) as { conflicts: { key: string; value: string }[] };
    assert.deepEqual(
      kept.conflicts.map(({ key, value }) => [key, value]),
      [["only-gcp-count", "1"]],
    );
    await cluster.kv("gcp").put("again", "1");
    for (const name of ["aws", "azure"]) await until(`${name} takes its writes`, 20_000, () => has(name, "again"));
    await until("it is a member", 20_000, async () => !(await peer("aws", "gcp")).expelled);
  });

  it("is had by a new database in the place of a lost one, when it holds what the others have", async () => {
    await assert.rejects(skykv("aws", "replace", "azure"), { code: 2, stderr: /add --yes if that is meant/ });
    await assert.rejects(skykv("aws", "replace", "azure", "--yes"), { code: 1, stderr: /stop all its processes/ });
    await end("azure", "SIGKILL");
    await cluster.clouds.get("azure")!.close();
    for (let i = 0; i < 2; i++) {
      const { stdout } = await skykv("aws", "replace", "azure", "--yes", "--json");
      assert.deepEqual(JSON.parse(stdout), { cloud: "azure", state: "expected" });
      assert.ok((await peer("gcp", "azure")).expelled, "all have heard of it");
    }
    cluster.clouds.set("azure", await ProcessCloud.start());
    await cluster.startService("azure");
    await until("azure is ready", 60_000, () => ready("azure"));
    assert.ok(await has("azure", "again"));
    await until("it is a member", 20_000, async () =>
      (await skykv("aws", "replace", "azure", "--yes")).stdout.includes("it is a member"),
    );
  });

  it("is not had by a cloud that some do not know: they are told at once", async () => {
    const told = names.map((name) => `${name}: its PEERS lacks oracle=https://HOST:PORT`);
    await assert.rejects(skykv("gcp", "add", "oracle"), ({ code, stderr }: { code: number; stderr: string }) => {
      assert.equal(code, 1);
      for (const problem of told) assert.ok(stderr.includes(problem), stderr);
      return true;
    });
    assert.match((await skykv("aws", "add", "gcp")).stdout, /gcp: it is a member/);
  });

  it("is kept by two clouds that are restored at the same time, and serve again", async () => {
    const restored = ["aws", "azure"];
    const before = await Promise.all(restored.map(state));
    await Promise.all(restored.map((name) => end(name, "SIGKILL")));
    for (const name of restored) await query(cluster.clouds.get(name)!, "update cluster set id = gen_random_uuid()");
    await Promise.all(restored.map((name) => cluster.startService(name)));
    for (const [i, name] of restored.entries()) {
      await until(`${name} is ready`, 60_000, () => ready(name));
      assert.notEqual((await state(name)).incarnation, before[i]!.incarnation);
    }
    await cluster.kv("aws").put("restored", "1");
    await until("azure takes its writes", 20_000, () => has("azure", "restored"));
  });
});

describe("the first cloud of several", function () {
  this.timeout(60_000);

  it("is ready after a while though it reaches none of those that are to come", async () => {
    const nobody = `gcp=https://127.0.0.1:${await freePort()}`;
    const cluster = await Cluster.start(["aws"], { environment: () => ({ PEERS: nobody }) });
    try {
      const { metricsUrl } = cluster.services.get("aws")!;
      assert.equal(await isReady(metricsUrl), false);
      await until("it is ready", 30_000, () => isReady(metricsUrl));
    } finally {
      await cluster.close();
    }
  });
});
