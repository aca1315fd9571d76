import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { Cluster } from "../support/cluster.ts";
import { type ApiError, isReady, until } from "../support/kv.ts";
import { adminKey } from "../support/service.ts";

const names = ["aws", "azure", "gcp"];
const peer = { "KV-Durability": "peer" };
const all = { "KV-Durability": "all" };

describe("writes of three clouds that others confirm", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(names);
    await until("all know each other", 30_000, () =>
      cluster
        .kv("aws")
        .put("first", "1", all)
        .then(
          () => true,
          () => false,
        ),
    );
  });
  after(() => cluster?.close());
  // What was frozen for long has closed its listener, and opens it when it has looked around.
  const ready = (name: string) =>
    until(`${name} is ready`, 30_000, () => isReady(cluster.services.get(name)!.metricsUrl));
  beforeEach(async () => {
    thaw(...names);
    cut(false);
    for (const name of names) await ready(name);
  });

  const cut = (isCut: boolean) => {
    cluster.links.between("aws", "gcp").trouble = isCut ? { kind: "cut" } : null;
  };
  const freeze = (...frozen: string[]) => frozen.map((name) => cluster.services.get(name)!.kill("SIGSTOP"));
  const thaw = (...frozen: string[]) => frozen.map((name) => cluster.services.get(name)!.kill("SIGCONT"));
  async function send(method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) {
    const response = await fetch(`${cluster.services.get("aws")!.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminKey}`, ...headers },
      ...(body !== undefined && { body: body as string }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  }
  const put = (key: string, headers: Record<string, string>, body: string | Buffer = "v") =>
    send("PUT", `/v1/kv/default/${key}`, headers, body);
  /** Milliseconds that something took. */
  async function timed<T>(work: Promise<T>): Promise<[T, number]> {
    const start = performance.now();
    return [await work, performance.now() - start];
  }

  it("are in the others when they are answered, and the answer says so", async () => {
    for (const [headers, level] of [
      [all, "all"],
      [peer, "peer"],
      [{}, "local"],
    ] as const) {
      const answer = await put(`level-${level}`, headers);
      assert.deepEqual([answer.status, answer.headers.get("KV-Durability")], [201, level]);
    }
    for (const name of ["azure", "gcp"]) assert.equal((await cluster.kv(name).get("level-all"))?.value, "v");
    const found = await Promise.all(["azure", "gcp"].map((name) => cluster.kv(name).get("level-peer")));
    assert.ok(found.some((one) => one !== null));
  });

  it("are there with all their bytes when they are large", async () => {
    const value = randomBytes(2 ** 20).toString("hex");
    assert.equal((await put("large", all, value)).status, 201);
    for (const name of ["azure", "gcp"]) assert.equal((await cluster.kv(name).get("large"))?.value, value);
  });

  it("are confirmed by one cloud while another is frozen; all of them are not, and the answer names the version", async () => {
    freeze("gcp");
    const [one, time] = await timed(put("frozen", peer));
    assert.equal(one.status, 201);
    assert.ok(time < 4500, `${time} ms`);
    const retried = { ...all, "Idempotency-Key": "frozen" };
    const [first, waited] = await timed(put("frozen", retried, "w"));
    assert.equal(first.status, 504);
    assert.ok(waited > 4500, `${waited} ms`);
    const problem = JSON.parse(first.text);
    assert.equal(problem.code, "unconfirmed");
    assert.equal(first.headers.get("KV-Durability"), "local");
    const written = await cluster.kv("aws").get("frozen");
    assert.deepEqual([written!.value, written!.version], ["w", problem.version]);

    // The retry waits for the same write, and does not write.
    assert.equal((await put("frozen", retried, "w")).status, 504);
    thaw("gcp");
    const again = await put("frozen", retried, "w");
    assert.deepEqual(
      [again.status, again.headers.get("KV-Durability"), again.headers.get("Idempotency-Replayed")],
      [200, "all", "true"],
    );
    assert.equal(again.headers.get("KV-Version"), problem.version);
    await ready("gcp");
    assert.equal((await cluster.kv("gcp").get("frozen"))?.version, problem.version);
  });

  it("are refused at once when their condition fails, whoever is frozen", async () => {
    freeze("gcp", "azure");
    const [answer, time] = await timed(put("frozen", { ...all, "If-Match": '"nothing"' }));
    assert.equal(answer.status, 412);
    assert.ok(time < 4500, `${time} ms`);
  });

  it("of a batch or a transaction are confirmed as a whole", async () => {
    // Transactions are for namespaces with a home.
    await send("PUT", "/v1/namespaces/owned", { "Content-Type": "application/json" }, '{"home": "aws"}');
    await until("azure knows the namespace", 20_000, async () => {
      const headers = { Authorization: `Bearer ${adminKey}` };
      return (await fetch(`${cluster.services.get("azure")!.url}/v1/namespaces/owned`, { headers })).ok;
    });
    freeze("gcp");
    const body = (keys: string[]) =>
      JSON.stringify({ operations: [...keys.map((key) => ({ op: "put", key, value: "v" })), { op: "get", key: "x" }] });
    for (const verb of ["batch", "transact"]) {
      const late = await send("POST", `/v1/kv/owned:${verb}`, all, body([`${verb}-a`, `${verb}-b`]));
      assert.equal(late.status, 504);
      const { versions } = JSON.parse(late.text) as { versions: { key: string; version: string }[] };
      assert.deepEqual(
        versions.map(({ key }) => key),
        [`${verb}-a`, `${verb}-b`],
      );
      assert.equal((await cluster.kv("aws", "owned").get(`${verb}-b`))!.version, versions[1]!.version);
      const one = await send("POST", `/v1/kv/owned:${verb}`, peer, body([`${verb}-c`, `${verb}-d`]));
      assert.deepEqual([one.status, one.headers.get("KV-Durability")], [200, "peer"]);
      for (const key of [`${verb}-c`, `${verb}-d`]) assert.notEqual(await cluster.kv("azure", "owned").get(key), null);
    }
  });

  it("claim no other cloud when a transaction is refused", async () => {
    const operations = [
      { op: "check", key: "absent", if_match: "*" },
      { op: "put", key: "x", value: "v" },
    ];
    const refused = await send("POST", "/v1/kv/owned:transact", all, JSON.stringify({ operations }));
    assert.deepEqual([refused.status, refused.headers.get("KV-Durability")], [412, "local"]);
  });

  it("of an import and a deletion by prefix end with what is not confirmed", async () => {
    freeze("gcp");
    const lines = '{"key": "in/1", "value": "v"}\n{"key": "in/2", "value": "v"}\n';
    const jsonl = { "Content-Type": "application/jsonl" };
    const late = await send("POST", "/v1/import?namespace=default", { ...all, ...jsonl }, lines);
    assert.match(late.text, /"unconfirmed"/);
    const done = await send("POST", "/v1/import?namespace=default", { ...peer, ...jsonl }, lines);
    assert.match(done.text, /"type":"end"/);
    const deleted = await send("DELETE", "/v1/kv/default?prefix=in/", all);
    const last = JSON.parse(deleted.text.trim().split("\n").at(-1)!);
    assert.deepEqual([last.type, last.deleted, last.problem.code], ["error", 2, "unconfirmed"]);
  });

  it("follow the namespace when they do not say", async () => {
    for (const name of names) {
      await fetch(`${cluster.services.get(name)!.url}/v1/namespaces/safe`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${adminKey}` },
        body: JSON.stringify({ default_durability: "all" }),
      });
    }
    const answer = await send("PUT", "/v1/kv/safe/k", {}, "v");
    assert.deepEqual([answer.status, answer.headers.get("KV-Durability")], [201, "all"]);
    const less = await send("PUT", "/v1/kv/safe/k", { "KV-Durability": "local" }, "v");
    assert.deepEqual([less.status, less.headers.get("KV-Durability")], [200, "local"]);
  });

  it("are unconfirmed while a link is cut, and confirmed when it is healed", async () => {
    cut(true);
    assert.equal((await put("cut", all)).status, 504);
    assert.equal((await put("cut", peer)).status, 200);
    cut(false);
    await until("it is confirmed", 30_000, async () => (await put("cut", all)).status === 200);
  });

  it("share batches: the rate beside `local`", async () => {
    const batches = async () => {
      const text = await (await fetch(`${cluster.services.get("aws")!.metricsUrl}/metrics`)).text();
      return [...text.matchAll(/^skykv_replication_batches_total\{.*\} (\d+)/gm)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    };
    const rates = new Map<string, number>();
    for (const level of ["local", "peer", "all"]) {
      const before = await batches();
      const end = performance.now() + 3000;
      let writes = 0;
      const caller = async (id: number) => {
        while (performance.now() < end) {
          await cluster.kv("aws").put(`rate-${id}-${writes}`, "v", { "KV-Durability": level });
          writes++;
        }
      };
      const start = performance.now();
      await Promise.all(Array.from({ length: 64 }, (_, id) => caller(id)));
      const seconds = (performance.now() - start) / 1000;
      rates.set(level, writes / seconds);
      const sent = (await batches()) - before;
      const ratio = (rates.get(level)! / rates.get("local")!).toFixed(2);
      console.log(
        `      ${level.padEnd(5)} ${(writes / seconds).toFixed(0)} writes/s (${ratio} of local), ${(writes / sent).toFixed(1)} writes a batch`,
      );
      // By itself each write would go to two clouds, once at once and once by the feed.
      if (level !== "local") assert.ok(sent < writes, `${sent} batches for ${writes} writes`);
    }
  });

  it("are in another cloud after theirs was destroyed", async () => {
    const acknowledged: string[] = [];
    let isOver = false;
    const writers = Array.from({ length: 8 }, async (_, id) => {
      for (let i = 0; !isOver; i++) {
        const key = `last-${id}-${i}`;
        await cluster
          .kv("aws")
          .put(key, "v", peer)
          .then(
            () => acknowledged.push(key),
            () => {
              isOver = true;
            },
          );
      }
    });
    await until("there are writes", 30_000, () => acknowledged.length > 200);
    const cloud = cluster.clouds.get("aws")!;
    cluster.services.get("aws")!.kill("SIGKILL");
    await cloud.killPostgres();
    await rm(cloud.postgres.directory, { recursive: true, force: true });
    await Promise.all(writers);
    const survivors = ["azure", "gcp"].map((name) => cluster.kv(name));
    for (const key of acknowledged) {
      const found = await Promise.all(survivors.map((kv) => kv.get(key)));
      assert.ok(
        found.some((one) => one !== null),
        `${key} is lost`,
      );
    }
    await assert.rejects(survivors[0]!.put("alone", "v", all), (error: ApiError) => error.code === "unconfirmed");
    assert.equal((await survivors[0]!.put("two", "v", peer)).status, 201);
    cluster.services.get("gcp")!.kill("SIGSTOP");
    await assert.rejects(survivors[0]!.put("one", "v", peer), (error: ApiError) => error.code === "unconfirmed");
  });
});
