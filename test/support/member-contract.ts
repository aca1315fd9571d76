/** What every database of a cluster's member must do: run in memory, where the simulation lives, and on PostgreSQL. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Carried, digestOf } from "../../service/kv/carried.ts";
import { hybridTime } from "../../service/kv/clock.ts";
import type { Draft } from "../../service/kv/decide.ts";
import { type Entry, normal } from "../../service/kv/entry.ts";
import { type Path, shardOf, shards } from "../../service/kv/path.ts";
import {
  type Advance,
  type Arrival,
  type Claim,
  type Cursor,
  isDoubtful,
  isExpelled,
  type MemberStore,
  type News,
  type Sender,
} from "../../service/store/member.ts";
import type { Store } from "../../service/store/port.ts";
import { entry } from "./entries.ts";

export type Subject = {
  readonly member: MemberStore;
  readonly store: Pick<Store, "commit" | "read" | "feed" | "feedEnd">;
  /** Makes the database look as if it had been another one when it was last opened. */
  readonly pretendRestored: () => Promise<void>;
  /** Drops all of the feed. */
  readonly trimFeed: () => Promise<void>;
};

let keys = 0;
/** A path of the shard that no other test uses. */
function freshPath(shard?: number): Path {
  for (;;) {
    const path = `default/member-${++keys}`;
    if (shard === undefined || shardOf(path) === shard) return path;
  }
}

function text(value: string): Draft {
  const body = Buffer.from(value);
  const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
  return { kind: "value", body, size: body.length, ...rest };
}

const minute = 60_000;
let incarnations = 0;

export function memberContract(subject: () => Subject): void {
  const gcp: Sender = { peer: "gcp", incarnation: "aaaaaaaaaaaa", incarnatedAt: 1 };
  const member = () => subject().member;
  const quiet = { floor: 0n, confirmed: 0n, yours: null, expelled: {}, settled: true };

  async function put(path: Path, draft = text("x"), clock = hybridTime(Date.now())): Promise<Entry> {
    const write = { path, epoch: 0n, expects: null, draft };
    const more = { receipts: [], atomic: false, holds: [], keepVersions: false, now: Date.now() };
    assert.ok((await subject().store.commit({ writes: [write], clock, ...more })).stamps[0]);
    return (await subject().store.read([path])).rows[0]!.entry;
  }
  const read = async (path: Path) => (await subject().store.read([path])).rows[0]?.entry ?? null;
  const floor = async () => (await member().identity()).floor;

  function fromGcp(path: Path, value: string, time = hybridTime(Date.now()), more: Partial<Carried> = {}): Carried {
    const draft = text(value) as Extract<Entry, { kind: "value" }>;
    const version = { time, origin: "gcp" };
    return {
      path,
      entry: { ...draft, version, seen: {} },
      marks: { gcp: { since: 1, transaction: 7 } },
      extra: null,
      ...more,
    };
  }
  const arrival = (carried: Carried, expects = 0, loser: Carried | null = null): Arrival => ({
    path: carried.path,
    expects,
    write: carried,
    loser,
  });
  async function apply(arrivals: readonly Arrival[], claims: readonly Claim[] = [], quarantine: Carried[] = []) {
    const kept = quarantine.map((carried) => ({ carried, shard: shardOf(carried.path) }));
    return member().apply({ sender: gcp, floor: await floor(), arrivals, claims, quarantine: kept });
  }
  async function take(shard: number, owner = "me"): Promise<Cursor> {
    const [cursor] = await member().lease("gcp", [shard], owner, minute);
    assert.ok(cursor, "the lease is free");
    return cursor;
  }
  /** The cursor of a shard at the end of the feed. */
  async function caughtUp(shard: number): Promise<Cursor> {
    const cursor = await take(shard);
    const { to, paths } = (await member().window([cursor], 1e6))!;
    return (await move([cursor], { to, delivered: paths }))![0]!;
  }
  const move = (cursors: readonly Cursor[], step: Partial<Advance> & Pick<Advance, "to">) =>
    member().advance(cursors, { delivered: [], setAside: [], hold: minute, ...step });
  const stateOf = async (shard: number) => (await member().survey("gcp"))[shard]!;
  const watermark = async (shard: number) =>
    (await member().watermarks()).complete.find((one) => one.origin === "gcp" && one.shard === shard)?.mark
      .transaction ?? 0;

  before(async () => {
    await member().join(["azure", "gcp"], Date.now());
    assert.deepEqual(await member().hear(gcp, quiet), await member().identity());
    assert.deepEqual(await member().hear(gcp, quiet), await member().identity(), "when it says nothing new, too");
    const { self, peers } = await member().members();
    assert.deepEqual(self, await member().identity());
    assert.deepEqual(
      peers.map(({ peer, incarnation }) => [peer, incarnation]),
      [
        ["azure", null],
        ["gcp", gcp.incarnation],
      ],
    );
  });

  it("shows a sender what entered here in its shard, each key once, and not what came from peers", async () => {
    const [path, other, arrived] = [freshPath(3), freshPath(0), freshPath(3)];
    const cursor = await caughtUp(3);
    await put(path, text("1"));
    await put(path, text("2"));
    await put(other);
    await apply([arrival(fromGcp(arrived, "a"))]);
    const window = (await member().window([cursor], 100))!;
    assert.deepEqual(window.paths, [path]);
    assert.equal(window.more, false);
    const cut = (await member().window([cursor], 1))!;
    assert.deepEqual([cut.paths, cut.more], [[path], true]);
    const rest = (await member().window([{ ...cursor, position: cut.to }], 100))!;
    assert.deepEqual(rest.paths, [path], "the second change of it");
  });

  it("shows what entered in several shards behind the cursor of each, and moves those that are not further yet", async () => {
    const [ahead, behind] = [await caughtUp(0), await caughtUp(2)];
    const [known, first, foreign, second] = [freshPath(0), freshPath(2), freshPath(1), freshPath(0)];
    await put(known);
    const further = (await move([ahead], { to: (await member().window([ahead], 100))!.to }))!;
    for (const path of [first, foreign, second]) await put(path);
    const cursors = [...further, behind];
    const window = (await member().window(cursors, 100))!;
    assert.deepEqual([window.paths, window.more], [[first, second], false]);
    const cut = (await member().window(cursors, 1))!;
    assert.deepEqual([cut.paths, cut.more], [[first], true]);
    const moved = (await move(cursors, { to: cut.to }))!;
    assert.deepEqual((await member().window(moved, 100))!.paths, [second]);
    const lost = { ...moved[0]!, fence: moved[0]!.fence + 1 };
    assert.equal(await move([lost, moved[1]!], { to: window.to }), null);
    assert.deepEqual((await member().window([await take(0), await take(2)], 100))!.paths, [second], "none has moved");
    await move(moved, { to: window.to, hold: 0 });
    assert.deepEqual([(await stateOf(0)).behind, (await stateOf(2)).behind], [false, false]);
    assert.equal((await member().lease("gcp", [0, 2], "other", 0)).length, 2, "given back with the last move");
  });

  it("reads current entries whole with the floor of that moment, as many as fit", async () => {
    const [a, b, none] = [freshPath(), freshPath(), freshPath()];
    const written = await put(a, text("x".repeat(1000)));
    await put(b, text("y"));
    const all = await member().carried([a, none, b], 1e6);
    assert.deepEqual(all.rows[0]!.entry, written);
    const [mark] = Object.values(all.rows[0]!.marks);
    assert.equal(mark!.transaction, (await subject().store.read([a])).rows[0]!.changed);
    assert.equal(all.rows[1], null);
    assert.equal(all.rows.length, 3);
    assert.equal(all.floor, await floor());
    assert.equal((await member().carried([a, b], 10)).rows.length, 1, "the first one whatever its size");
    const large = { ...text(""), body: null, blob: "a".repeat(64), size: 25 * 2 ** 20 } as Draft;
    const blobs = [freshPath(), freshPath()];
    for (const path of blobs) await put(path, large);
    assert.equal((await member().carried(blobs, 10)).rows.length, 2, "their bytes are not among what is sent");
  });

  it("lends a cursor to one owner, and lets nobody move it who lost the lease", async () => {
    const mine = await caughtUp(1);
    assert.deepEqual(await member().lease("gcp", [1], "other", minute), []);
    await put(freshPath(1));
    const { to } = (await member().window([mine], 10))!;
    await member().release([mine]);
    const [theirs] = await member().lease("gcp", [1], "other", minute);
    assert.equal(await move([mine], { to }), null);
    assert.equal((await stateOf(1)).behind, true);
    const [moved] = (await move([theirs!], { to }))!;
    assert.deepEqual(await move([theirs!], { to: mine.position }), [moved], "a cursor never moves back");
    await member().release([theirs!]);
    assert.deepEqual((await take(1)).position, moved!.position);
  });

  it("calls idle shards complete up to the horizon", async () => {
    await caughtUp(2);
    const before = await stateOf(2);
    const path = freshPath(3);
    await put(path);
    const { changed } = (await subject().store.read([path])).rows[0]!;
    const after = await stateOf(2);
    assert.deepEqual([before.behind, after.behind], [false, false]);
    assert.ok(after.complete > changed, `${after.complete} is above the transaction ${changed} of another shard`);
    assert.equal((await stateOf(3)).behind, true);
    assert.ok((await stateOf(3)).complete <= changed);
  });

  it("holds a shard's completeness at a key that was set aside, until that is delivered", async () => {
    const cursor = await caughtUp(0);
    const held = (await stateOf(0)).complete;
    const path = freshPath(0);
    const { version } = await put(path);
    const { to } = (await member().window([await take(0)], 10))!;
    const aside = { path, time: version.time, reason: "unknown namespace", delay: 0 };
    assert.notEqual(await move([cursor], { to, setAside: [aside] }), null);
    await put(freshPath(1));
    const state = await stateOf(0);
    assert.deepEqual([state.complete, state.behind], [held, true]);
    const due = (await member().window([await take(0)], 10))!;
    assert.deepEqual(due.paths, [path]);
    await move([await take(0)], { to: due.to, delivered: due.paths });
    assert.deepEqual((await member().window([await take(0)], 10))!.paths, []);
    const freed = await stateOf(0);
    assert.deepEqual([freed.complete > held, freed.behind], [true, false]);
  });

  it("writes what was decided on the present state, and says where that has changed", async () => {
    const [fresh, taken] = [freshPath(), freshPath()];
    await put(taken);
    const [found, absent] = await member().current([taken, fresh]);
    assert.deepEqual([absent!.changed, absent!.carried], [0, null]);
    const from = await subject().store.feedEnd();
    const first = await apply([arrival(fromGcp(fresh, "a"), 0), arrival(fromGcp(taken, "b"), found!.changed + 1)]);
    assert.ok(first !== "floor");
    assert.ok(first.changed[0]! > 0);
    assert.equal(first.changed[1], null);
    const second = await apply([arrival(fromGcp(taken, "b"), found!.changed)]);
    assert.ok(second !== "floor" && second.changed[0]! > 0);
    const seen = (await subject().store.feed(from, 100))!.changes.map(({ path }) => path);
    assert.deepEqual(seen, [fresh, taken], "watches see what came");
  });

  it("keeps the origin's transaction and the fields that it does not know, and passes them on", async () => {
    const path = freshPath();
    const carried = fromGcp(path, "a", undefined, {
      marks: { gcp: { since: 3, transaction: 4711 }, azure: { since: 9, transaction: 1 } },
      extra: { colour: { of: ["a", "newer"] } },
    });
    await apply([arrival(carried)]);
    assert.deepEqual((await member().carried([path], 1e6)).rows[0], carried);
    await put(path, text("a new state has no such fields"));
    assert.equal((await member().carried([path], 1e6)).rows[0]!.extra, null);
  });

  it("stores every kind of entry as it came", async () => {
    await fc.assert(
      fc.asyncProperty(entry, async (some) => {
        const carried: Carried = { path: freshPath(), entry: some, marks: {}, extra: null };
        await apply([arrival(carried)]);
        assert.deepEqual(await read(carried.path), some);
      }),
      { numRuns: 100 },
    );
  });

  it("believes that a shard is complete only when everything of the batch is written, and never less than before", async () => {
    const [path, taken] = [freshPath(), freshPath()];
    await put(taken);
    await apply([arrival(fromGcp(path, "a")), arrival(fromGcp(taken, "b"))], [{ shard: 2, complete: 50 }]);
    assert.equal(await watermark(2), 0);
    await apply([], [{ shard: 2, complete: 50 }]);
    await apply([], [{ shard: 2, complete: 40 }]);
    assert.equal(await watermark(2), 50);
  });

  it("writes nothing of a batch under another floor than the present one", async () => {
    const path = freshPath();
    const arrivals = [arrival(fromGcp(path, "a"))];
    const stale = { sender: gcp, floor: (await floor()) - 1n, arrivals, quarantine: [], claims: [] };
    assert.equal(await member().apply(stale), "floor");
    assert.equal(await read(path), null);
  });

  it("keeps what lost to a concurrent write, once", async () => {
    const path = freshPath();
    const mine = await put(path);
    const [found] = await member().current([path]);
    const theirs = fromGcp(path, "wins", mine.version.time + 5n);
    const stale = await apply([arrival(theirs, found!.changed + 1, found!.carried)]);
    assert.ok(stale !== "floor" && stale.changed[0] === null);
    assert.deepEqual(await member().conflicts(path, 10), [], "not for a write that was not done");
    await apply([arrival(theirs, found!.changed, found!.carried)]);
    const loses = fromGcp(path, "loses", mine.version.time + 1n);
    for (let i = 0; i < 2; i++) await apply([{ path, expects: 0, write: null, loser: loses }]);
    const kept = (await member().conflicts(path, 10)).map(({ carried }) => carried.entry);
    assert.equal(kept.length, 2);
    assert.ok(kept.some((lost) => lost.version.time === mine.version.time));
    assert.ok(kept.some((lost) => lost.version.time === mine.version.time + 1n));
    assert.deepEqual((await member().conflict(path, loses.entry.version))?.entry, loses.entry);
    assert.equal(await member().conflict(path, theirs.entry.version), null, "it won");
  });

  it("holds the sender's watermark at what is in quarantine, until it is released", async () => {
    const path = freshPath(3);
    const future = fromGcp(path, "tomorrow", hybridTime(Date.now() + 100 * minute));
    await apply([], [{ shard: 3, complete: 60 }]);
    await apply([], [{ shard: 3, complete: 70 }], [future]);
    assert.equal(await watermark(3), 60);
    assert.equal(await read(path), null);
    assert.deepEqual(await member().dueQuarantine(future.entry.version.time - 1n, 10), []);
    assert.deepEqual(await member().dueQuarantine(future.entry.version.time, 10), [future]);
    await member().releaseQuarantine([future]);
    assert.equal(await watermark(3), 70);
  });

  it("does not take digests of other texts than the domain does", async () => {
    const prefix = `default/digest-${++keys}/`;
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(entry, fc.constantFrom("", "\n", "é", '"\\'), async (some, odd) => {
        const path = `${prefix}${String(++rows).padStart(5, "0")}${odd}`;
        await apply([arrival({ path, entry: some, marks: {}, extra: null })]);
      }),
      { numRuns: 80 },
    );
    const now = 2;
    const answer = await member().digests(prefix, `${prefix}~`, 1000, now);
    const all: { path: Path; digest: bigint }[] = [];
    for (let i = 1; i <= rows; i++) {
      for (const odd of ["", "\n", "é", '"\\']) {
        const path = `${prefix}${String(i).padStart(5, "0")}${odd}`;
        const here = normal(await read(path), answer.floor, now);
        if (here !== null && here.version.time > 0n) all.push({ path, digest: digestOf(path, here) });
      }
    }
    assert.ok(all.length > 20);
    assert.deepEqual(answer.rows, all);
    const half = await member().digests(all[3]!.path, all[9]!.path, 1000, now);
    assert.deepEqual(half.rows, all.slice(3, 9), "from the first, up to and without the last");
    assert.deepEqual((await member().digests(all[3]!.path, null, 2, now)).rows, all.slice(3, 5));
  });

  it("ignores strangers and earlier lives of a peer", async () => {
    assert.equal(await member().hear({ ...gcp, peer: "mallory" }, { ...quiet, floor: 1n << 60n }), null);
    assert.equal(await member().hear({ ...gcp, incarnation: "000000000000", incarnatedAt: 0 }, quiet), null);
    assert.ok((await floor()) < 1n << 60n);
  });

  it("repairs a peer that lost an unknown part, and calls nothing complete meanwhile", async () => {
    const stale = await take(1);
    const reborn = { ...gcp, incarnation: `bbbbbbbbbbb${++incarnations}`, incarnatedAt: 10 + incarnations };
    assert.ok(await member().hear(reborn, quiet));
    assert.equal(await move([stale], { to: stale.position }), null, "the window was for the earlier life");
    const known = (await member().peers()).find(({ peer }) => peer === "gcp")!;
    assert.equal(known.incarnation, reborn.incarnation);
    assert.notEqual(known.repair, null);
    assert.ok((await member().survey("gcp")).every(({ complete, behind }) => complete === 0 && !behind));
    await member().startRepair("gcp");
    await member().finishRepair(known, 0n, Date.now());
    assert.ok(
      (await member().survey("gcp")).every(({ complete }) => complete === 0),
      "another repair was due by then",
    );
    const again = (await member().peers()).find(({ peer }) => peer === "gcp")!;
    await member().finishRepair(again, 0n, Date.now());
    assert.ok((await member().survey("gcp")).every(({ complete }) => complete > 0));
  });

  it("confirms a time when every peer has what entered here up to it, and stamps nothing below it any more", async () => {
    const path = freshPath(0);
    const mark = hybridTime(Date.now() - minute);
    const old = hybridTime(Date.now() - 2 * minute);
    await put(path, text("old"), old);
    const step = async () => {
      let state = await member().advanceFloor(minute, 0);
      for (let i = 0; i < 3; i++) state = await member().advanceFloor(minute, 0);
      return state;
    };
    assert.ok((await step()).confirmed < mark, "its shard is behind");
    assert.ok((await put(freshPath(), text("late"), old)).version.time >= mark);
    const catchUp = async () => {
      for (const peer of ["azure", "gcp"]) {
        const cursors = await member().lease(peer, [...Array(shards).keys()], "me", minute);
        await move(cursors, { to: (await member().window(cursors, 1e6))!.to });
      }
      return step();
    };
    const held = fromGcp(freshPath(), "in doubt", old);
    await apply([], [], [held]);
    assert.ok((await catchUp()).confirmed < mark, "something below it is in quarantine");
    await member().releaseQuarantine([held]);
    const state = await catchUp();
    assert.ok(state.confirmed >= mark);
    assert.equal(state.floor, 0n, "the peers have confirmed nothing yet");
  });

  it("raises the floor to what every member has confirmed, and adopts a higher one", async () => {
    const known = (await member().peers()).find(({ peer }) => peer === "gcp")!;
    const [two, three] = [hybridTime(1000), hybridTime(2000)];
    const self = { peer: "gcp", incarnation: known.incarnation!, incarnatedAt: known.incarnatedAt };
    const azure = { peer: "azure", incarnation: "cccccccccccc", incarnatedAt: 1 };
    await member().hear(self, { ...quiet, confirmed: three });
    assert.equal((await member().advanceFloor(Date.now(), 0)).floor, 0n, "azure has not");
    await member().hear(azure, { ...quiet, confirmed: two });
    assert.equal((await member().advanceFloor(Date.now(), 0)).floor, two);
    await member().hear(azure, { ...quiet, floor: three });
    await member().hear(azure, quiet);
    assert.equal(await floor(), three, "it never falls");
  });

  it("does not stamp below what its peers remember that it had confirmed", async () => {
    const yours = hybridTime(Date.now() + 1000);
    const azure = { peer: "azure", incarnation: "cccccccccccc", incarnatedAt: 1 };
    await member().hear(azure, { ...quiet, yours });
    assert.ok((await put(freshPath())).version.time > yours);
  });

  it("says when retention has dropped what a peer still lacks", async () => {
    const cursor = await caughtUp(1);
    await put(freshPath(1));
    await subject().trimFeed();
    assert.equal(await member().window([cursor], 10), null);
    assert.equal((await stateOf(1)).behind, true);
    await member().startRepair("gcp");
    assert.ok(await member().window([await take(1)], 10));
  });

  it("knows after a restore that it lacks something, and what its peers believe to know of it", async () => {
    await apply([], [{ shard: 2, complete: 90 }]);
    const before = await member().identity();
    assert.equal(before.recovering, false);
    await subject().pretendRestored();
    await member().join(["azure", "gcp"], Date.now());
    const after = await member().identity();
    assert.equal(after.recovering, true);
    assert.ok(!isDoubtful(after), "what the backup holds is right while nothing was forgotten since");
    assert.ok(after.incarnatedAt > before.incarnatedAt);
    assert.equal(await watermark(2), 0);
    assert.ok((await member().peers()).every(({ repair }) => repair !== null));
    await member().join(["azure", "gcp"], Date.now());
    assert.equal((await member().identity()).incarnatedAt, after.incarnatedAt, "the same database");
    assert.ok((await member().peers()).every(({ cleanAt }) => cleanAt === null));
    const peer = (await member().peers()).find(({ incarnation }) => incarnation !== null)!;
    const sender = { peer: peer.peer, incarnation: peer.incarnation!, incarnatedAt: peer.incarnatedAt };
    const risen = after.floor + 1n;
    await member().hear(sender, { ...quiet, floor: risen });
    assert.ok(isDoubtful(await member().identity()));
    await member().finishRepair(peer, risen, Date.now());
    assert.ok(!isDoubtful(await member().identity()), "it was compared under the floor that is now");
    const repairs = async () => (await member().peers()).map(({ repair }) => repair);
    const due = await repairs();
    await member().recovered();
    assert.equal((await member().identity()).recovering, false);
    assert.ok(
      (await repairs()).every((repair, i) => repair !== null && repair !== due[i]),
      "once more",
    );
  });

  it("drops what it has of a key up to the floor, and counters of which it has a cell up to it", async () => {
    const [old, young, counter, youngCounter] = [freshPath(), freshPath(), freshPath(), freshPath()];
    const now = hybridTime(Date.now());
    await apply([arrival(fromGcp(old, "old", now)), arrival(fromGcp(young, "young", now + 2n))]);
    const cells = { aws: { time: now, sum: 3 }, gcp: { time: now + 2n, sum: 4 } };
    const version = { time: now + 2n, origin: "gcp" };
    const count: Entry = { kind: "counter", version, seen: {}, epoch: { time: 0n, origin: "" }, cells };
    await apply([arrival({ path: counter, entry: count, marks: {}, extra: null })]);
    const youngCount = { ...count, cells: { gcp: cells.gcp } };
    await apply([arrival({ path: youngCounter, entry: youngCount, marks: {}, extra: null })]);
    await member().forget([old, young, counter, youngCounter], now + 1n);
    assert.equal(await read(old), null);
    assert.equal((await read(young))?.version.time, now + 2n);
    assert.equal(await read(counter), null);
    assert.deepEqual(await read(youngCounter), youngCount);
  });

  it("keeps a cloud as a member that is listed no more", async () => {
    await member().join(["azure"], Date.now());
    assert.deepEqual(
      (await member().peers()).map(({ peer }) => peer),
      ["azure", "gcp"],
    );
    assert.equal((await member().lease("gcp", [0], "me", minute)).length, 1);
  });

  it("sends nothing to what is expelled, takes nothing from it, and compares all others before the floor rises", async () => {
    const known = async (peer: string) => (await member().peers()).find((one) => one.peer === peer)!;
    const { incarnatedAt: upTo, incarnation } = await known("gcp");
    const { incarnatedAt, incarnation: others } = await known("azure");
    const azure = { peer: "azure", incarnation: others ?? "cccccccccccc", incarnatedAt };
    const high = hybridTime(Date.now() + minute);
    const before = await floor();
    await member().expel("gcp", upTo);
    assert.ok(isExpelled(await known("gcp")) && !isExpelled(await known("azure")));
    assert.deepEqual(await member().lease("gcp", [0], "you", minute), []);
    for (const expelled of [{}, { gcp: upTo }]) {
      const gone = { peer: "gcp", incarnation: incarnation!, incarnatedAt: upTo };
      assert.equal(await member().hear(gone, { ...quiet, expelled }), null);
    }

    const settled = { ...quiet, confirmed: high, settled: true };
    const { settling } = await known("azure");
    assert.notEqual(settling, null);
    assert.deepEqual((await member().watermarks()).binding, ["azure", "gcp"]);
    await member().expel("gcp", upTo);
    assert.equal((await known("azure")).settling, settling, "it was known");
    const floorAfter = async (news: News) => {
      await member().hear(azure, news);
      await member().advanceFloor(minute, 0);
      return floor();
    };
    assert.equal(await floorAfter({ ...settled, expelled: { gcp: upTo } }), before, "not compared here");
    await member().finishRepair({ peer: "azure", repair: (await known("azure")).repair, settling }, 0n, Date.now());
    assert.deepEqual((await member().watermarks()).binding, ["azure"]);
    assert.equal(await floorAfter(settled), before, "azure does not know of it");
    assert.equal(await floorAfter({ ...settled, expelled: { gcp: upTo }, settled: false }), before, "azure compares");
    assert.ok((await floorAfter({ ...settled, expelled: { gcp: upTo } })) > before);

    const reborn = { peer: "gcp", incarnation: "dddddddddddd", incarnatedAt: upTo + 1 };
    assert.ok(await member().hear(reborn, quiet));
    assert.ok(!isExpelled(await known("gcp")));
    assert.notEqual((await known("gcp")).repair, null);
    assert.equal((await member().lease("gcp", [0], "you", minute)).length, 1);
  });

  it("hears of expulsions from others, its own too, and adopts no floor after that", async () => {
    const azure = (await member().peers()).find(({ peer }) => peer === "azure")!;
    const sender = { peer: "azure", incarnation: azure.incarnation!, incarnatedAt: azure.incarnatedAt };
    const { incarnatedAt, floor: before } = await member().identity();
    const expelled = { oracle: 5, [member().origin]: incarnatedAt, gcp: 1 };
    for (const confirmed of [azure.confirmed, azure.confirmed + 1n])
      assert.ok(await member().hear(sender, { ...quiet, confirmed, floor: before + 9n, expelled }));
    assert.ok(isExpelled((await member().peers()).find(({ peer }) => peer === "oracle")!));
    const self = await member().identity();
    assert.equal(self.expelledUpTo, incarnatedAt);
    assert.equal(self.floor, before);
  });
}
