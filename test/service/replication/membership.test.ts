import assert from "node:assert/strict";
import { MembershipError } from "../../../service/replication/membership.ts";
import { until } from "../../support/kv.ts";
import { type MemoryCloud, memoryClouds } from "../../support/memory/clouds.ts";

const all = ["aws", "azure", "gcp"];

describe("a cloud that is to become a member", function () {
  this.timeout(20_000);
  let clouds: Map<string, MemoryCloud>;
  /** Clouds that answer nobody, and the peers that each names where these are not all. */
  const away = new Set<string>();
  let named: Readonly<Record<string, readonly string[]>> = {};
  const membership = () => clouds.get("aws")!.replication.membership;

  async function open(names: readonly string[]): Promise<void> {
    const through = <T>(from: string, to: string, _: string, pass: () => Promise<T>) =>
      away.has(from) || away.has(to) ? Promise.reject(new Error("nobody is there")) : pass();
    const peersOf = (name: string) => named[name] ?? names.filter((other) => other !== name);
    clouds = await memoryClouds(names, { through }, peersOf);
    for (const one of clouds.values()) one.replication.start();
  }
  const isWhole = () =>
    until("all are compared", 10_000, async () => [...clouds.values()].every((one) => !one.replication.isNew()));
  const known = async (at: string, of: string) =>
    (await clouds.get(at)!.member.peers()).find(({ peer }) => peer === of)!;
  async function blocked(acting: Promise<unknown>): Promise<string[]> {
    const error = await acting.then(
      () => assert.fail("expected a refusal"),
      (reason) => reason,
    );
    assert.ok(error instanceof MembershipError, String(error));
    return error.problems.map(({ cloud, problem }) => `${cloud}: ${problem}`).sort();
  }

  afterEach(async () => {
    away.clear();
    named = {};
    await Promise.all([...clouds.values()].map((one) => one.stop()));
  });

  it("is refused with all that is in the way at once", async () => {
    named = { azure: ["aws", "gcp"], oracle: ["aws"] };
    await open([...all, "oracle"]);
    away.add("gcp");
    assert.deepEqual(await blocked(membership().add("oracle")), [
      "azure: its PEERS lacks oracle=https://HOST:PORT",
      "gcp: cannot be asked (nobody is there)",
      "oracle: its PEERS lacks azure=https://HOST:PORT",
      "oracle: its PEERS lacks gcp=https://HOST:PORT",
    ]);
  });

  it("may start when all know it, and is one when it has what they have", async () => {
    away.add("gcp");
    await open(all);
    assert.equal(await membership().add("gcp"), "expected");
    away.delete("gcp");
    await until("it is a member", 10_000, async () => (await membership().add("gcp")) === "member");
  });

  it("takes the place of a lost one of its name, once, however often that is asked for", async () => {
    await open(all);
    await isWhole();
    assert.deepEqual(await blocked(membership().replace("gcp")), [
      "gcp: answers; stop all its processes before it is replaced",
    ]);
    away.add("gcp");
    const { incarnatedAt } = await known("aws", "gcp");
    for (let i = 0; i < 2; i++) {
      assert.equal(await membership().replace("gcp"), "expected");
      for (const at of ["aws", "azure"]) assert.equal((await known(at, "gcp")).expelledUpTo, incarnatedAt, at);
    }

    const gcp = clouds.get("gcp")!;
    gcp.db.system = "new";
    gcp.db.cluster.incarnation = null;
    gcp.db.cluster.copied = false;
    await gcp.member.join(["aws", "azure"], gcp.now());
    await gcp.replication.open();
    away.delete("gcp");
    await until("the new one is a member", 10_000, async () => (await membership().replace("gcp")) === "member");
    away.add("gcp");
    assert.deepEqual(await blocked(membership().replace("gcp")), [
      "gcp: took the place of one that was expelled, and does not answer; start it, or expel it if it is lost",
    ]);
    assert.equal((await known("aws", "gcp")).expelledUpTo, incarnatedAt);
  });

  it("cannot take the place of one that never was", async () => {
    named = { azure: ["aws", "gcp", "oracle"], aws: ["azure", "gcp", "oracle"], gcp: ["aws", "azure", "oracle"] };
    await open(all);
    assert.deepEqual(await blocked(membership().replace("oracle")), ["oracle: never was a member; add it"]);
  });
});
