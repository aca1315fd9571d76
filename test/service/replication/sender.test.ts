import assert from "node:assert/strict";
import type { Catalog } from "../../../service/replication/catalog.ts";
import type { Io } from "../../../service/replication/io.ts";
import { Sender } from "../../../service/replication/sender.ts";
import type { Advance, Cursor } from "../../../service/store/member.ts";

const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

/** Never lets the time come at which a peer is told how far it is complete. */
const noClaims = (milliseconds: number) => (milliseconds === 100 ? new Promise<void>(() => {}) : Promise.resolve());

describe("what entered in several shards", () => {
  let now: number;
  /** Milliseconds that the cursors' move takes. */
  let moving: number;
  /** Windows until nothing is left. */
  let left: number;
  let windows: number[][];
  /** How many rows each may have. */
  let limits: number[];
  let pauses: number[];
  /** Called in the middle of each window. */
  let meanwhile: () => void;
  let released: number[];
  let stopped: boolean;
  let sleep: (milliseconds: number) => Promise<void>;
  let sender: Sender;

  beforeEach(() => {
    [now, moving, left, windows, limits, pauses, released, stopped] = [0, 0, 1, [], [], [], [], false];
    meanwhile = () => {};
    sleep = async () => {};
    const shardsOf = (cursors: readonly Cursor[]) => cursors.map(({ shard }) => shard);
    const store = {
      lease: async (peer: string, shards: readonly number[]) =>
        shards.map((shard) => ({ peer, shard, position: { xid: 0, id: 0, at: 0 }, fence: 1 })),
      window: async (cursors: readonly Cursor[], limit: number) => {
        windows.push(shardsOf(cursors));
        limits.push(limit);
        meanwhile();
        return { to: { xid: 1, id: 0, at: 0 }, paths: ["default/a"], more: --left > 0 };
      },
      // Collected by now, so that nothing is on the way to the peer.
      carried: async () => ({ floor: 0n, rows: [null] }),
      advance: async (cursors: readonly Cursor[], { hold }: Advance) => {
        if (Number.isNaN(moving)) throw new Error("the peer is away");
        now += moving;
        if (hold === 0) released.push(...shardsOf(cursors));
        return cursors;
      },
    };
    const io = {
      store,
      monotonic: () => now,
      random: () => 0.5,
      sleep: (milliseconds: number) => {
        pauses.push(milliseconds);
        return sleep(milliseconds);
      },
      process: "p",
      onEvent: () => {},
    } as unknown as Io;
    sender = new Sender(io, "gcp", {} as Catalog, () => stopped);
  });
  afterEach(() => {
    stopped = true;
  });

  it("is sent together", async () => {
    left = 0;
    sender.poke([3, 0, 1, 2]);
    await turns();
    assert.deepEqual(windows, [[3, 0, 1, 2]]);
    assert.deepEqual(released, [3, 0, 1, 2]);
  });

  it("need not wait for the end of a long catch-up of others", async () => {
    left = 5;
    meanwhile = () => {
      meanwhile = () => {};
      for (const shard of [2, 3]) sender.poke([shard]);
    };
    sender.poke([1]);
    await turns();
    assert.deepEqual(windows.slice(0, 2), [[1], [1, 2, 3]]);
  });

  it("leaves clients the more time the longer a small write takes, but always goes on", async () => {
    for (const [took, pause] of [
      [1, 12],
      [20, 240],
      [5000, 500],
    ] as const) {
      [moving, left, pauses] = [took, 2, []];
      sender.poke([0]);
      await turns();
      // The first one is until the next delivery.
      assert.equal(pauses[1], pause);
    }
  });

  it("comes in windows that grow from small ones, whenever the peer was away", async () => {
    sleep = noClaims;
    const send = async (count: number) => {
      [limits, left] = [[], count];
      sender.poke([0]);
      await turns();
      return limits;
    };
    assert.deepEqual(await send(6), [50, 100, 200, 400, 500, 500]);
    assert.deepEqual(await send(1), [500]);
    moving = Number.NaN;
    await send(1);
    moving = 0;
    now += 60_000;
    assert.deepEqual(await send(3), [50, 100, 200]);
  });

  it("tells since when the peer answers again", async () => {
    sleep = noClaims;
    const send = async () => {
      [now, left] = [now + 1000, 1];
      sender.poke([0]);
      await turns();
      return sender.answersFor();
    };
    assert.deepEqual([await send(), await send()], [0, 1000]);
    moving = Number.NaN;
    assert.equal(await send(), 0);
    moving = 0;
    now += 60_000;
    assert.deepEqual([await send(), await send()], [0, 1000]);
  });

  it("goes at once after a pause, and then together with what follows soon", async () => {
    const ends: (() => void)[] = [];
    sleep = () => new Promise((resolve) => ends.push(resolve));
    sender.poke([0]);
    await turns();
    assert.deepEqual(windows, [[0]]);
    for (const shard of [1, 0]) {
      left = 1;
      sender.poke([shard]);
      await turns();
    }
    assert.deepEqual(windows, [[0]]);
    ends[0]!();
    await turns();
    assert.deepEqual(windows, [[0], [1, 0]]);
  });
});
