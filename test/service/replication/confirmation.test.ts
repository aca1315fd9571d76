import assert from "node:assert/strict";
import { until } from "../../support/kv.ts";
import { type MemoryCloud, memoryClouds, type Route } from "../../support/memory/clouds.ts";

const path = "default/k";
const never = () => new Promise<never>(() => {});

describe("writes that other clouds confirm", () => {
  const straight: Route = (_from, _to, _kind, pass) => pass();
  const route = { through: straight };
  let clouds: Map<string, MemoryCloud>;
  let aws: MemoryCloud;

  beforeEach(async () => {
    route.through = straight;
    clouds = await memoryClouds(["aws", "azure", "gcp"], route);
    aws = clouds.get("aws")!;
    // They have heard of each other.
    await aws.put("default/first", Buffer.from("1"));
    assert.equal(await aws.replication.confirm(["default/first"], "all", 10_000), true);
  });
  afterEach(async () => {
    for (const cloud of clouds.values()) await cloud.stop();
  });

  /** Messages to these clouds are what `instead` makes of them; all others arrive. */
  function disturb(to: readonly string[], instead: (pass: () => Promise<Uint8Array>) => Promise<Uint8Array>): void {
    route.through = (_from, peer, kind, pass) =>
      kind === "call" && to.includes(peer) ? (instead(pass as never) as never) : pass();
  }
  const has = (name: string, at = path) => clouds.get(name)!.db.entries.has(at);

  it("are there when that is said, without waiting for the feed", async () => {
    await aws.put(path, Buffer.from("v"));
    assert.equal(await aws.replication.confirm([path], "all", 10_000), true);
    assert.deepEqual(
      ["azure", "gcp"].map((name) => has(name)),
      [true, true],
    );
  });

  it("need one other cloud for `peer`, and every member for `all`, however many answer", async () => {
    disturb(["azure"], never);
    await aws.put(path, Buffer.from("v"));
    assert.equal(await aws.replication.confirm([path], "peer", 10_000), true);
    assert.equal(has("gcp"), true);
    assert.equal(await aws.replication.confirm([path], "all", 2000), false);
  });

  it("are not confirmed, and not called failed, while nobody is reached; asked again, they are", async () => {
    disturb(["azure", "gcp"], () => Promise.reject(new Error("refused")));
    await aws.put(path, Buffer.from("v"));
    assert.equal(await aws.replication.confirm([path], "peer", 1000), false);
    assert.equal(await aws.get(path), "v");
    route.through = straight;
    assert.equal(await aws.replication.confirm([path], "all", 10_000), true);
  });

  it("are confirmed by an answer that comes late, but in time", async () => {
    const { promise: late, resolve: arrive } = Promise.withResolvers<void>();
    disturb(["azure", "gcp"], async (pass) => {
      const answer = await pass();
      await late;
      return answer;
    });
    await aws.put(path, Buffer.from("v"));
    let confirmed: boolean | null = null;
    const waiting = aws.replication.confirm([path], "all", 10_000).then((answer) => {
      confirmed = answer;
    });
    await until("both have it", 5000, () => has("azure") && has("gcp"));
    assert.equal(confirmed, null);
    arrive();
    await waiting;
    assert.equal(confirmed, true);
  });

  it("are confirmed by one cloud that has all of them, not by two that have a part each", async () => {
    await aws.put("default/a", Buffer.from("a"));
    clouds.get("azure")!.db.namespaces.delete("default");
    assert.equal(await aws.replication.confirm(["default/a"], "peer", 10_000), true);
    clouds.get("gcp")!.db.namespaces.set("other", { epoch: 0n });
    clouds.get("azure")!.db.namespaces.set("other", { epoch: 0n });
    aws.db.namespaces.set("other", { epoch: 0n });
    clouds.get("gcp")!.db.namespaces.delete("default");
    clouds.get("azure")!.db.namespaces.set("default", { epoch: 0n });
    clouds.get("azure")!.db.namespaces.delete("other");
    await aws.put("default/b", Buffer.from("b"));
    await aws.put("other/b", Buffer.from("b"));
    assert.equal(await aws.replication.confirm(["default/b", "other/b"], "peer", 2000), false);
    assert.deepEqual([has("azure", "default/b"), has("gcp", "other/b")], [true, true]);
    clouds.get("gcp")!.db.namespaces.set("default", { epoch: 0n });
    assert.equal(await aws.replication.confirm(["default/b", "other/b"], "peer", 10_000), true);
  });

  it("are there with all their bytes when they are large", async () => {
    await aws.put(path, Buffer.from("large"), true);
    assert.equal(await aws.replication.confirm([path], "all", 10_000), true);
    assert.equal(await clouds.get("gcp")!.get(path), "large");
  });

  it("are not confirmed while they are from the future", async () => {
    aws.skew = 15_000;
    await aws.put(path, Buffer.from("early"));
    assert.equal(await aws.replication.confirm([path], "peer", 1000), false);
    assert.equal(clouds.get("gcp")!.db.quarantine.size, 1);
    assert.equal(await aws.replication.confirm([path], "all", 60_000), true);
    assert.equal(await clouds.get("gcp")!.get(path), "early");
  });

  it("are not confirmed by a release that does not say what it keeps in quarantine", async () => {
    disturb(["azure", "gcp"], async (pass) => {
      const answer = Buffer.from(await pass());
      const end = 4 + answer.readUInt32BE(0);
      const json = JSON.parse(answer.toString("utf8", 4, end));
      delete json.body.quarantined;
      const text = Buffer.from(JSON.stringify(json));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return Buffer.concat([length, text]);
    });
    await aws.put(path, Buffer.from("v"));
    assert.equal(await aws.replication.confirm([path], "peer", 1000), false);
    assert.equal(has("gcp"), true);
  });

  it("are not confirmed by a batch that was made before they were written", async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    let calls = 0;
    disturb(["azure", "gcp"], async (pass) => {
      if (++calls > 2) throw new Error("refused");
      const answer = await pass();
      await held;
      return answer;
    });
    await aws.put(path, Buffer.from("1"));
    const first = aws.replication.confirm([path], "all", 20_000);
    await until("both have the first", 5000, () => has("azure") && has("gcp"));
    await aws.put(path, Buffer.from("2"));
    const second = aws.replication.confirm([path], "peer", 2000);
    letGo();
    assert.equal(await first, true);
    assert.equal(await second, false);
  });

  it("share batches, however many wait", async () => {
    let calls = 0;
    disturb(["azure", "gcp"], (pass) => {
      calls++;
      return pass();
    });
    const paths = Array.from({ length: 1000 }, (_, i) => `default/${i}`);
    for (const one of paths) await aws.put(one, Buffer.from("v"));
    const answers = await Promise.all(paths.map((one) => aws.replication.confirm([one], "all", 20_000)));
    assert.ok(answers.every(Boolean));
    assert.ok(calls <= 2 * 4, `${calls} messages`);
  });
});
