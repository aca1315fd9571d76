import assert from "node:assert/strict";
import type { Entry } from "../../../service/kv/entry.ts";
import type { Path } from "../../../service/kv/path.ts";
import { until } from "../../support/kv.ts";
import { type MemoryCloud, memoryClouds } from "../../support/memory/clouds.ts";

const names = ["aws", "azure", "gcp"];
/** Hybrid times: deletions are forgotten up to `now`, which is later than `before`. */
const [before, now, later] = [1000n, 2000n, 3000n];

describe("clouds that recover at the same time", function () {
  this.timeout(20_000);
  let clouds: Map<string, MemoryCloud>;
  const cloud = (name: string) => clouds.get(name)!;
  const others = (name: string) => names.filter((other) => other !== name);

  beforeEach(async () => {
    clouds = await memoryClouds(names, { through: (_from, _to, _kind, pass) => pass() });
    for (const { member } of clouds.values()) {
      await member.copied();
      for (const peer of clouds.values()) {
        if (peer.member === member) continue;
        const { incarnation, incarnatedAt, floor, confirmed } = await peer.member.identity();
        const sender = { peer: peer.name, incarnation, incarnatedAt };
        await member.hear(sender, { floor, confirmed, yours: null, expelled: {}, settled: true });
      }
    }
  });
  afterEach(() => Promise.all([...clouds.values()].map((one) => one.stop())));

  function holds(name: string, floor: bigint, entries: Readonly<Record<Path, [origin: string, time: bigint]>>): void {
    const { db } = cloud(name);
    db.cluster.floor = floor;
    for (const [path, [origin, time]] of Object.entries(entries)) {
      const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
      const entry: Entry = {
        kind: "value",
        version: { time, origin },
        seen: {},
        body: Buffer.from(path),
        size: path.length,
        ...rest,
      };
      db.entries.set(path, { path, entry, marks: {}, extra: null, changed: 1 });
    }
  }
  async function startAll(restored: readonly string[]): Promise<void> {
    for (const name of restored) {
      cloud(name).db.system = `restored ${name}`;
      await cloud(name).member.join(others(name), cloud(name).now());
      await cloud(name).replication.open();
    }
    for (const { replication } of clouds.values()) replication.start();
  }
  const haveRecovered = () =>
    until("all have recovered", 15_000, async () =>
      [...clouds.values()].every((one) => !one.replication.isRecovering()),
    );
  const keys = (name: string) => [...cloud(name).db.entries.keys()].sort();

  it("serve again, with what only the other one of them had, and without what was deleted since their backups", async () => {
    holds("aws", before, {
      "default/kept": ["gcp", 900n],
      "default/deleted": ["gcp", 900n],
      "default/of-aws": ["aws", later],
    });
    holds("azure", before, { "default/deleted": ["gcp", 900n], "default/of-azure": ["azure", later] });
    holds("gcp", now, { "default/kept": ["gcp", 900n], "default/lost": ["aws", later] });
    await startAll(["aws", "azure"]);
    await haveRecovered();
    const all = ["default/kept", "default/lost", "default/of-aws", "default/of-azure"];
    await until("all are equal", 15_000, async () => names.every((name) => String(keys(name)) === String(all)));
  });

  it("take the backup with the highest floor for right up to it, when no cloud was spared", async () => {
    holds("aws", before, { "default/deleted": ["gcp", 900n], "default/new": ["aws", later] });
    holds("azure", now, { "default/kept": ["gcp", 900n] });
    holds("gcp", before, { "default/deleted": ["gcp", 900n], "default/kept": ["gcp", 900n] });
    await startAll(names);
    await haveRecovered();
    const all = ["default/kept", "default/new"];
    await until("all are equal", 15_000, async () => names.every((name) => String(keys(name)) === String(all)));
  });

  it("do not take a new cloud, which holds nothing yet, for a reason to forget", async () => {
    cloud("azure").db.cluster.copied = false;
    holds("azure", now, {});
    holds("aws", before, { "default/kept": ["gcp", 900n] });
    holds("gcp", now, { "default/kept": ["gcp", 900n] });
    const forgotten: Path[] = [];
    const { db } = cloud("aws");
    const remove = db.entries.delete.bind(db.entries);
    db.entries.delete = (path) => {
      forgotten.push(path);
      return remove(path);
    };
    await startAll(["aws"]);
    await haveRecovered();
    await until("azure is no longer new", 15_000, async () => !cloud("azure").replication.isNew());
    assert.deepEqual([keys("aws"), keys("azure"), forgotten], [["default/kept"], ["default/kept"], []]);
  });

  it("are no witness of what sessions saw in them, since their backup may be older than that", async () => {
    cloud("azure").db.cluster.copied = false;
    holds("aws", before, { "default/seen": ["gcp", 900n] });
    holds("azure", before, {});
    cloud("aws").db.system = "restored aws";
    await cloud("aws").member.join(others("aws"), cloud("aws").now());
    const asked = async () => {
      // By the first refusal azure hears that aws is another one now.
      await cloud("azure")
        .replication.bring("aws", "default/seen")
        .catch(() => {});
      await cloud("azure").replication.bring("aws", "default/seen");
    };
    await assert.rejects(asked, /aws refused: recovering/);
    assert.deepEqual(keys("azure"), []);
  });
});
