import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { EventStream } from "./stream.ts";
import { Api, type Asked, clockIo, eventually, expectProblem, sharedService, startBeside } from "./support.ts";

describe("watches", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  let open: EventStream[] = [];
  beforeEach(async () => {
    ns = await shared.api.namespace();
  });
  afterEach(() => {
    for (const stream of open) stream.close();
    open = [];
  });

  async function watch(query = "", headers: Record<string, string> = {}, key?: string): Promise<EventStream> {
    const stream = await EventStream.open(`${shared.service.url}/v1/kv/${ns}:watch${query}`, headers, key);
    open.push(stream);
    assert.equal(stream.status, 200);
    return stream;
  }
  const put = (key: string, body: string | Uint8Array = "", asked: Asked = {}) =>
    send(`PUT /v1/kv/${ns}/${key}`, { body, ...asked });
  async function keysOf(stream: EventStream, count: number): Promise<string[]> {
    const keys: string[] = [];
    while (keys.length < count) keys.push((await stream.next())!.data.key);
    return keys;
  }

  describe("by server-sent events", () => {
    it("tell of puts and deletes from now on", async () => {
      await put("before");
      const stream = await watch();
      assert.equal(stream.headers["content-type"], "text/event-stream");
      assert.equal(stream.headers["cache-control"], "no-store");

      const written = await put("a/b", "12345", { headers: { "Content-Type": "text/plain" } });
      const created = (await stream.next())!;
      assert.equal(created.event, "put");
      assert.deepEqual(created.data, {
        type: "put",
        id: created.id,
        key: "a/b",
        version: written.etag,
        origin: "local",
        content_type: "text/plain",
        size: 5,
        expires_at: null,
      });

      const deleted = await send(`DELETE /v1/kv/${ns}/a/b`);
      const gone = (await stream.next())!;
      assert.equal(gone.event, "delete");
      assert.deepEqual(gone.data, {
        ...created.data,
        type: "delete",
        id: gone.id,
        version: deleted.etag,
        content_type: null,
        size: 0,
      });
    });

    it("tell of every kind of write: batch, transaction, touch, increment, delete by prefix", async () => {
      const stream = await watch();
      await send(`POST /v1/kv/${ns}:batch`, { json: { operations: [{ op: "put", key: "batch", value: "" }] } });
      assert.equal((await stream.next())!.data.key, "batch");
      await send(`POST /v1/kv/${ns}:transact`, {
        json: {
          operations: [
            { op: "put", key: "transact", value: "" },
            { op: "put", key: "both", value: "" },
          ],
        },
      });
      assert.deepEqual((await keysOf(stream, 2)).sort(), ["both", "transact"]);
      const { headers } = await send(`POST /v1/kv/${ns}/batch:touch?ttl=60`);
      assert.equal((await stream.next())!.data.expires_at, headers["kv-expires-at"]);
      await send(`POST /v1/kv/${ns}/count:increment`);
      assert.equal((await stream.next())!.data.content_type, "text/plain; charset=utf-8");
      await send(`DELETE /v1/kv/${ns}?prefix=batch`);
      assert.equal((await stream.next())!.event, "delete");
    });

    it("say of a counter what a list says of it", async () => {
      const stream = await watch("?values=1");
      await send(`POST /v1/kv/${ns}/count:increment`, { json: { by: 123 } });
      const { data } = (await stream.next())!;
      assert.deepEqual([data.value, data.size], ["123", 3]);
    });

    it("are told nothing of other namespaces, other prefixes, refused writes and expiry", async () => {
      const other = await shared.api.namespace();
      const stream = await watch("?prefix=a/");
      await put("b");
      await put("a");
      await put("A/x");
      await send(`PUT /v1/kv/${other}/a/x`);
      await put("a/x?ttl=0.01");
      await put("a/y", "", { headers: { "If-Match": "*" } });
      shared.clock.advance(1000);
      await put("a/end");
      const seen = await eventually("the last event", async () => {
        const keys = await keysOf(stream, 1);
        return keys[0] === "a/end" || keys[0] === "a/x" ? keys : null;
      });
      assert.ok(seen);
      if (seen[0] === "a/x") assert.equal((await stream.next())!.data.key, "a/end");
    });

    it("with values: bytes up to 64 KiB, larger ones without", async () => {
      const stream = await watch("?values=1");
      const bytes = randomBytes(64 * 1024);
      bytes[0] = 0xff;
      for (const [key, value] of [
        ["text", Buffer.from("größe\n\ndata: x\r\n")],
        ["largest", bytes],
        ["empty", Buffer.alloc(0)],
      ] as const) {
        await put(key, value);
        const { data } = (await stream.next())!;
        assert.equal(data.key, key);
        assert.ok(Buffer.from(data.value, data.encoding).equals(value));
      }
      await put("larger", Buffer.alloc(64 * 1024 + 1));
      const { data } = (await stream.next())!;
      assert.equal(data.key, "larger");
      assert.equal(data.size, 64 * 1024 + 1);
      assert.ok(!("value" in data));
    });

    it("per key only get newer, and end with the last state", async () => {
      const stream = await watch("?values=1");
      const writing = Promise.all(
        ["a", "b", "c"].map(async (key) => {
          for (let i = 0; i <= 30; i++) await put(key, String(i));
        }),
      );
      const last = new Map<string, number>();
      const versions = new Map<string, string>();
      while ([...last.values()].filter((value) => value === 30).length < 3) {
        const { key, version, value } = (await stream.next())!.data;
        assert.ok(version > (versions.get(key) ?? ""), "versions of a key only grow");
        versions.set(key, version);
        if (value !== undefined) last.set(key, Number(value));
      }
      await writing;
    });

    it("go on behind Last-Event-ID, which beats since, and miss nothing in between", async () => {
      const first = await watch();
      await put("a");
      const { id } = (await first.next())!;
      first.close();
      await put("b");
      await put("c");
      await send(`DELETE /v1/kv/${ns}/a`);
      const resumed = await watch("", { "Last-Event-ID": id! });
      assert.deepEqual(await keysOf(resumed, 3), ["b", "c", "a"]);
      const bySince = await watch(`?since=${id}`);
      assert.deepEqual(await keysOf(bySince, 3), ["b", "c", "a"]);
      const later = await watch(`?since=${id}`, { "Last-Event-ID": resumed.lastId! });
      await put("d");
      assert.deepEqual(await keysOf(later, 1), ["d"]);
    });

    it("that have seen no event yet can be resumed too: the stream begins with a cursor", async () => {
      const first = await watch();
      const { id, retry } = (await first.frame((frame) => frame.id !== undefined))!;
      assert.ok(Number(retry) > 0);
      first.close();
      await put("missed");
      const resumed = await watch("", { "Last-Event-ID": id! });
      assert.deepEqual(await keysOf(resumed, 1), ["missed"]);
    });

    it("with a snapshot begin with every entry in byte order, then say live, then tell of changes", async () => {
      for (const key of ["b", "a", "c", "gone"]) await put(key, key);
      await send(`DELETE /v1/kv/${ns}/gone`);
      await send(`POST /v1/kv/${ns}/n:increment`);
      const stream = await watch("?snapshot=1&values=1");
      const events = [];
      for (let event = (await stream.next())!; event.event !== "live"; event = (await stream.next())!)
        events.push(event.data);
      assert.deepEqual(
        events.map(({ type, key, value }) => [type, key, value]),
        [
          ["put", "a", "a"],
          ["put", "b", "b"],
          ["put", "c", "c"],
          ["put", "n", "1"],
        ],
      );
      await put("d");
      assert.equal((await stream.next())!.data.key, "d");
    });

    it("with a snapshot take a prefix, and may be empty", async () => {
      await put("x/1");
      await put("y");
      const some = await watch("?snapshot=1&prefix=x/");
      assert.equal((await some.next())!.data.key, "x/1");
      const live = (await some.next())!;
      assert.equal(live.event, "live");
      assert.ok(live.data.cursor);
      assert.equal((await (await watch("?snapshot=1&prefix=none")).next())!.event, "live");
    });

    it("whose snapshot was cut begin it anew: connecting as a browser does loses no entry", async () => {
      const operations = Array.from({ length: 300 }, (_, i) => ({
        op: "put",
        key: String(i),
        value: "x".repeat(1000),
      }));
      await send(`POST /v1/kv/${ns}:batch`, { json: { operations } });
      const cut = await watch("?snapshot=1&values=1");
      const seen = new Set(await keysOf(cut, 5));
      cut.close();
      const again = await watch(
        "?snapshot=1&values=1",
        cut.lastId === undefined ? {} : { "Last-Event-ID": cut.lastId },
      );
      await put("last");
      for (let key = ""; key !== "last"; ) {
        const event = (await again.next())!;
        if (event.event === "live") continue;
        key = event.data.key;
        seen.add(key);
      }
      assert.equal(seen.size, 301);
    });

    it("are kept awake by comments that carry a newer cursor, which outlives a quiet time", async () => {
      shared.clock.stop();
      const stream = await watch("?prefix=quiet");
      const before = (await stream.frame((frame) => frame.id !== undefined))!.id;
      // The first may come before the noise has arrived, and then has nothing newer to tell.
      for (let cursor = before; cursor === before; ) {
        shared.clock.advance(15_000);
        await put("noise");
        cursor = (await stream.frame((frame) => frame.comment !== undefined))!.id;
        assert.notEqual(cursor, undefined);
      }
    });

    it("of a namespace that is deleted end", async () => {
      const stream = await watch();
      await put("a");
      await stream.next();
      await send(`DELETE /v1/namespaces/${ns}?force=1`);
      await send("PUT /v1/kv/default/wake");
      assert.equal(await stream.next(), null);
    });

    it("end when the key that opened them is revoked, as every other access does, within 5 seconds", async () => {
      const key = await shared.api.apiKey(`read:${ns}`);
      const stream = await watch("", {}, key);
      await put("a");
      assert.equal((await stream.next())!.data.key, "a");
      assert.equal((await send(`DELETE /v1/keys/${key.split("_")[1]}`)).status, 204);
      shared.clock.advance(5000);
      await put("secret");
      assert.equal(await stream.next(), null);
    });

    it("serve many watchers of one namespace", async () => {
      const streams = await Promise.all(Array.from({ length: 50 }, () => watch()));
      await put("a");
      assert.deepEqual(
        await Promise.all(streams.map(async (stream) => (await stream.next())!.data.key)),
        Array(50).fill("a"),
      );
      assert.equal((await send("GET /v1/cluster")).json.watchers, 50);
      for (const stream of streams) stream.close();
      await eventually("nobody watches", async () => (await send("GET /v1/cluster")).json.watchers === 0);
    });
  });

  it("with values leave none out: a change whose entry changed again tells of the newer state", async () => {
    const io = clockIo(shared.clock, (store) => ({
      ...store,
      feed: async (after, limit) => {
        const window = await store.feed(after, limit);
        for (const write of overtaking.splice(0)) await write();
        return window;
      },
    }));
    const overtaking: (() => Promise<unknown>)[] = [];
    const beside = await startBeside({}, io);
    const other = new Api(beside.url);
    try {
      const { cursor } = (await other.send(`GET /v1/kv/${ns}:watch?wait=0`)).json;
      await put("a", "1");
      await put("b", "1");
      await send(`POST /v1/kv/${ns}/c:increment`);
      overtaking.push(
        () => put("a", "2"),
        () => send(`DELETE /v1/kv/${ns}/b`),
      );
      const { events } = (await other.send(`GET /v1/kv/${ns}:watch?wait=0&values=1&since=${cursor}`)).json;
      type Told = { type: string; key: string; version: string; value?: string };
      assert.deepEqual(
        events.map(({ type, key, value }: Told) => [type, key, value]),
        [
          ["put", "a", "2"],
          ["delete", "b", undefined],
          ["put", "c", "1"],
        ],
      );
      const current = await send(`HEAD /v1/kv/${ns}/a`, { headers: { "KV-Consistency": "local" } });
      assert.equal(events[0].version, current.etag);
    } finally {
      other.close();
      await beside.close();
    }
  });

  describe("by long poll", () => {
    const poll = (query: string) => send(`GET /v1/kv/${ns}:watch?${query}`);

    it("answer at once when there are changes, with the cursor to ask from next", async () => {
      const { events, cursor } = (await poll("wait=0")).json;
      assert.deepEqual(events, []);
      await put("a", "1");
      await put("b", "2");
      await put("a", "3");
      const next = (await poll(`wait=10&values=1&since=${cursor}`)).json;
      assert.deepEqual(
        Object.fromEntries(next.events.map(({ key, value }: { key: string; value: string }) => [key, value])),
        { a: "3", b: "2" },
      );
      assert.deepEqual((await poll(`wait=0&since=${next.cursor}`)).json.events, []);
      assert.equal((await poll(`wait=0&since=${cursor}&prefix=b`)).json.events.length, 1);
    });

    it("wait for a change, and answer without one when the time is over", async () => {
      const { cursor } = (await poll("wait=0")).json;
      const answered = poll(`wait=30&since=${cursor}`);
      await put("late");
      assert.deepEqual(
        (await answered).json.events.map(({ key }: { key: string }) => key),
        ["late"],
      );
      const started = performance.now();
      assert.deepEqual((await poll("wait=1")).json.events, []);
      assert.ok(performance.now() - started > 900);
    });

    it("deliver a thousand changes and more in pages", async () => {
      let { cursor } = (await poll("wait=0")).json;
      const operations = Array.from({ length: 1000 }, (_, i) => ({ op: "put", key: String(i), value: "" }));
      await send(`POST /v1/kv/${ns}:batch`, { json: { operations } });
      await send(`POST /v1/kv/${ns}:batch`, {
        json: { operations: operations.map((op) => ({ ...op, key: `x${op.key}` })) },
      });
      const seen = new Set<string>();
      await eventually("all were seen", async () => {
        const page = (await poll(`wait=1&since=${cursor}`)).json;
        cursor = page.cursor;
        for (const { key } of page.events) seen.add(key);
        return seen.size === 2000;
      });
    });

    it("take 0 to 60 seconds, and no snapshot", async () => {
      for (const wait of ["61", "-1", "x", "1.5"]) expectProblem(await poll(`wait=${wait}`), 400, "bad-parameter");
      expectProblem(await poll("wait=1&snapshot=1"), 400, "bad-parameter");
    });
  });

  describe("from a cursor", () => {
    it("of another cloud or of a database that was restored is 410, with the URL to start again", async () => {
      const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
      const { incarnation } = (await send("GET /v1/cluster")).json;
      for (const gone of [
        cursor("watch", "aws", incarnation, 1, 1, 1),
        cursor("watch", "local", "000000000000", 1, 1, 1),
      ]) {
        for (const query of [`since=${gone}`, `wait=0&since=${gone}`]) {
          const problem = expectProblem(
            await send(`GET /v1/kv/${ns}:watch?prefix=a%2Fb%26c&values=1&${query}`),
            410,
            "cursor-gone",
          );
          assert.equal(problem.restart, `/v1/kv/${ns}:watch?snapshot=1&prefix=a%2Fb%26c&values=1`);
        }
        expectProblem(await send(`GET /v1/kv/${ns}:watch`, { headers: { "Last-Event-ID": gone } }), 410, "cursor-gone");
      }
      const problem = (await send(`GET /v1/kv/${ns}:watch?since=${cursor("watch", "aws", incarnation, 1, 1, 1)}`)).json;
      await put("a");
      const stream = await EventStream.open(`${shared.service.url}${problem.restart}`);
      open.push(stream);
      assert.equal((await stream.next())!.data.key, "a");
    });

    it("whose changes were dropped is 410 as well", async () => {
      const { cursor } = (await send(`GET /v1/kv/${ns}:watch?wait=0`)).json;
      await put("a");
      const database = new pg.Client(shared.service.postgres.url);
      await database.connect();
      await database.query("update cluster set trimmed = pg_snapshot_xmax(pg_current_snapshot())");
      await database.end();
      await put("b");
      expectProblem(await send(`GET /v1/kv/${ns}:watch?wait=0&since=${cursor}`), 410, "cursor-gone");
      await eventually(
        "new watches begin behind what was dropped",
        async () => (await send(`GET /v1/kv/${ns}:watch?wait=0`)).status === 200,
      );
    });

    it("that is none is 400", async () => {
      const { cursor } = (await send(`GET /v1/kv/${ns}?limit=1`)).json;
      const forged = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
      for (const bad of [
        "x",
        cursor ?? "bGlzdA",
        forged("watch"),
        forged("watch", "local", "x", -1, 0, 0),
        forged("watch", "local", "x", 1.5, 0, 0),
        forged("watch", "local", "x", "1", 0, 0),
        forged("watch", "local", "x", 2 ** 60, 0, 0),
        forged("list", ns, "", null, "a"),
        forged("watch", 5, "x", 1, 1, 1),
      ]) {
        expectProblem(await send(`GET /v1/kv/${ns}:watch?since=${bad}`), 400, "bad-cursor");
        expectProblem(await send(`GET /v1/kv/${ns}:watch`, { headers: { "Last-Event-ID": bad } }), 400, "bad-cursor");
      }
      const { incarnation } = (await send("GET /v1/cluster")).json;
      const future = forged("watch", "local", incarnation, 2 ** 52, 0, 2 ** 52);
      const answer = await send(`GET /v1/kv/${ns}:watch?wait=0&since=${future}`);
      assert.ok(answer.status < 500, answer.text);
    });
  });

  it("have no HEAD, which would hold the connection", async () => {
    const head = await send(`HEAD /v1/kv/${ns}:watch`);
    assert.equal(head.status, 405);
    assert.equal((await send("GET /v1/cluster")).json.watchers, 0);
  });
});
