import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../support/kv.ts";
import { type MemoryCloud, memoryClouds } from "../../support/memory/clouds.ts";

describe("the move of a home", function () {
  this.timeout(20_000);
  let clouds: Map<string, MemoryCloud>;
  let [aws, gcp]: MemoryCloud[] = [];

  beforeEach(async () => {
    clouds = await memoryClouds(["aws", "gcp"], { through: (_from, _to, _kind, pass) => pass() });
    [aws, gcp] = [...clouds.values()];
    for (const { replication } of clouds.values()) replication.start();
    // A cloud that has never been compared with its peer is not complete.
    await until("both were compared", 10_000, async () => {
      const peers = await Promise.all([...clouds.values()].map(({ member }) => member.peers()));
      return peers.flat().every(({ cleanAt }) => cleanAt !== null);
    });
    await aws!.replication.homes.take("default", false);
  });
  afterEach(() => Promise.all([...clouds.values()].map((cloud) => cloud.stop())));

  const homeSeenBy = async ({ member }: MemoryCloud) => (await member.namespaceRow("default"))!.home;

  it("ends with the new home everywhere", async () => {
    await gcp!.replication.homes.take("default", false);
    assert.equal(await homeSeenBy(gcp!), "gcp");
    await until("aws knows", 10_000, async () => (await homeSeenBy(aws!)) === "gcp");
  });

  it("waits for a comparison with the old home, whose entries count as sent though they may lack here", async () => {
    const { promise: compared, resolve: endComparison } = Promise.withResolvers<void>();
    const finishRepair = gcp!.member.finishRepair;
    gcp!.member.finishRepair = async (...repair) => {
      await compared;
      await finishRepair(...repair);
    };
    await gcp!.member.startRepair("aws");
    const moved = gcp!.replication.homes.take("default", false);
    const stopped = async () => (await aws!.member.namespaceRow("default"))!.movingTo === "gcp";
    await until("aws has stopped", 10_000, stopped);
    // Eight seconds of theirs: many times what it takes otherwise.
    const ended = await Promise.race([
      moved.then(
        () => true,
        () => false,
      ),
      sleep(400).then(() => false),
    ]);
    assert.deepEqual([ended, await homeSeenBy(gcp!)], [false, "aws"]);
    endComparison();
    await moved.catch(() => gcp!.replication.homes.take("default", false));
    assert.equal(await homeSeenBy(gcp!), "gcp");
  });
});
