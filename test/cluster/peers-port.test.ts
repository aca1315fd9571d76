import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode, type Request } from "../../service/replication/protocol.ts";
import { atPace, quantiles } from "../measure/pace.ts";
import { Cluster } from "../support/cluster.ts";
import { query } from "../support/databases.ts";
import { until } from "../support/kv.ts";
import { answerIn, headOf, knock } from "../support/member.ts";

/** Part of everything that is sent here and must not be told to anybody. */
const content = "content-that-nobody-logs";
const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20));

describe("the peers' port", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(["aws", "gcp"]);
    await cluster.certificates.make("other-ca", null);
    await cluster.certificates.make("forged-gcp", "other-ca");
    await cluster.certificates.make("expired-gcp", "ca", -1);
    await cluster.certificates.make("mallory", "ca");
  });
  after(() => cluster?.close());

  const refused = async (peer: string, reason: string): Promise<number> => {
    const text = await (await fetch(`${cluster.services.get("aws")!.metricsUrl}/metrics`)).text();
    const name = `skykv_replication_refused_total{peer="${peer}",reason="${reason}"} `;
    return Number(
      text
        .split("\n")
        .find((line) => line.startsWith(name))
        ?.slice(name.length) ?? 0,
    );
  };
  const counts = async (peer: string, reason: string, act: () => Promise<unknown>) => {
    const before = await refused(peer, reason);
    await act();
    await until(`${reason} is counted`, 5000, async () => (await refused(peer, reason)) > before);
  };
  const message = async (body: Request, from = "gcp") =>
    gzipSync(encode({ head: await headOf(cluster, from, "aws"), body }));

  for (const who of [null, "forged-gcp", "expired-gcp"])
    it(`takes no connection with ${who === null ? "no certificate" : `the certificate ${who}`}`, () =>
      counts("", "certificate", async () =>
        assert.equal((await knock(cluster, "aws", who, Buffer.from(content))).status, null),
      ));

  it("takes no message of somebody whom the authority knows and who is no member", () =>
    counts("", "stranger", async () =>
      assert.equal((await knock(cluster, "aws", "mallory", Buffer.from(content))).status, 403),
    ));

  it("takes no message that says it is of another member than the certificate", () =>
    counts("gcp", "stranger", async () => {
      const head = { ...(await headOf(cluster, "gcp", "aws")) };
      const lie = { ...head, sender: { ...head.sender, peer: "azure" } };
      const reply = await knock(
        cluster,
        "aws",
        "gcp",
        gzipSync(encode({ head: lie, body: { kind: "fetch", paths: [] } })),
      );
      assert.deepEqual((await answerIn(reply)).body, { kind: "refused", reason: "stranger" });
    }));

  const oversized = Buffer.alloc(17 * 2 ** 20, content);
  for (const isChunked of [false, true])
    it(`takes no oversized message ${isChunked ? "that hides its length" : "that says its length"}`, () =>
      counts("", "oversized", async () => {
        const { status } = await knock(cluster, "aws", "gcp", oversized, { isChunked });
        assert.ok(status === 413 || status === null, `${status}`);
      }));

  for (const [what, body] of [
    ["that is not packed", Buffer.from(content)],
    ["that unpacks to more than it may", bomb],
    ["that is cut short", gzipSync(content).subarray(0, 20)],
  ] as const)
    it(`takes no message ${what}`, () =>
      counts("", "malformed", async () => assert.equal((await knock(cluster, "aws", "gcp", body)).status, 400)));

  it("answers what is packed well and means nothing", async () => {
    const whole = encode({ head: await headOf(cluster, "gcp", "aws"), body: { kind: "fetch", paths: [content] } });
    for (const bytes of [Buffer.from(content), whole.subarray(0, whole.length - 3), Buffer.alloc(0)]) {
      await counts("gcp", "malformed", async () => {
        const { body } = await answerIn(await knock(cluster, "aws", "gcp", gzipSync(bytes)));
        assert.deepEqual(body, { kind: "refused", reason: "malformed" });
      });
    }
    const newer = { kind: "gossip" } as never;
    await counts("gcp", "protocol", async () => {
      const { body } = await answerIn(await knock(cluster, "aws", "gcp", await message(newer)));
      assert.deepEqual(body, { kind: "refused", reason: "protocol" });
    });
  });

  it("takes none of a batch that has one bad entry", async () => {
    await cluster.kv("gcp").put("good", "1");
    await until("aws has it", 15_000, async () => (await cluster.kv("aws").get("good")) !== null);
    const fetched = await answerIn(
      await knock(cluster, "aws", "gcp", await message({ kind: "fetch", paths: ["default/good"] })),
    );
    assert.ok(fetched.body.kind === "fetched");
    const good = { ...fetched.body.entries[0]!, path: "default/never" };
    const bad = { ...good, path: `no path ${content}` };
    const reply = await knock(cluster, "aws", "gcp", await message({ kind: "batch", entries: [good, bad] }));
    assert.deepEqual((await answerIn(reply)).body, { kind: "refused", reason: "malformed" });
    assert.equal(await cluster.kv("aws").get("never"), null);
  });

  it("keeps clients and peers unaffected by all that", async () => {
    const done = new AbortController();
    const flood = atPace(10, done.signal, async (i) => {
      const bad = [Buffer.from(content), bomb.subarray(0, 30_000), gzipSync(content)][i % 3]!;
      await knock(cluster, "aws", [null, "forged-gcp", "mallory", "gcp"][i % 4]!, bad);
    });
    const took = await atPace(20, AbortSignal.timeout(4000), async (i) => {
      await cluster.kv("aws").put(`busy-${i}`, "1");
    });
    await until("gcp has the last", 15_000, async () => {
      return (await cluster.kv("gcp").get(`busy-${took.length - 1}`)) !== null;
    });
    done.abort();
    await flood;
    const { max } = quantiles(took);
    assert.ok(max < 5000, `a write took ${max} ms`);
  });

  it("tells the log why, and never what", async () => {
    const log = await readFile(join(cluster.clouds.get("aws")!.folder, "service-1.log"), "utf8");
    for (const reason of ["certificate", "stranger", "oversized", "malformed"])
      assert.match(log, new RegExp(`"reason":"${reason}"`));
    assert.ok(!log.includes(content), "a message's content is in the log");
  });
});

describe("clouds of three releases", function () {
  this.timeout(120_000);
  const names = ["aws", "gcp", "azure"];
  const releases: Record<string, string> = { gcp: "newer", azure: "older" };
  let cluster: Cluster;
  before(async () => {
    const hook = new URL("../support/release.ts", import.meta.url).href;
    const environment = (cloud: string): Record<string, string> =>
      releases[cloud] === undefined ? {} : { NODE_OPTIONS: `--import=${hook}`, RELEASE: releases[cloud] };
    cluster = await Cluster.start(names, { environment });
  });
  after(() => cluster?.close());

  const everywhere = (key: string, value: string | null) =>
    until(`${key} is ${value} in every cloud`, 20_000, async () => {
      const found = await Promise.all(names.map((name) => cluster.kv(name).get(key)));
      return found.every((one) => (one?.value ?? null) === value);
    });

  it("have each other's values, deletions and counts", async () => {
    for (const name of names) await cluster.kv(name).put(`from-${name}`, name);
    for (const name of names) await everywhere(`from-${name}`, name);
    await Promise.all(names.map((name) => cluster.kv(name).increment("n")));
    await everywhere("n", "3");
    await cluster.kv("azure").delete("from-gcp");
    await everywhere("from-gcp", null);
  });

  it("catch up with each other after an outage", async () => {
    for (const link of cluster.links.all()) link.trouble = { kind: "cut" };
    for (const name of names) await cluster.kv(name).put(`alone-${name}`, name);
    for (const link of cluster.links.all()) link.trouble = null;
    for (const name of names) await everywhere(`alone-${name}`, name);
  });

  it("keep what only the newer one knows of an entry, and give it back", async () => {
    await cluster.kv("gcp").put("coloured", "1");
    await everywhere("coloured", "1");
    for (const name of ["aws", "azure"]) {
      const [row] = await query(cluster.clouds.get(name)!, "select extra from entries where path = 'default/coloured'");
      assert.deepEqual(row!.extra, { colour: "blue" }, name);
      const body: Request = { kind: "fetch", paths: ["default/coloured"] };
      const asked = gzipSync(encode({ head: await headOf(cluster, "gcp", name), body }));
      const answer = (await answerIn(await knock(cluster, name, "gcp", asked))).body;
      assert.ok(answer.kind === "fetched");
      assert.deepEqual(answer.entries[0]!.extra, { colour: "blue" }, name);
    }
  });
});
