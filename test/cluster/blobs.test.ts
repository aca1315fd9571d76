import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { Cluster } from "../support/cluster.ts";
import { until } from "../support/kv.ts";
import { adminKey } from "../support/service.ts";

const MiB = 2 ** 20;

describe("large values of two clouds", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(["aws", "gcp"]);
  });
  after(() => cluster?.close());

  const large = (bytes: number) => randomBytes(bytes / 2).toString("hex");
  const arrives = (name: string, key: string, value: string, seconds = 60) =>
    until(`${name} has ${key}`, seconds * 1000, async () => (await cluster.kv(name).get(key))?.value === value);

  /** Every connection between the two carries so much from now on; null: as much as it can. */
  function slow(bytesPerSecond: number | null): void {
    for (const link of cluster.links.all())
      link.trouble = bytesPerSecond === null ? null : { kind: "slow", delay: 1, bytesPerSecond };
  }
  afterEach(() => slow(null));
  /** Bytes of values that gcp is fetching now. */
  async function underWay(): Promise<number> {
    const uploads = join(cluster.clouds.get("gcp")!.folder, "blobs", "uploads");
    const sizes = await Promise.all(
      (await readdir(uploads)).map((name) =>
        stat(join(uploads, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  it("arrive byte for byte, with their version, and are replaced and deleted like all others", async () => {
    const value = large(3 * MiB);
    const { tag } = await cluster.kv("aws").put("large", value);
    await arrives("gcp", "large", value);
    assert.equal((await cluster.kv("gcp").get("large"))!.tag, tag);
    const newer = large(2 * MiB);
    await cluster.kv("gcp").put("large", newer);
    await arrives("aws", "large", newer);
    await cluster.kv("aws").delete("large");
    await until("it is gone", 20_000, async () => (await cluster.kv("gcp").get("large")) === null);
  });

  it("stay readable when they lost to a concurrent write", async () => {
    const [lost, won] = [large(2 * MiB), large(2 * MiB)];
    const signal = (name: string, one: NodeJS.Signals) => cluster.services.get(name)!.kill(one);
    signal("gcp", "SIGSTOP");
    const { version } = await cluster.kv("aws").put("both", lost);
    signal("aws", "SIGSTOP");
    signal("gcp", "SIGCONT");
    await cluster.kv("gcp").put("both", won);
    signal("aws", "SIGCONT");
    await arrives("aws", "both", won);
    const value = await fetch(`${cluster.services.get("aws")!.url}/v1/conflicts/default/${version}?key=both`, {
      headers: { Authorization: `Bearer ${adminKey}` },
    });
    assert.deepEqual([value.status, value.headers.get("KV-Version")], [200, version]);
    assert.equal(await value.text(), lost);
  });

  it("are given to members only, and only as the value of a key", async () => {
    const value = large(2 * MiB);
    await cluster.kv("aws").put("asked", value);
    await cluster.certificates.make("mallory", "ca");
    const digest = createHash("sha256").update(value).digest("hex");
    const ask = async (who: string, path: string, name = digest) => {
      const { certificates } = cluster;
      const [cert, key] = await Promise.all(
        ["pem", "key"].map((kind) => readFile(certificates.file(`${who}.${kind}`))),
      );
      return new Promise((resolve, reject) => {
        const url = `https://127.0.0.1:${cluster.peerPort("aws")}/blobs/${name}?path=${path}`;
        const options = { cert, key, rejectUnauthorized: false, agent: false, headers: { Range: "bytes=0-" } } as const;
        get(url, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on("error", reject);
      });
    };
    assert.equal(await ask("gcp", "default/asked"), 206);
    assert.equal(await ask("mallory", "default/asked"), 403);
    assert.equal(await ask("gcp", "default/other"), 404);
    assert.equal(await ask("gcp", "default/asked", "0".repeat(64)), 404);
    assert.equal(await ask("gcp", "default/asked", "..%2F..%2Fetc"), 404);
  });

  it("hold nothing up while they are under way over a slow link", async () => {
    slow(8 * MiB);
    const startedAt = performance.now();
    const values = [large(25 * MiB), large(25 * MiB), large(25 * MiB)];
    await Promise.all(values.map((value, i) => cluster.kv("aws").put(`slow-${i}`, value)));
    const times: number[] = [];
    let isOver = false;
    const over = Promise.all(values.map((value, i) => arrives("gcp", `slow-${i}`, value, 90))).then(() => {
      isOver = true;
    });
    for (let i = 0; !isOver; i++) {
      const start = performance.now();
      // Keys of all shards, those of the large ones too.
      await cluster.kv("aws").put(`small-${i}`, String(i));
      await until("the small one is there", 10_000, async () => (await cluster.kv("gcp").get(`small-${i}`)) !== null);
      if (!isOver) times.push(performance.now() - start);
    }
    await over;
    times.sort((a, b) => a - b);
    const [median, longest] = [times[Math.floor(times.length / 2)]!, times.at(-1)!];
    console.log(
      `      ${times.length} small keys meanwhile: median ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms`,
    );
    const whole = performance.now() - startedAt;
    assert.ok(
      times.length > 10 && longest < whole / 2,
      `${times.length} small keys, longest ${longest} of ${whole} ms`,
    );
  });

  it("arrive though the link broke in between", async () => {
    const value = large(25 * MiB);
    slow(8 * MiB);
    await cluster.kv("aws").put("cut", value);
    await until("a part is there", 30_000, async () => (await underWay()) > 5 * MiB);
    for (const link of cluster.links.all()) link.trouble = { kind: "reset" };
    slow(null);
    await arrives("gcp", "cut", value);
  });

  it("arrive though their cloud was killed in between", async () => {
    const value = large(25 * MiB);
    slow(8 * MiB);
    await cluster.kv("aws").put("killed", value);
    await until("a part is there", 30_000, async () => (await underWay()) > 5 * MiB);
    const aws = cluster.services.get("aws")!;
    aws.kill("SIGKILL");
    await aws.exited;
    slow(null);
    await cluster.startService("aws");
    await arrives("gcp", "killed", value);
  });
});
