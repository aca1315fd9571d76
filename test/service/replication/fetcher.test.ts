import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../support/kv.ts";
import { type MemoryCloud, memoryClouds, type Route } from "../../support/memory/clouds.ts";

const path = "default/large";
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("large values between clouds", () => {
  const straight: Route = (_from, _to, _kind, pass) => pass();
  const route = { through: straight };
  let clouds: Map<string, MemoryCloud>;
  let aws: MemoryCloud;
  let gcp: MemoryCloud;

  beforeEach(async () => {
    route.through = straight;
    clouds = await memoryClouds(["aws", "gcp"], route);
    aws = clouds.get("aws")!;
    gcp = clouds.get("gcp")!;
    for (const cloud of clouds.values()) cloud.replication.start();
  });
  afterEach(() => Promise.all([...clouds.values()].map((cloud) => cloud.stop())));

  /** What the peer gives instead of a blob from `start` on. */
  function instead(give: (start: number, all: () => Promise<Buffer>) => Promise<Readable | null>): void {
    route.through = async (_from, _to, kind, pass) => {
      if (kind === "call") return pass();
      const stream = (await pass()) as Readable | null;
      if (stream === null) return stream as never;
      const rest = Buffer.concat(await stream.toArray());
      return give(rest.length, async () => rest) as never;
    };
  }
  const appears = (cloud: MemoryCloud, value: string) =>
    until(`${cloud.name} shows it`, 10_000, async () => (await cloud.get(path)) === value);

  it("show when their bytes are there, and not before", async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    route.through = async (_from, _to, kind, pass) => {
      if (kind === "blob") await held;
      return pass();
    };
    await aws.put(path, Buffer.from("bytes"), true);
    await aws.put("default/small", Buffer.from("1"));
    await until("small keys go on", 10_000, async () => (await gcp.get("default/small")) === "1");
    await until("the large one is asked for", 10_000, () =>
      aws.events.some((event) => event.kind === "set-aside" && event.reason === "no-blob"),
    );
    assert.equal(gcp.db.entries.has(path), false);
    letGo();
    await appears(gcp, "bytes");
    await until("nothing waits any more", 10_000, () => aws.db.setAside.get("gcp")!.size === 0);
  });

  it("count as put anew when an entry begins to refer to bytes that are there", async () => {
    const putAt = async () => {
      for await (const blob of gcp.blobs.list()) return blob.putAt;
      throw new Error("expected a blob, found none");
    };
    await gcp.blobs.put(Readable.from([Buffer.from("bytes")]), 100);
    const before = await putAt();
    await sleep(5);
    await aws.put(path, Buffer.from("bytes"), true);
    await appears(gcp, "bytes");
    assert.ok((await putAt()) > before, "the collector leaves them time");
  });

  it("come from one peer while another one has stopped in the middle", async () => {
    const others = await memoryClouds(["aws", "azure", "gcp"], route);
    let hung = 0;
    const { promise: end, reject: endAll } = Promise.withResolvers<never>();
    route.through = (from, to, kind, pass) => {
      if (kind === "call" || from !== "gcp" || to !== "aws") return pass();
      hung++;
      return end;
    };
    for (const cloud of others.values()) cloud.replication.start();
    for (let i = 0; i < 5; i++) await others.get("aws")!.put(`default/hung-${i}`, Buffer.from(`hung ${i}`), true);
    await until("some are under way", 10_000, () => hung > 0);
    await others.get("azure")!.put(path, Buffer.from("bytes"), true);
    await appears(others.get("gcp")!, "bytes");
    assert.equal(hung, 2, "at once, and no more");
    const stopped = [...others.values()].map((cloud) => cloud.stop());
    endAll(new Error("the connection was closed"));
    await Promise.all(stopped);
  });

  it("are fetched on from where a connection broke", async () => {
    const bytes = randomBytes(1000);
    const starts: number[] = [];
    instead(async (left, all) => {
      starts.push(1000 - left);
      const rest = await all();
      if (left <= 400) return Readable.from([rest]);
      return Readable.from(
        (function* () {
          yield rest.subarray(0, 300);
          throw new Error("the connection broke");
        })(),
      );
    });
    await aws.put(path, bytes, true);
    await appears(gcp, String(bytes));
    assert.deepEqual(starts, [0, 300, 600]);
  });

  it("are kept only when the bytes are those of the digest", async () => {
    let lie = true;
    instead(async (left, all) => Readable.from([lie ? Buffer.alloc(left, 1) : await all()]));
    await aws.put(path, Buffer.from("bytes"), true);
    await until("it was noticed", 10_000, () =>
      gcp.events.some((event) => event.kind === "trouble" && /SHA-256/.test(String(event.error))),
    );
    assert.equal(gcp.db.entries.has(path), false);
    assert.equal(await gcp.blobs.has(sha256(Buffer.alloc(5, 1))), false);
    lie = false;
    await appears(gcp, "bytes");
  });

  it("are refused when more bytes come than the entry says", async () => {
    instead(async (left) => Readable.from([Buffer.alloc(left), Buffer.alloc(left)]));
    await aws.put(path, Buffer.from("bytes"), true);
    await until("it was noticed", 10_000, () =>
      gcp.events.some((event) => event.kind === "trouble" && /more than 5 bytes/.test(String(event.error))),
    );
    assert.equal(gcp.db.entries.has(path), false);
  });

  it("give way to what the key has become meanwhile", async () => {
    let isFirst = true;
    route.through = async (_from, _to, kind, pass) => {
      if (kind === "blob" && isFirst) {
        isFirst = false;
        await aws.put(path, Buffer.from("newer"), true);
      }
      return pass();
    };
    await aws.put(path, Buffer.from("older"), true);
    await appears(gcp, "newer");
    assert.equal(await gcp.blobs.has(sha256(Buffer.from("older"))), false);
  });

  it("are given to peers only as the value of the key that they name", async () => {
    await aws.put(path, Buffer.from("bytes"), true);
    const { digest } = await aws.blobs.put(Readable.from([Buffer.from("nobody's")]), 100);
    const open = (asked: string, at: string, start = 0) => aws.replication.openBlob({ path: at, digest: asked, start });
    assert.equal(await open(digest, path), null);
    assert.equal(await open(sha256(Buffer.from("bytes")), "default/other"), null);
    assert.equal(await open(sha256(Buffer.from("bytes")), path, 5), null);
    assert.notEqual(await open(sha256(Buffer.from("bytes")), path, 4), null);
  });

  it("come by a repair, in both directions", async () => {
    route.through = () => Promise.reject(new Error("cut"));
    await aws.put("default/of-aws", Buffer.from("a"), true);
    await gcp.put("default/of-gcp", Buffer.from("g"), true);
    for (const cloud of clouds.values()) cloud.db.trim(0);
    route.through = straight;
    await until("both have both", 15_000, async () => {
      const found = await Promise.all([aws.get("default/of-gcp"), gcp.get("default/of-aws")]);
      return found.join() === "g,a";
    });
    await until("the repair has ended", 10_000, () =>
      [...aws.events, ...gcp.events].some(({ kind }) => kind === "repaired"),
    );
  });

  it("are there wherever one is kept that lost to a concurrent write", async () => {
    let isCut = true;
    route.through = async (_from, _to, _kind, pass) => {
      if (isCut) throw new Error("cut");
      return pass();
    };
    await aws.put(path, Buffer.from("loser"), true);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await gcp.put(path, Buffer.from("winner"), true);
    isCut = false;
    await appears(aws, "winner");
    await until("the loser is kept", 10_000, () => aws.db.conflicts.size > 0);
    for (const cloud of [aws, gcp])
      if (cloud.db.conflicts.size > 0) assert.equal(await cloud.blobs.has(sha256(Buffer.from("loser"))), true);
  });

  it("from the future wait with their bytes", async () => {
    aws.skew = 7000;
    await aws.put(path, Buffer.from("early"), true);
    await until("it is in quarantine", 10_000, () => gcp.db.quarantine.size === 1);
    assert.equal(await gcp.blobs.has(sha256(Buffer.from("early"))), true);
    await appears(gcp, "early");
  });
});
