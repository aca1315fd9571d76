import assert from "node:assert/strict";
import type { Carried } from "../../../service/kv/carried.ts";
import { HybridClock, hybridTime } from "../../../service/kv/clock.ts";
import type { Cell, Entry } from "../../../service/kv/entry.ts";
import { shardOf } from "../../../service/kv/path.ts";
import { zeroVersion } from "../../../service/kv/version.ts";
import { localHints } from "../../../service/queue/local.ts";
import type { Io } from "../../../service/replication/io.ts";
import { Merger } from "../../../service/replication/merger.ts";
import { decode, encode, readAnswer } from "../../../service/replication/protocol.ts";
import { Replication } from "../../../service/replication/replication.ts";
import type { MemberStore } from "../../../service/store/member.ts";
import { memoryBlobs } from "../../support/memory/blobs.ts";
import { MemoryDatabase } from "../../support/memory/database.ts";
import { memoryMember } from "../../support/memory/member.ts";

const path = "default/k";
const now = 1_700_000_000_000;
const at = (milliseconds: number) => hybridTime(now + milliseconds);
const gcp = { peer: "gcp", incarnation: "aaaaaaaaaaaa", incarnatedAt: 1 };
const carry = (entry: Entry): Carried => ({ path, entry, marks: {}, extra: null });
const text = (time: bigint): Entry => {
  const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
  return { kind: "value", version: { time, origin: "gcp" }, seen: {}, body: Buffer.from("x"), size: 1, ...rest };
};
function counter(cells: Readonly<Record<string, Cell>>, bornOver = 0n): Entry {
  const [origin, { time }] = Object.entries(cells).sort(([, a], [, b]) => Number(b.time - a.time))[0]!;
  const epoch = bornOver === 0n ? zeroVersion : { time: bornOver, origin: "gcp" };
  return { kind: "counter", version: { time, origin }, seen: {}, epoch, cells };
}

describe("a database that was restored", () => {
  let db: MemoryDatabase;
  let member: MemberStore;
  let merger: Merger;
  let io: Io;

  /** Takes the database back to where it holds these, while its peers have let the floor rise to `floor`. */
  async function restore(floor: bigint, entry: Entry | null): Promise<void> {
    if (entry !== null) db.entries.set(path, { ...carry(entry), changed: 1 });
    db.system = "restored";
    await member.join(["gcp"], now);
    await member.hear(gcp, { floor, confirmed: floor, yours: null, expelled: {}, settled: true });
    assert.ok((await member.identity()).recovering);
  }
  const found = () => db.entries.get(path)?.entry ?? null;

  beforeEach(async () => {
    db = new MemoryDatabase({ now: () => now, pass: async () => {} });
    member = memoryMember(db, "aws");
    await member.join(["gcp"], now);
    await member.hear(gcp, { floor: 0n, confirmed: 0n, yours: null, expelled: {}, settled: true });
    io = {
      store: member,
      link: {
        call: () => Promise.reject(new Error("nobody is asked")),
        blob: () => Promise.reject(new Error("nobody is asked")),
      },
      blobs: memoryBlobs(),
      hints: localHints(),
      clock: new HybridClock(() => now),
      now: () => now,
      monotonic: () => now,
      random: () => 0.5,
      sleep: async () => {},
      process: "aws0",
      onApplied: () => {},
      onEvent: () => {},
    };
    merger = new Merger(io, () => {});
  });

  it("does not add what it counted in a life that has ended since to the one that a peer sends", async () => {
    await restore(at(-1000), counter({ aws: { time: at(-3000), sum: 5 } }));
    const sent = counter({ gcp: { time: at(-500), sum: 1 } });
    assert.deepEqual(await merger.merge(gcp, [carry(sent)], await member.identity()), [null]);
    assert.deepEqual(found(), sent);
  });

  it("keeps what it counted above the floor, which no other cloud may have yet", async () => {
    const own = { time: at(-200), sum: 5 };
    await restore(at(-1000), counter({ aws: own, azure: { time: at(-3000), sum: 2 } }));
    const sent = { azure: { time: at(-3000), sum: 2 }, gcp: { time: at(-500), sum: 1 } };
    assert.deepEqual(await merger.merge(gcp, [carry(counter(sent))], await member.identity()), [null]);
    const left = found();
    assert.ok(left?.kind === "counter");
    assert.deepEqual(left.cells, { ...sent, aws: own });
  });

  it("drops what it counted when the counter began anew after its backup, though the floor has passed that", async () => {
    await restore(at(-1000), counter({ aws: { time: at(-200), sum: 5 } }));
    const deleted = at(-2000);
    const sent = counter({ gcp: { time: at(-500), sum: 1 } }, deleted);
    assert.deepEqual(await merger.merge(gcp, [carry(sent)], await member.identity()), [null]);
    assert.deepEqual(found(), sent);
    // What it has got since then is of the present life, whoever sends more of that.
    const more = counter({ azure: { time: at(-400), sum: 2 } }, deleted);
    assert.deepEqual(await merger.merge(gcp, [carry(more)], await member.identity()), [null]);
    const left = found();
    assert.ok(left?.kind === "counter");
    assert.deepEqual(left.cells, { gcp: { time: at(-500), sum: 1 }, azure: { time: at(-400), sum: 2 } });
  });

  it("keeps what it counted in the life that goes on, though the floor has passed its beginning", async () => {
    const own = { time: at(-200), sum: 5 };
    await restore(at(-1000), counter({ aws: own }, at(-2000)));
    const sent = counter({ gcp: { time: at(-500), sum: 1 } }, at(-2000));
    assert.deepEqual(await merger.merge(gcp, [carry(sent)], await member.identity()), [null]);
    const left = found();
    assert.ok(left?.kind === "counter");
    assert.deepEqual(left.cells, { aws: own, gcp: { time: at(-500), sum: 1 } });
  });

  it("takes nothing that was meant for the database whose place it took", async () => {
    const { incarnation } = await member.identity();
    await restore(at(-1000), null);
    const news = { floor: at(-1000), confirmed: at(-1000), yours: null, expelled: {}, settled: true };
    const options = { peers: ["gcp"], floorAge: 0, floorInterval: 0, statementTimeout: 0, repairInterval: 0 };
    const replication = new Replication({ io, ...options });
    const say = async (to: string) => {
      const message = encode({
        head: { sender: gcp, to, stage: "whole", news },
        body: { kind: "batch", entries: [carry(text(at(0)))] },
      });
      return decode(await replication.receive("gcp", message), readAnswer).body;
    };
    assert.deepEqual(await say(incarnation), { kind: "refused", reason: "incarnation" });
    assert.equal(found(), null);
    assert.equal((await say((await member.identity()).incarnation)).kind, "applied");
    assert.notEqual(found(), null);
  });

  it("does not merge what was in quarantine when every cloud has had it since, and may have deleted it", async () => {
    const [old, due] = [at(-3000), at(-500)];
    const quarantine = [old, due].map((time) => ({ carried: carry(text(time)), shard: shardOf(path) }));
    await member.apply({ sender: gcp, floor: 0n, arrivals: [], quarantine: quarantine.slice(0, 1), claims: [] });
    await restore(at(-1000), null);
    await merger.mergeDue();
    assert.equal(found(), null);
    assert.equal(db.quarantine.size, 0);
    await member.apply({ sender: gcp, floor: at(-1000), arrivals: [], quarantine: quarantine.slice(1), claims: [] });
    await merger.mergeDue();
    assert.equal(found()?.version.time, due);
  });
});
