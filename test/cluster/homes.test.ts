import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { countSwaps, runWorkload } from "../processes/workload.ts";
import { Cluster } from "../support/cluster.ts";
import { Kv, until } from "../support/kv.ts";
import { checkLinearizable } from "../support/linearizability.ts";
import { pick, randomFrom } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { adminKey } from "../support/service.ts";

const names = ["aws", "azure", "gcp"];

describe("namespaces with a home, in three clouds", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(names);
  });
  after(() => cluster?.close());

  async function restart(name: string): Promise<void> {
    cluster.services.get(name)!.kill("SIGKILL");
    await cluster.services.get(name)!.exited;
    await cluster.startService(name);
  }
  const cut = (from: string, to: string) => {
    cluster.links.between(from, to).trouble = { kind: "reset" };
  };
  const heal = () => {
    for (const link of cluster.links.all()) link.trouble = null;
  };

  type Sent = { status: number; headers: Headers; text: string; json: Record<string, never> };
  async function send(
    cloud: string,
    line: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Sent> {
    const [method, path] = line.split(" ");
    const response = await fetch(`${cluster.services.get(cloud)!.url}/v1/${path}`, {
      method: method!,
      headers: { Authorization: `Bearer ${adminKey}`, ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    let json = {};
    try {
      json = JSON.parse(text);
    } catch {}
    return { status: response.status, headers: response.headers, text, json };
  }
  const strong = { "KV-Consistency": "strong" };
  /** What a strong read finds, once the cloud that is asked has heard of a move. */
  async function read(cloud: string, path: string): Promise<string> {
    let found: Sent | undefined;
    await until(`a strong read of ${path}`, 10_000, async () => {
      found = await send(cloud, `GET kv/${path}`, { headers: strong });
      return found.status !== 503;
    });
    return found!.text;
  }
  async function makeAt(home: string): Promise<string> {
    const name = `home-${randomUUID().slice(0, 8)}`;
    const made = await send("aws", `PUT namespaces/${name}`, { body: { home } });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.json.home, home);
    await until("all know it", 10_000, async () => {
      const found = await Promise.all(names.map((cloud) => send(cloud, `GET namespaces/${name}`)));
      return found.every(({ json }) => json.home === home);
    });
    return name;
  }
  async function move(cloud: string, name: string, to: string | null, force = false): Promise<void> {
    await until(`the home of ${name} is ${to}`, 60_000, async () => {
      const moved = await send(cloud, `POST namespaces/${name}:move-home`, { body: { to, force } });
      assert.ok(moved.status === 200 || moved.status === 503, moved.text);
      return moved.status === 200 && moved.json.home === to;
    });
  }
  const rejected = async (cloud: string, line: string, status: number, code: string, asked = {}) => {
    const found = await send(cloud, line, asked);
    assert.deepEqual([found.status, found.json.code], [status, code], found.text);
    return found;
  };

  it("decide every kind of write there, wherever it was asked for", async () => {
    const ns = await makeAt("gcp");
    for (const cloud of ["aws", "azure"]) {
      const put = await send(cloud, `PUT kv/${ns}/${cloud}`, { body: "v", headers: { "KV-Meta": '{"a":1}' } });
      assert.equal(put.status, 201);
      assert.equal(put.headers.get("KV-Origin"), "gcp");
      // It is back as soon as replication has brought it, and strongly at once.
      const found = await send(cloud, `GET kv/${ns}/${cloud}`, { headers: strong });
      assert.deepEqual([found.text, found.headers.get("ETag")], ["v", put.headers.get("ETag")]);
      assert.equal(found.headers.get("KV-Meta"), '{"a":1}');
      assert.equal((await send(cloud, `POST kv/${ns}/${cloud}:touch?ttl=100`)).headers.get("KV-Origin"), "gcp");
      assert.equal((await send(cloud, `POST kv/${ns}/n:increment`, { body: { by: 2 } })).status, 200);
      const operations = [
        { op: "put", key: `${cloud}/batch`, value: "b" },
        { op: "get", key: cloud },
      ];
      const batch = await send(cloud, `POST kv/${ns}:batch`, { body: { operations } });
      assert.deepEqual(
        (batch.json.results as unknown as { status: number }[]).map(({ status }) => status),
        [201, 200],
      );
      const transact = await send(cloud, `POST kv/${ns}:transact`, { body: { operations: operations.slice(0, 1) } });
      assert.equal(transact.status, 200, transact.text);
      const lines = ["1", "2"].map((key) => JSON.stringify({ key: `${cloud}/import/${key}`, value: key })).join("\n");
      const imported = await send(cloud, `POST import?namespace=${ns}`, { body: lines });
      assert.match(imported.text, /"type":"end"/);
      assert.equal(await read(cloud, `${ns}/${cloud}/import/2`), "2");
      assert.match((await send(cloud, `DELETE kv/${ns}?prefix=${cloud}/import/`)).text, /"deleted":2/);
      assert.equal((await send(cloud, `DELETE kv/${ns}/${cloud}/batch`)).status, 204);
      assert.equal((await send(cloud, `GET kv/${ns}/${cloud}/batch`, { headers: strong })).status, 404);
    }
    assert.equal(await read("azure", `${ns}/n`), "4");
    await until("all of it is in every cloud", 10_000, async () => {
      const found = await Promise.all(names.map((cloud) => send(cloud, `GET kv/${ns}?values=1`)));
      return found.every(({ json }) => JSON.stringify(json.entries) === JSON.stringify(found[0]!.json.entries));
    });
  });

  it("pass on keys, large values, refusals and retries as they are", async () => {
    const ns = await makeAt("gcp");
    const large = "0123456789abcdef".repeat(200_000);
    assert.equal((await send("aws", `PUT kv/${ns}/large`, { body: large })).status, 201);
    assert.equal(await read("azure", `${ns}/large`), large);
    assert.equal((await send("azure", `DELETE kv/${ns}/large`)).status, 204);
    assert.equal((await send("aws", `PUT kv/${ns}/a%2F%3A%20é`, { body: "odd" })).status, 201);
    assert.equal(await read("gcp", `${ns}/a/%3A%20é`), "odd");
    const refused = await rejected("aws", `PUT kv/${ns}/a/%3A%20é`, 412, "condition-failed", {
      body: "x",
      headers: { "If-None-Match": "*" },
    });
    assert.match(String(refused.json.current), /-gcp$/);
    await rejected("aws", `PUT kv/${ns}/a?ttl=never`, 400, "bad-parameter", { body: "x" });
    const once = { body: "once", headers: { "Idempotency-Key": randomUUID() } };
    const first = await send("aws", `PUT kv/${ns}/once`, once);
    const again = await send("azure", `PUT kv/${ns}/once`, once);
    assert.equal(again.headers.get("Idempotency-Replayed"), "true");
    assert.equal(again.headers.get("ETag"), first.headers.get("ETag"));
    const { id, key } = (await send("aws", "POST keys", { body: { name: "r", scopes: ["read:*"] } })).json;
    await until("gcp knows the key", 5000, async () => (await send("gcp", `GET keys/${id}`)).status === 200);
    const reader = { headers: { Authorization: `Bearer ${key}` }, body: "x" };
    await rejected("aws", `PUT kv/${ns}/a`, 403, "forbidden", reader);
    await rejected("aws", `PUT kv/${ns}/a`, 401, "unauthorized", { ...reader, headers: { Authorization: "Bearer x" } });
  });

  it("are needed for strong reads and transactions, and are chosen once", async () => {
    await rejected("aws", "GET kv/default/k", 409, "no-home", { headers: strong });
    const operations = [{ op: "put", key: "k", value: "v" }];
    await rejected("aws", "POST kv/default:transact", 409, "no-home", { body: { operations } });
    const ns = await makeAt("gcp");
    await rejected("aws", `PUT namespaces/${ns}`, 409, "home-differs", { body: { home: "aws" } });
    await rejected("aws", `PUT namespaces/${ns}`, 409, "home-differs", { body: { home: null } });
    await rejected("aws", "PUT namespaces/nowhere", 400, "bad-body", { body: { home: "mars" } });
    const kept = await send("azure", `PUT namespaces/${ns}`, { body: { default_ttl: 5 } });
    assert.deepEqual([kept.json.home, kept.json.default_ttl], ["gcp", 5], kept.text);
  });

  it("refuse writes while the home cannot be reached, and never say failed where it may have happened", async () => {
    const ns = await makeAt("gcp");
    cut("aws", "gcp");
    try {
      const refused = await rejected("aws", `PUT kv/${ns}/k`, 503, "home-unreachable", { body: "1" });
      assert.ok(refused.headers.get("Retry-After"));
      await rejected("aws", `GET kv/${ns}/k`, 503, "home-unreachable", { headers: strong });
      assert.equal((await send("azure", `PUT kv/${ns}/k`, { body: "2" })).status, 201, "others reach it");
    } finally {
      heal();
    }
    await until(
      "aws reaches it again",
      10_000,
      async () => (await send("aws", `PUT kv/${ns}/k`, { body: "3" })).status === 200,
    );
    cluster.services.get("gcp")!.kill("SIGSTOP");
    try {
      const { json, status } = await send("aws", `PUT kv/${ns}/k`, { body: "4" });
      assert.equal(status, 503);
      assert.match(String(json.code), /^(uncertain|home-unreachable)$/);
    } finally {
      cluster.services.get("gcp")!.kill("SIGCONT");
    }
  });

  it("move with all that was written and answered, and nothing is decided twice on the way", async () => {
    const ns = await makeAt("gcp");
    await send("aws", `PUT kv/${ns}/count`, { body: "0" });
    let stopped = false;
    let done = 0;
    let refused = 0;
    let longest = 0;
    const once: { key: string; tag: string }[] = [];
    const writer = async (cloud: string) => {
      let last = performance.now();
      while (!stopped) {
        const found = await send(cloud, `GET kv/${ns}/count`, { headers: strong });
        if (found.status !== 200) continue;
        const key = randomUUID();
        const swap = await send(cloud, `PUT kv/${ns}/count`, {
          body: String(Number(found.text) + 1),
          headers: { "If-Match": found.headers.get("ETag")!, "Idempotency-Key": key },
        });
        if (swap.status === 200) {
          done++;
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
          once.push({ key, tag: swap.headers.get("ETag")! });
        } else {
          assert.ok(swap.status === 412 || swap.json.code === "home-moving", swap.text);
          refused++;
        }
      }
    };
    const writers = names.map(writer);
    const moves: number[] = [];
    const random = randomFrom(seed);
    for (const to of ["aws", "azure", "gcp", "aws"]) {
      const before = done;
      await until("writers go on", 20_000, () => done >= before + 10);
      const start = performance.now();
      await move(pick(random, names), ns, to);
      moves.push(performance.now() - start);
    }
    stopped = true;
    await Promise.all(writers);
    console.log(
      `      ${done} swaps done and ${refused} refused during moves of ${moves.map((ms) => ms.toFixed(0)).join(", ")} ms; the longest pause of a writer was ${longest.toFixed(0)} ms`,
    );
    assert.equal(await read("azure", `${ns}/count`), String(done));
    // Their first answers went with it, whoever was the home then.
    for (const { key, tag } of once.slice(0, 20)) {
      const again = await send("gcp", `PUT kv/${ns}/count`, { body: "x", headers: { "Idempotency-Key": key } });
      assert.equal(again.json.code, "idempotency-mismatch", `${tag} ${again.text}`);
    }
  });

  it("wait with the move for what the old home has not sent yet", async () => {
    const ns = await makeAt("gcp");
    cut("gcp", "aws");
    try {
      assert.equal((await send("gcp", `PUT kv/${ns}/k`, { body: "unsent" })).status, 201);
      // Nobody asks the old home for it: the new one waits, and says so in the end.
      await rejected("aws", `POST namespaces/${ns}:move-home`, 503, "home-moving", { body: { to: "aws" } });
      for (const cloud of names) await rejected(cloud, `PUT kv/${ns}/k`, 503, "home-moving", { body: "x" });
    } finally {
      heal();
    }
    await move("aws", ns, "aws");
    assert.equal(await read("azure", `${ns}/k`), "unsent");
  });

  it("can be given to a namespace that had none, and taken away", async () => {
    const ns = `later-${randomUUID().slice(0, 8)}`;
    await send("aws", `PUT namespaces/${ns}`, { body: {} });
    await until("all know it", 10_000, async () =>
      (await Promise.all(names.map((cloud) => send(cloud, `PUT kv/${ns}/${cloud}`, { body: "v" })))).every(
        ({ status }) => status < 300,
      ),
    );
    await move("aws", ns, "azure");
    for (const cloud of names) assert.equal(await read("gcp", `${ns}/${cloud}`), "v", "what was taken before is there");
    const put = await send("gcp", `PUT kv/${ns}/k`, { body: "v" });
    assert.equal(put.headers.get("KV-Origin"), "azure", put.text);
    await move("aws", ns, null);
    await until("gcp decides by itself", 10_000, async () => {
      return (await send("gcp", `PUT kv/${ns}/k`, { body: "w" })).headers.get("KV-Origin") === "gcp";
    });
  });

  it("move by force when the home is lost, which does not decide when it comes back", async () => {
    const ns = await makeAt("gcp");
    await send("aws", `PUT kv/${ns}/k`, { body: "1" });
    await until("the others have it", 10_000, async () => (await send("azure", `GET kv/${ns}/k`)).text === "1");
    await rejected("azure", `POST namespaces/${ns}:move-home`, 409, "home-differs", {
      body: { to: "aws", force: true },
    });
    cluster.services.get("gcp")!.kill("SIGKILL");
    await cluster.services.get("gcp")!.exited;
    await rejected("azure", `POST namespaces/${ns}:move-home`, 503, "home-unreachable", { body: { to: "aws" } });
    await move("azure", ns, "aws", true);
    await until("azure passes writes on to the new home", 10_000, async () => {
      return (await send("azure", `PUT kv/${ns}/k`, { body: "2" })).headers.get("KV-Origin") === "aws";
    });
    // Nobody tells it anything at first: it must not take itself for the home.
    for (const link of cluster.links.of("gcp")) link.trouble = { kind: "reset" };
    try {
      await restart("gcp");
      await rejected("gcp", `PUT kv/${ns}/k`, 503, "home-unreachable", { body: "3" });
      await rejected("gcp", `GET kv/${ns}/k`, 503, "home-unreachable", { headers: strong });
    } finally {
      heal();
    }
    await until("gcp passes writes on", 30_000, async () => {
      return (await send("gcp", `PUT kv/${ns}/k`, { body: "4" })).headers.get("KV-Origin") === "aws";
    });
    assert.equal(await read("gcp", `${ns}/k`), "4");
  });

  it("move by force from a home that lives on and decides nothing any more, if any other cloud reaches it", async () => {
    const ns = await makeAt("gcp");
    cut("gcp", "aws");
    cut("aws", "gcp");
    try {
      assert.equal((await send("gcp", `PUT kv/${ns}/k`, { body: "1" })).status, 201);
      await until("azure has it", 10_000, async () => (await send("azure", `GET kv/${ns}/k`)).text === "1");
      await move("azure", ns, "aws", true);
      assert.equal((await send("aws", `PUT kv/${ns}/k`, { body: "2" })).status, 200, "what azure had is there");
      const { status, json } = await send("gcp", `PUT kv/${ns}/k`, { body: "3" });
      assert.equal(status, 503);
      assert.match(String(json.code), /^home-(moving|unreachable)$/);
    } finally {
      heal();
    }
    assert.equal(await read("gcp", `${ns}/k`), "2");
  });

  it(`are linearizable from all clouds at once, while homes are killed and moved and links cut (seed ${seed})`, async () => {
    const ns = await makeAt("gcp");
    const random = randomFrom(seed);
    const kvs = names.map((cloud) => new Kv(cluster.services.get(cloud)!.url, 20_000, () => {}, ns, "strong"));
    let isOver = false;
    const faults = async () => {
      let count = 0;
      for (; !isOver; count++) {
        const kind = pick(random, ["cut", "kill", "move"]);
        if (kind === "move") await move(pick(random, names), ns, pick(random, names));
        else if (kind === "kill") await restart(pick(random, names));
        else {
          const link = pick(random, cluster.links.all());
          link.trouble = { kind: pick(random, ["cut", "reset"] as const) };
          await new Promise((resolve) => setTimeout(resolve, 200 + random() * 300));
          link.trouble = null;
        }
      }
      return count;
    };
    const running = faults();
    const recorder = await runWorkload({ kvs, keys: ["a", "b", "c"], clients: 9, callsEach: 150, random }).finally(
      () => {
        isOver = true;
      },
    );
    const count = await running;
    const swaps = countSwaps(recorder);
    console.log(
      `      ${recorder.calls.length} calls, ${swaps.done} swaps done, ${swaps.refused} refused, ${count} faults`,
    );
    assert.ok(swaps.done > 20 && count > 2);
    const verdict = checkLinearizable(recorder.calls);
    assert.ok(verdict.linearizable, verdict.linearizable ? "" : verdict.explanation);
  });
});
