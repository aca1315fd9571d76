import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import slotOf from "cluster-key-slot";
import fc from "fast-check";
import { type CacheRecord, maxAge, type SharedCache } from "../../service/cache/port.ts";
import { type RedisCacheOptions, redisCache } from "../../service/cache/redis.ts";
import type { Entry } from "../../service/kv/entry.ts";
import { needsRedis, RedisCluster, RedisServer } from "../support/redis.ts";

type Changes = Parameters<Parameters<SharedCache["onInvalidate"]>[0]>[0];
type Watched = { cache: SharedCache; heard: Changes[]; commands: string[]; log: string[] };

const version = (time: bigint) => ({ time, origin: "local" });

function value(time: bigint, body: Uint8Array | null = new Uint8Array()): Entry {
  const facts = { contentType: null, contentEncoding: null, meta: null, expiresAt: null };
  return { kind: "value", version: version(time), seen: {}, body, blob: null, size: body?.length ?? 0, ...facts };
}

function recordOf(path: string, entry: Entry | null, readAt = Date.now()): CacheRecord {
  return { path, stored: entry && { entry, changed: 7 }, readAt, horizon: 3 };
}

/** Waits for what must come, and names it when it does not. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(10);
  }
}

/** Opens caches of one scope, which is another one in each test, and closes them after it. */
function opener(url: () => string) {
  let open: SharedCache[] = [];
  let scope: string;
  beforeEach(() => {
    scope = randomBytes(8).toString("hex");
  });
  afterEach(async () => {
    await Promise.all(open.map((cache) => cache.close()));
    open = [];
  });
  return async (options: Partial<RedisCacheOptions> = {}): Promise<Watched & { scope: string }> => {
    const watched = { heard: [] as Changes[], commands: [] as string[], log: [] as string[], scope };
    const note = (level: string) => (facts: unknown, text?: string) => watched.log.push(`${level}: ${text ?? facts}`);
    const cache = redisCache({
      url: url(),
      scope,
      // Long, where nothing hangs, so that a busy machine fails no test.
      commandTimeout: 2000,
      log: { info: note("info"), warn: note("warn") } as NonNullable<RedisCacheOptions["log"]>,
      metrics: { command: (result) => watched.commands.push(result) },
      ...options,
    });
    cache.onInvalidate((changes) => watched.heard.push(changes));
    open.push(cache);
    await until("the cache is up and listening", () => cache.state === "up" && cache.listening);
    watched.heard.length = 0;
    return { cache, ...watched };
  };
}

const get = (cache: SharedCache, ...paths: string[]) => cache.get(paths, Date.now());
const getOne = async (cache: SharedCache, path: string) => (await get(cache, path))[0];

async function fill(cache: SharedCache, ...records: CacheRecord[]): Promise<void> {
  cache.fill(records, Date.now());
  const paths = records.map(({ path }) => path);
  await until(`${paths[0]} is there`, async () => (await get(cache, ...paths)).every(Boolean));
}

for (const mode of ["one server", "a cluster"] as const) {
  describe(`the shared cache on ${mode}`, function () {
    this.timeout(60_000);
    let servers: RedisServer | RedisCluster;
    const open = opener(() => servers.url);

    before(async function () {
      needsRedis(this);
      servers = await (mode === "one server" ? RedisServer : RedisCluster).start();
    });
    after(() => servers?.stop());

    it("gives back what it was filled with, in the order of asking", async () => {
      const everyByte = new Uint8Array(Array.from({ length: 256 }, (_, i) => i));
      const facts = { contentType: "text/plain; charset=ü", contentEncoding: "br", meta: '{"a":1}', expiresAt: 9e12 };
      const records = [
        recordOf("ns/every byte", value(1n, everyByte)),
        recordOf("ns/empty", value(2n)),
        recordOf("ns/facts", { ...(value(3n, everyByte) as Entry & { kind: "value" }), ...facts, seen: { aws: 2n } }),
        recordOf("ns/blob", { ...value(4n, null), blob: "ab".repeat(32), size: 3e6 } as Entry),
        recordOf("ns/gone", { kind: "tombstone", version: version(2n ** 63n), seen: { gcp: 1n } }),
        recordOf("ns/none", null),
        recordOf("ns/count", {
          kind: "counter",
          version: version(8n),
          seen: {},
          epoch: version(5n),
          cells: { local: { time: 8n, sum: -3 }, gcp: { time: 6n, sum: 2 ** 53 - 1 } },
        }),
        recordOf("ns/😀/{tag}/%2F/ü \r\n\"'", value(9n, everyByte)),
        recordOf(`ns/${"長".repeat(170)}`, value(10n, everyByte)),
      ];
      const [writer, reader] = [await open(), await open()];
      await fill(writer.cache, ...records);
      const paths = records.map(({ path }) => path);
      assert.deepEqual(await get(reader.cache, ...paths), records);
      assert.deepEqual(await get(reader.cache, "ns/absent", ...paths.toReversed()), [
        undefined,
        ...records.toReversed(),
      ]);
      assert.deepEqual(await get(reader.cache), []);
    });

    it("takes a thousand records at once", async () => {
      const { cache } = await open();
      const records = Array.from({ length: 1000 }, (_, i) => recordOf(`ns/${i}`, value(1n, randomBytes(1000))));
      await fill(cache, ...records);
      const kept = await get(cache, ...records.map(({ path }) => path));
      assert.deepEqual(
        kept.map((record) => record?.stored),
        records.map(
          ({ stored }) =>
            stored && {
              ...stored,
              entry: { ...stored.entry, body: new Uint8Array((stored.entry as { body: Uint8Array }).body) },
            },
        ),
      );
    });

    it("keeps the newest state, and of one state the latest reading, in whatever order they come", async () => {
      const { cache } = await open();
      const start = Date.now();
      let round = 0;
      const states = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })), {
        minLength: 1,
      });
      await fc.assert(
        fc.asyncProperty(states, async (states) => {
          const path = `ns/{round ${++round}}`;
          await fill(cache, recordOf(`${path} start`, null));
          const records = states.map(([time, later]) =>
            recordOf(path, time === 0 ? null : value(BigInt(time), Buffer.from(`${time}`)), start + later),
          );
          for (const record of records) cache.fill([record], Date.now());
          // In the same slot, and so after them on the same connection.
          await fill(cache, recordOf(`${path} end`, null));
          const order = (record: CacheRecord) =>
            Number(record.stored?.entry.version.time ?? 0n) * 10 + record.readAt - start;
          const newest = records.reduce((a, b) => (order(b) > order(a) ? b : a));
          const kept = await getOne(cache, path);
          assert.equal(kept && order(kept), order(newest));
        }),
        { numRuns: 25, endOnFailure: true },
      );
    });

    it("answers with nothing older than the bound, whatever the server still has", async () => {
      const { cache } = await open();
      const now = Date.now();
      await fill(cache, recordOf("ns/key", value(1n), now));
      assert.ok((await cache.get(["ns/key"], now + maxAge - 1))[0]);
      assert.equal((await cache.get(["ns/key"], now + maxAge))[0], undefined);
    });

    it("lets the server forget what is too old", async () => {
      const { cache } = await open();
      const now = Date.now();
      await fill(cache, recordOf("ns/key", value(1n), now - maxAge + 600));
      await until("the record is forgotten", async () => (await cache.get(["ns/key"], now - maxAge))[0] === undefined);
      assert.ok(Date.now() > now + 580, `forgotten after ${Date.now() - now} ms`);
      cache.fill([recordOf("ns/{old}", value(1n), now - maxAge)], now);
      await fill(cache, recordOf("ns/{old}er", value(1n)));
      assert.equal((await cache.get(["ns/{old}"], now - maxAge))[0], undefined);
    });

    it("puts a miss in the place of an older state when the newer one is too large to keep", async () => {
      const { cache } = await open();
      await fill(cache, recordOf("ns/key", value(1n)));
      cache.publish([recordOf("ns/key", value(2n, new Uint8Array(100_000)))], Date.now());
      await until("the old state is gone", async () => (await getOne(cache, "ns/key")) === undefined);
      cache.fill([recordOf("ns/key", value(1n))], Date.now());
      await fill(cache, recordOf("ns/key", value(3n)));
    });

    it("tells all others of a batch in one message, and not itself", async () => {
      const [writer, ...others] = [await open(), await open(), await open()];
      const records = [
        recordOf("ns/😀", value(2n ** 63n + 1n)),
        recordOf("ns/gone", { kind: "tombstone", version: version(9n), seen: {} }),
        recordOf("ns/none", null),
      ];
      writer.cache.publish(records, Date.now());
      const changes = [
        { path: "ns/😀", newest: 2n ** 63n + 1n },
        { path: "ns/gone", newest: 9n },
        { path: "ns/none", newest: 0n },
      ];
      await until("the others heard of it", () => others.every(({ heard }) => heard.length > 0));
      for (const { heard } of others) assert.deepEqual(heard, [changes]);
      writer.cache.publish([recordOf("ns/last", value(1n))], Date.now());
      await until("the others heard of the next", () => others.every(({ heard }) => heard.length > 1));
      assert.deepEqual(writer.heard, []);
    });

    it("has the new state when the others hear of it", async () => {
      const [writer, reader] = [await open(), await open()];
      const read: Promise<bigint | undefined>[] = [];
      reader.cache.onInvalidate(() => {
        read.push(getOne(reader.cache, "ns/key").then((record) => record?.stored?.entry.version.time));
      });
      for (let time = 1n; time <= 20n; time++) {
        writer.cache.publish([recordOf("ns/key", value(time, randomBytes(50_000)))], Date.now());
        await until("it is heard", () => read.length === Number(time));
        assert.equal(await read.at(-1), time);
      }
    });

    it("keeps scopes apart", async () => {
      const [mine, others] = [await open(), await open({ scope: "another" })];
      mine.cache.publish([recordOf("ns/key", value(1n))], Date.now());
      await until("it is there", async () => (await getOne(mine.cache, "ns/key")) !== undefined);
      assert.equal(await getOne(others.cache, "ns/key"), undefined);
      const last = await open({ scope: "another" });
      last.cache.publish([recordOf("ns/last", value(1n))], Date.now());
      await until("the scope's own is heard", () => others.heard.length > 0);
      assert.deepEqual(others.heard, [[{ path: "ns/last", newest: 1n }]]);
    });

    it("adds up what processes spend, and says what the others did", async () => {
      const [a, b] = [(await open()).cache, (await open()).cache];
      const spend = (cache: SharedCache, requests: number) => cache.spend("key:ns", requests, 60);
      assert.equal(await spend(a, 5), 0);
      assert.equal(await spend(b, 7), 0);
      assert.equal(await spend(a, 1), 7);
      assert.deepEqual(await Promise.all([spend(b, 2), spend(b, 3)]), [1, 0]);
      assert.equal(await spend(a, 0), 5);
      assert.equal(await spend(a, 0), 0);
      assert.equal(await a.spend("another", 1, 60), 0);
    });

    it("counts on from nothing when a sum was forgotten", async () => {
      const [a, b] = [(await open()).cache, (await open()).cache];
      const spend = (cache: SharedCache, requests: number) => cache.spend("name", requests, 0.05);
      await spend(a, 50);
      await spend(b, 50);
      await until("the sum has expired", async () => {
        await sleep(150);
        return (await spend(b, 3)) === 0;
      });
      assert.equal(await spend(a, 4), 3);
    });

    it("counts its commands, and says once that it answers", async () => {
      const { cache, commands, log } = await open();
      await fill(cache, recordOf("ns/key", value(1n)));
      await until("both commands are counted", () => commands.length >= 2);
      assert.deepEqual(new Set(commands), new Set(["ok"]));
      assert.deepEqual(log.toSorted(), [
        "info: hears the invalidations of other processes",
        "info: the shared cache answers",
      ]);
    });

    it("answers with misses after it was closed", async () => {
      const { cache } = await open();
      await fill(cache, recordOf("ns/key", value(1n)));
      await cache.close();
      cache.publish([recordOf("ns/key", value(2n))], Date.now());
      assert.deepEqual(await get(cache, "ns/key"), [undefined]);
      assert.equal(await cache.spend("name", 1, 60), undefined);
      assert.deepEqual([cache.state, cache.listening], ["down", false]);
    });

    it("goes without a server that hangs, within the command timeout, and comes back by itself", async () => {
      const all = servers instanceof RedisCluster ? servers.servers : [servers];
      const { cache, heard, commands, log } = await open({ commandTimeout: 50 });
      await fill(cache, recordOf("ns/key", value(1n)));
      for (const server of all) server.pause();
      try {
        commands.length = 0;
        for (let i = 0; i < 10; i++) {
          const start = performance.now();
          assert.deepEqual(await get(cache, "ns/key"), [undefined]);
          assert.ok(performance.now() - start < 250, "a read waited for longer than the command timeout");
        }
        await until("it knows that it is down and deaf", () => cache.state === "down" && !cache.listening);
        assert.ok(commands.filter((result) => result === "timeout").length <= 6, `${commands}`);
        assert.equal(commands.at(-1), "skipped");
        assert.equal(await cache.spend("name", 1, 60), undefined);
      } finally {
        for (const server of all) server.resume();
      }
      assert.deepEqual(heard, []);
      await until("it is up and listens", () => cache.state === "up" && cache.listening);
      assert.deepEqual(heard, [null]);
      await fill(cache, recordOf("ns/new", value(2n)));
      assert.ok(log.length <= 6, log.join("\n"));
    });

    it("goes without a server that is killed, and comes back when it does, empty", async () => {
      const all = servers instanceof RedisCluster ? servers.servers : [servers];
      const { cache, heard } = await open();
      await fill(cache, recordOf("ns/key", value(1n)));
      await Promise.all(all.map((server) => server.kill()));
      try {
        await until("it knows that it is down and deaf", async () => {
          assert.deepEqual(await get(cache, "ns/key"), [undefined]);
          cache.fill([recordOf("ns/key", value(1n))], Date.now());
          return cache.state === "down" && !cache.listening;
        });
        const start = performance.now();
        assert.deepEqual(await get(cache, "ns/key"), [undefined]);
        assert.ok(performance.now() - start < 50);
        cache.publish([recordOf("ns/key", value(2n))], Date.now());
      } finally {
        await Promise.all(all.map((server) => server.start()));
      }
      await until("it is up and listens", () => cache.state === "up" && cache.listening);
      assert.deepEqual(heard, [null]);
      await fill(cache, recordOf("ns/key", value(1n)));
    });

    it("drops what it cannot send, instead of keeping it in memory", async () => {
      const all = servers instanceof RedisCluster ? servers.servers : [servers];
      const { cache, commands } = await open();
      for (const server of all) server.pause();
      try {
        for (let i = 0; i < 1000; i++) {
          cache.publish([recordOf(`ns/${i}`, value(1n, new Uint8Array(60_000)))], Date.now());
        }
        const kept = 1000 - commands.filter((result) => result === "skipped").length;
        assert.ok(kept > 100 && kept < 150, `${kept} of 1000 fills of 60 KB are waiting`);
      } finally {
        for (const server of all) server.resume();
      }
      await until("it is up", () => cache.state === "up");
    });
  });
}

describe("the shared cache on one server in trouble", function () {
  this.timeout(60_000);
  let server: RedisServer;
  const open = opener(() => server.url);

  before(async function () {
    needsRedis(this);
    server = await RedisServer.start();
  });
  after(() => server?.stop());

  it("makes the others forget everything when a process could not tell them what it changed", async () => {
    const connections = async () =>
      [...`${await server.command("CLIENT", "LIST")}`.matchAll(/^id=(\d+)/gm)].map(([, id]) => id!);
    const reader = await open();
    const before = new Set(await connections());
    const writer = await open();
    for (const id of await connections()) {
      if (!before.has(id)) await server.command("CLIENT", "KILL", "ID", id).catch(() => {});
    }
    writer.cache.publish([recordOf("ns/key", value(1n))], Date.now());
    await until("the other is told", () => reader.heard.length > 0);
    assert.deepEqual(reader.heard, [null]);
    assert.equal(reader.cache.listening, true);
  });

  it("sends as much as ever after what was under way got lost with the connection", async () => {
    const sockets = new Set<Socket>();
    let swallow = false;
    const between = createServer((near) => {
      const far = connect(server.port, "127.0.0.1");
      for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => other.destroy());
        socket.on("data", (data) => swallow || other.write(data));
      }
    }).listen(0, "127.0.0.1");
    await once(between, "listening");
    try {
      const { cache, commands } = await open({ url: `redis://127.0.0.1:${(between.address() as AddressInfo).port}` });
      swallow = true;
      for (let i = 0; !commands.includes("skipped"); i++) {
        cache.fill([recordOf(`ns/${i}`, value(1n, new Uint8Array(60_000)))], Date.now());
      }
      swallow = false;
      for (const socket of sockets) socket.destroy();
      await until("it keeps records again", async () => {
        cache.fill([recordOf("ns/key", value(1n, new Uint8Array(60_000)))], Date.now());
        return (await getOne(cache, "ns/key")) !== undefined;
      });
    } finally {
      between.close();
    }
  });

  it("forgets everything at a message that it does not understand", async () => {
    const { heard, scope } = await open();
    for (const message of ["{", "[]", '{"from":"x","changes":[["ns/key","not hex"]]}', '{"from":"x","changes":7}']) {
      heard.length = 0;
      await server.command("PUBLISH", `skykv:${scope}:changes`, message);
      await until("it forgets", () => heard.length > 0);
      assert.deepEqual(heard, [null]);
    }
  });

  it("does without scripts that the server has forgotten", async () => {
    const { cache } = await open();
    await fill(cache, recordOf("ns/a", value(1n)));
    await server.command("SCRIPT", "FLUSH");
    await fill(cache, recordOf("ns/b", value(1n)));
    assert.equal(await cache.spend("name", 1, 60), 0);
  });

  it("takes no demoted primary for a working one", async () => {
    const { cache, heard } = await open();
    await server.command("REPLICAOF", "127.0.0.1", "1");
    try {
      await until("it knows", () => {
        cache.fill([recordOf("ns/key", value(1n))], Date.now());
        return cache.state === "down" && !cache.listening;
      });
    } finally {
      await server.command("REPLICAOF", "NO", "ONE");
    }
    await until("it is up and listens", () => cache.state === "up" && cache.listening);
    assert.deepEqual(heard, [null]);
  });

  it("stays silent and down while there is no server at all", async () => {
    const log: string[] = [];
    const note = (_facts: unknown, text: string) => log.push(text);
    const cache = redisCache({
      url: "redis://127.0.0.1:1",
      scope: "none",
      log: { info: note, warn: note } as unknown as NonNullable<RedisCacheOptions["log"]>,
    });
    await until("it says that it is down", () => log.length > 0);
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(await get(cache, "ns/key"), [undefined]);
      await sleep(20);
    }
    assert.deepEqual([cache.state, cache.listening], ["down", false]);
    assert.deepEqual(log, ["the shared cache does not answer: going without it"]);
    await cache.close();
  });
});

describe("the shared cache on a cluster in trouble", function () {
  this.timeout(60_000);
  let cluster: RedisCluster;
  const open = opener(() => cluster.url);

  before(async function () {
    needsRedis(this);
    cluster = await RedisCluster.start(1);
  });
  after(() => cluster?.stop());

  /** A path that the first, second or third master has. */
  const pathOn = (master: number, scope: string) => {
    for (let i = 0; ; i++) {
      if (Math.floor((slotOf(`skykv:${scope}:ns/${i}`) * 3) / 16384) === master) return `ns/${i}`;
    }
  };

  it("goes on with the nodes that do not hang", async () => {
    const { cache, scope } = await open({ commandTimeout: 50 });
    const [hung, other] = [pathOn(1, scope), pathOn(2, scope)];
    await fill(cache, recordOf(hung, value(1n)), recordOf(other, value(1n)));
    cluster.masters[1]!.pause();
    try {
      await until("the hung one is left alone", async () => {
        const start = performance.now();
        assert.equal(await getOne(cache, hung), undefined);
        return performance.now() - start < 10;
      });
      await fill(cache, recordOf(other, value(2n)));
      assert.equal(cache.state, "up");
    } finally {
      cluster.masters[1]!.resume();
    }
    await until("all answer", async () => {
      cache.fill([recordOf(hung, value(2n))], Date.now());
      return (await getOne(cache, hung)) !== undefined;
    });
  });

  it("follows slots that move", async () => {
    const { cache, scope } = await open();
    const path = pathOn(1, scope);
    await fill(cache, recordOf(path, value(1n)), recordOf(pathOn(0, scope), value(1n)));
    const slot = slotOf(`skykv:${scope}:${path}`);
    const to = `${await cluster.masters[2]!.command("CLUSTER", "MYID")}`;
    const keys = (await cluster.masters[1]!.command("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
    for (const key of keys) await cluster.masters[1]!.command("DEL", key);
    for (const server of [cluster.masters[2]!, ...cluster.servers]) {
      await server.command("CLUSTER", "SETSLOT", slot, "NODE", to).catch(() => {});
    }
    await until("it is kept where it belongs now", async () => {
      cache.fill([recordOf(path, value(2n))], Date.now());
      return (await getOne(cache, path)) !== undefined;
    });
    assert.equal(await cluster.masters[2]!.command("CLUSTER", "COUNTKEYSINSLOT", slot), 1);
  });

  it("follows a replica that takes over", async () => {
    const [writer, reader] = [await open(), await open()];
    const path = pathOn(0, writer.scope);
    await fill(writer.cache, recordOf(path, value(1n)));
    await cluster.masters[0]!.kill();
    await until("the replica has taken over", async () => {
      writer.cache.fill([recordOf(path, value(2n))], Date.now());
      return (await getOne(reader.cache, path))?.stored?.entry.version.time === 2n;
    });
    await until("all listen", () => writer.cache.listening && reader.cache.listening);
    reader.heard.length = 0;
    writer.cache.publish([recordOf(path, value(3n))], Date.now());
    await until("the other hears", () => reader.heard.some((changes) => changes?.[0]?.path === path));
  });
});
