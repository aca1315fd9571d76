import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import { EventStream } from "./stream.ts";
import { type Answer, Api, type Asked, eventually, expectProblem, sharedService, startBeside } from "./support.ts";

describe("transfer", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  beforeEach(async () => {
    ns = await shared.api.namespace();
  });

  const put = (key: string, body: string | Uint8Array = "", asked: Asked = {}) =>
    send(`PUT /v1/kv/${ns}/${key}`, { body, ...asked });
  const exportOf = (from: string, query = "") => send(`POST /v1/export?namespace=${from}${query}`);
  const importInto = (into: string, body: string | Uint8Array, query = "", asked: Asked = {}) =>
    send(`POST /v1/import?namespace=${into}${query}`, { body, ...asked });
  const lines = (...values: unknown[]) => `${values.map((value) => JSON.stringify(value)).join("\n")}\n`;
  /** The last line, without the session, which is opaque. */
  const ended = (answer: Answer) => {
    const { session, ...end } = answer.lines.at(-1);
    assert.equal(typeof session, "string");
    return end;
  };
  const keysOf = ({ lines: all }: Answer) => all.filter(({ type }) => type === "entry").map(({ key }) => key);

  /** Entries of all kinds of bytes and facts. */
  async function fill(): Promise<void> {
    await put("text", "größe", { headers: { "Content-Type": "text/plain", "KV-Meta": '{"a":[1,"\\u00e9"]}' } });
    await put("bytes", Buffer.from([0xff, 0, 0x0a, 0x0d]), { headers: { "Content-Encoding": "br" } });
    await put("empty");
    await put(encodeURIComponent("a b/ü🦆\n\"'"), "odd key");
    await put("expiring?ttl=3600", "x");
    await put("large", Buffer.alloc(3 * 2 ** 20, randomBytes(999)));
    await put("gone", "x");
    await send(`DELETE /v1/kv/${ns}/gone`);
    await send(`POST /v1/kv/${ns}/counter:increment`, { json: { by: -7 } });
    await send(`POST /v1/kv/${ns}/gone-and-counted:increment`);
    await send(`DELETE /v1/kv/${ns}/gone-and-counted`);
    await send(`POST /v1/kv/${ns}/gone-and-counted:increment`, { json: { by: 2 ** 53 - 1 } });
  }
  const filled = ["a b/ü🦆\n\"'", "bytes", "counter", "empty", "expiring", "gone-and-counted", "large", "text"];
  type Fact = [status: number, body: string, ...headers: unknown[]];
  async function contentsOf(name: string, more: readonly string[] = []): Promise<Record<string, Fact>> {
    const { entries } = (await send(`GET /v1/kv/${name}`)).json;
    const found: Record<string, Fact> = {};
    for (const { key } of entries) {
      const { status, body, headers } = await send(`GET /v1/kv/${name}/${encodeURIComponent(key)}`);
      const facts = ["content-type", "content-encoding", "kv-meta", "kv-expires-at", "kv-kind", ...more].map(
        (fact) => headers[fact],
      );
      found[key] = [status, body.toString("base64"), ...facts];
    }
    return found;
  }

  describe("export", () => {
    it("streams a header, every entry in byte order with all its facts, and an end", async () => {
      await fill();
      const answer = await exportOf(ns);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/jsonl");
      const [header, ...rest] = answer.lines;
      assert.equal(header.type, "header");
      assert.equal(header.format, "skykv/1");
      assert.equal(header.namespace, ns);
      assert.ok(header.cursor && header.exported_at);
      assert.deepEqual(rest.at(-1), { type: "end", entries: filled.length });
      assert.deepEqual(keysOf(answer), filled);
      const text = rest.find(({ key }) => key === "text");
      const { etag } = await send(`HEAD /v1/kv/${ns}/text`);
      assert.deepEqual(
        { ...text, updated_at: "" },
        {
          type: "entry",
          key: "text",
          kind: "value",
          version: etag,
          etag,
          origin: "local",
          updated_at: "",
          expires_at: null,
          size: 7,
          content_type: "text/plain",
          content_encoding: null,
          meta: { a: [1, "é"] },
          value: "größe",
          encoding: "utf8",
        },
      );
    });

    it("takes a prefix, and goes on behind a key where a stream was cut", async () => {
      for (const key of ["a/1", "a/2", "a/3", "b"]) await put(key);
      assert.deepEqual(keysOf(await exportOf(ns, "&prefix=a/")), ["a/1", "a/2", "a/3"]);
      assert.deepEqual(keysOf(await exportOf(ns, "&prefix=a/&after=a/2")), ["a/3"]);
      assert.deepEqual(keysOf(await exportOf(ns, "&after=a/3")), ["b"]);
      const empty = await exportOf(ns, "&after=z");
      assert.deepEqual(empty.lines.at(-1), { type: "end", entries: 0 });
    });

    it("and a watch from its cursor miss nothing that was written meanwhile", async () => {
      await put("a", "1");
      const { cursor } = (await exportOf(ns)).lines[0];
      await put("a", "2");
      await put("b", "1");
      const stream = await EventStream.open(`${shared.service.url}/v1/kv/${ns}:watch?since=${cursor}`);
      assert.deepEqual([(await stream.next())!.data.key, (await stream.next())!.data.key], ["a", "b"]);
      stream.close();
    });

    it("as a tar archive holds the raw values under their keys", async () => {
      await fill();
      const answer = await exportOf(ns, "&format=tar");
      assert.equal(answer.headers["content-type"], "application/x-tar");
      const files: Record<string, Buffer> = {};
      const archive = Readable.from([answer.body]).pipe(extract());
      for await (const file of archive) files[file.header.name] = await buffer(file);
      assert.deepEqual(Object.keys(files), filled);
      assert.equal(files.text!.toString(), "größe");
      assert.equal(files.large!.length, 3 * 2 ** 20);
    });

    it("of an entry past a page goes on with the next: thousands come whole", async () => {
      const operations = Array.from({ length: 1000 }, (_, i) => ({ op: "put", key: `k${i}`, value: String(i) }));
      for (const round of ["a", "b", "c"]) {
        await send(`POST /v1/kv/${ns}:batch`, {
          json: { operations: operations.map((op) => ({ ...op, key: round + op.key })) },
        });
      }
      const answer = await exportOf(ns);
      assert.deepEqual(answer.lines.at(-1), { type: "end", entries: 3000 });
      assert.equal(new Set(keysOf(answer)).size, 3000);
    });

    it("wants to know which namespace", async () => {
      expectProblem(await send("POST /v1/export"), 400, "bad-parameter");
      expectProblem(await send("POST /v1/export?namespace=nowhere"), 404, "namespace-not-found");
      expectProblem(await exportOf(ns, "&format=zip"), 400, "bad-parameter");
      expectProblem(await exportOf(ns, "&prefix=%00"), 400, "bad-parameter");
      expectProblem(await send(`GET /v1/export?namespace=${ns}`), 405, "method-not-allowed");
    });
  });

  describe("import", () => {
    for (const format of ["jsonl", "tar"]) {
      it(`of an export (${format}) gives the same entries, with new versions`, async () => {
        await fill();
        const exported = await exportOf(ns, `&format=${format}`);
        // What never expires does not begin to because of a default.
        const into = await shared.api.namespace({ default_ttl: 60 });
        const answer = await importInto(into, exported.body, `&format=${format}`);
        assert.equal(answer.status, 200);
        const { type, imported, failed } = ended(answer);
        assert.deepEqual({ type, imported, failed }, { type: "end", imported: filled.length, failed: 0 });
        assert.deepEqual(await contentsOf(into), await contentsOf(ns));
      });

      it(`of an export (${format}) with versions=keep restores what was, versions included`, async () => {
        await fill();
        const exported = await exportOf(ns, `&format=${format}`);
        const was = await contentsOf(ns, ["etag", "kv-updated-at"]);
        await send(`DELETE /v1/namespaces/${ns}?force=1`);
        const into = await shared.api.namespace();
        const answer = await importInto(into, exported.body, `&format=${format}&versions=keep`);
        assert.deepEqual(answer.lines.at(-1).failed, 0, answer.text);
        assert.deepEqual(await contentsOf(into, ["etag", "kv-updated-at"]), was);
        // Once more: merging what is there already changes nothing.
        assert.equal((await importInto(into, exported.body, `&format=${format}&versions=keep`)).lines.at(-1).failed, 0);
        assert.deepEqual(await contentsOf(into, ["etag", "kv-updated-at"]), was);
      });
    }

    it("with versions=keep leaves newer entries and deletions as they are", async () => {
      await put("newer", "old");
      await put("deleted", "old");
      const exported = await exportOf(ns);
      const { etag } = await put("newer", "new");
      await send(`DELETE /v1/kv/${ns}/deleted`);
      assert.equal((await importInto(ns, exported.body, "&versions=keep")).lines.at(-1).failed, 0);
      const kept = await send(`GET /v1/kv/${ns}/newer`);
      assert.deepEqual([kept.text, kept.etag], ["new", etag]);
      expectProblem(await send(`GET /v1/kv/${ns}/deleted`), 404, "not-found");
    });

    it("with versions=keep refuses what merging could not order", async () => {
      const { etag } = await put("a", "mine");
      const future = `${((BigInt(shared.clock.now()) + 60_000n) << 16n).toString(16).padStart(16, "0")}-local`;
      await send(`POST /v1/kv/${ns}/n:increment`);
      const whole = (await exportOf(ns)).lines.find(({ kind }) => kind === "counter");
      const { counter: parts, ...sum } = whole;
      const answer = await importInto(
        ns,
        lines(
          { key: "a", value: "other bytes", version: etag },
          { key: "b", value: "", version: future },
          { key: "c", value: "" },
          sum,
          { ...whole, counter: { ...parts, cells: { elsewhere: parts.cells.local } } },
          { ...whole, counter: { ...parts, cells: { local: { version: etag, sum: 1 } } } },
          { ...whole, counter: { ...parts, epoch: future } },
        ),
        "&versions=keep",
      );
      assert.equal(answer.lines.at(-1).failed, 7);
      assert.deepEqual(
        answer.lines
          .filter(({ type }) => type === "error")
          .map(({ line, problem }) => [line, problem.code])
          .sort(),
        [
          [1, "bad-body"],
          [2, "bad-body"],
          [3, "bad-body"],
          [4, "bad-body"],
          [5, "bad-body"],
          [6, "bad-body"],
          [7, "bad-body"],
        ],
      );
      assert.equal((await send(`GET /v1/kv/${ns}/a`)).text, "mine");
      assert.equal((await send(`GET /v1/kv/${ns}/n`)).text, "1");
    });

    it("with versions=keep adds to a counter what it has not counted, and nothing twice", async () => {
      await send(`POST /v1/kv/${ns}/n:increment`, { json: { by: 5 } });
      const before = await exportOf(ns);
      await send(`POST /v1/kv/${ns}/n:increment`, { json: { by: 2 } });
      const { lines: all } = await exportOf(ns);
      const line = all.find(({ kind }) => kind === "counter");
      // Older than the newest cell, which is the version.
      line.counter.cells.elsewhere = { version: "0000000000000001-elsewhere", sum: 100 };
      await importInto(ns, lines(line), "&versions=keep");
      assert.equal((await importInto(ns, before.body, "&versions=keep")).lines.at(-1).failed, 0);
      assert.equal((await send(`GET /v1/kv/${ns}/n`)).text, "107");
    });

    it("of a counter sets its sum, whatever was there", async () => {
      await put("value", "x");
      await send(`POST /v1/kv/${ns}/counted:increment`, { json: { by: 50 } });
      const counters = ["value", "counted", "none"].map((key) => ({ key, kind: "counter", value: "12" }));
      const bad = ["1.5", "", "12a", "9007199254740993"].map((value) => ({ key: "bad", kind: "counter", value }));
      assert.deepEqual(ended(await importInto(ns, lines(...counters, ...bad))), {
        type: "end",
        line: 7,
        imported: 3,
        failed: 4,
      });
      for (const { key } of counters) {
        const { text, headers } = await send(`GET /v1/kv/${ns}/${key}`, { headers: { "KV-Consistency": "local" } });
        assert.deepEqual([key, text, headers["kv-kind"]], [key, "12", "counter"]);
      }
      expectProblem(await send(`GET /v1/kv/${ns}/bad`), 404, "not-found");
    });

    it("gives the namespace's default expiry to lines that say nothing, and none to those that say null", async () => {
      const own = await shared.api.namespace({ default_ttl: 60 });
      await importInto(own, lines({ key: "said", value: "", expires_at: null }, { key: "unsaid", value: "" }));
      const expiry = async (key: string) => (await send(`HEAD /v1/kv/${own}/${key}`)).headers["kv-expires-at"];
      assert.equal(await expiry("said"), undefined);
      assert.ok(await expiry("unsaid"));
    });

    it("tells the session that covers it, for reads through a process that remembers what was there", async () => {
      shared.clock.stop();
      const beside = await startBeside({});
      const other = new Api(beside.url);
      try {
        await put("a", "old");
        assert.equal((await other.send(`GET /v1/kv/${ns}/a`)).text, "old");
        const { session } = (await importInto(ns, lines({ key: "a", value: "new" }))).lines.at(-1);
        assert.equal((await other.send(`GET /v1/kv/${ns}/a`)).text, "old", "without a session it may lag behind");
        assert.equal((await other.send(`GET /v1/kv/${ns}/a`, { headers: { "KV-Session": session } })).text, "new");
      } finally {
        other.close();
        await beside.close();
      }
    });

    it("takes no conditions and no Idempotency-Key, and says what to do instead", async () => {
      for (const name of ["If-Match", "If-None-Match", "Idempotency-Key"]) {
        const headers = { [name]: "*" };
        const answer = await importInto(ns, lines({ key: "a", value: "" }), "", { headers });
        assert.match(String(expectProblem(answer, 400, "bad-parameter").detail), /: ./);
      }
      expectProblem(await send(`GET /v1/kv/${ns}/a`), 404, "not-found");
      const headers = { "Idempotency-Key": "one" };
      expectProblem(await send(`POST /v1/export?namespace=${ns}`, { headers }), 400, "bad-parameter");
    });

    it("with versions=keep needs the scope admin as well", async () => {
      const writer = await shared.api.apiKey(`write:${ns}`);
      assert.equal((await importInto(ns, "", "", { key: writer })).status, 200);
      expectProblem(await importInto(ns, "", "&versions=keep", { key: writer }), 403, "forbidden");
    });

    it("takes lines with just a key and a value, and passes over empty ones", async () => {
      const answer = await importInto(
        ns,
        '{"key":"a","value":"1"}\n\n   \n{"key":"b","value":"/w==","encoding":"base64"}',
      );
      assert.deepEqual(ended(answer), { type: "end", line: 4, imported: 2, failed: 0 });
      assert.equal((await send(`GET /v1/kv/${ns}/a`)).text, "1");
      assert.ok((await send(`GET /v1/kv/${ns}/b`)).body.equals(Buffer.from([0xff])));
      const nothing = await importInto(ns, "");
      assert.deepEqual(ended(nothing), { type: "end", line: 0, imported: 0, failed: 0 });
      assert.equal(nothing.lines.length, 1);
    });

    it("lets the last of several lines of one key win", async () => {
      await importInto(ns, lines(...Array.from({ length: 3000 }, (_, i) => ({ key: `k${i % 3}`, value: String(i) }))));
      for (const [key, value] of [
        ["k0", "2997"],
        ["k1", "2998"],
        ["k2", "2999"],
      ] as const) {
        assert.equal((await send(`GET /v1/kv/${ns}/${key}`)).text, value);
      }
    });

    it("tells of each line that it refuses, and goes on", async () => {
      const own = await shared.api.namespace({ max_value_bytes: 5, require_condition: true });
      const body = Buffer.concat([
        Buffer.from(
          `${lines({ key: "good", value: "1" }, { key: "", value: "" }, { key: "x", value: "toolong" })}not json\n`,
        ),
        Buffer.from([0x22, 0xff, 0x22, 0x0a]),
        Buffer.from(
          lines({ key: "also good", value: "2" }, { key: "no", value: "%", encoding: "base64" }, [], {
            key: "k",
            value: "",
            expires_at: "soon",
          }),
        ),
      ]);
      const answer = await importInto(own, body);
      const errors = answer.lines.filter(({ type }) => type === "error");
      assert.deepEqual(errors.map(({ line, key, problem }) => [line, key ?? null, problem.code]).sort(), [
        [2, null, "bad-body"],
        [3, "x", "too-large"],
        [4, null, "bad-body"],
        [5, null, "bad-body"],
        [7, "no", "bad-body"],
        [8, null, "bad-body"],
        [9, null, "bad-body"],
      ]);
      assert.deepEqual(ended(answer), { type: "end", line: 9, imported: 2, failed: 7 });
      assert.equal(errors.find(({ line }) => line === 3).problem.limit, 5);
    });

    it("that is cut has committed what it said, and the rest can be sent", async () => {
      const all = Array.from({ length: 5000 }, (_, i) => ({ key: String(i).padStart(4, "0"), value: String(i) }));
      const asking = request(`${shared.service.url}/v1/import?namespace=${ns}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${shared.service.adminKey}` },
      });
      asking.on("error", () => {});
      asking.write(lines(...all.slice(0, 4000)));
      const [response] = await once(asking, "response");
      let text = "";
      for await (const chunk of response) {
        text += chunk;
        if (text.includes("progress")) break;
      }
      asking.destroy();
      const { line } = JSON.parse(text.slice(0, text.indexOf("\n")));
      assert.ok(line > 0 && line <= 4000);
      const there = new Set((await exportOf(ns)).lines.map(({ key }) => key));
      for (const { key } of all.slice(0, line)) assert.ok(there.has(key), `line ${key} was told to be committed`);
      const rest = await importInto(ns, lines(...all.slice(line)));
      assert.equal(rest.lines.at(-1).imported, 5000 - line);
      assert.deepEqual((await exportOf(ns)).lines.at(-1), { type: "end", entries: 5000 });
    });

    it("says every second how far it is, also while little comes", async () => {
      const asking = request(`${shared.service.url}/v1/import?namespace=${ns}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${shared.service.adminKey}` },
      });
      asking.write(lines({ key: "a", value: "" }, { key: "b", value: "" }));
      const [response] = await once(asking, "response");
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk));
      await eventually("both lines are told", () =>
        text.includes('{"type":"progress","line":2,"imported":2,"failed":0,"session":'),
      );
      asking.end();
      await once(response, "end");
    });

    it("takes archives that others made, by the names of their files; folders are passed over", async () => {
      const archive = pack();
      archive.entry({ name: "folder/", type: "directory" });
      archive.entry({ name: "folder/a.txt" }, "hello");
      archive.entry({ name: `${"deep/".repeat(40)}b` }, "long name");
      archive.finalize();
      const answer = await importInto(ns, await buffer(archive), "", {
        headers: { "Content-Type": "application/x-tar" },
      });
      const { imported, failed } = answer.lines.at(-1);
      assert.deepEqual([imported, failed], [2, 0]);
      assert.equal((await send(`GET /v1/kv/${ns}/folder/a.txt`)).text, "hello");
      assert.equal((await send(`GET /v1/kv/${ns}/${"deep/".repeat(40)}b`)).text, "long name");
    });

    it("says what is wrong with an archive that is none, or cut", async () => {
      await put("a", Buffer.alloc(100_000));
      const whole = (await exportOf(ns, "&format=tar")).body;
      for (const body of [randomBytes(5000), randomBytes(5_000_000), whole.subarray(0, 50_000)]) {
        const answer = await importInto(ns, body, "&format=tar");
        const last = answer.lines.at(-1);
        assert.equal(last.type, "error", answer.text);
        assert.equal(last.problem.code, "bad-body", answer.text);
      }
    });

    it("of values of 25 MiB as lines is possible", async () => {
      const value = randomBytes(25 * 2 ** 20);
      const answer = await importInto(ns, lines({ key: "big", value: value.toString("base64"), encoding: "base64" }));
      assert.equal(answer.lines.at(-1).imported, 1);
      assert.ok((await send(`GET /v1/kv/${ns}/big`)).body.equals(value));
    });

    it("wants to know which namespace", async () => {
      expectProblem(await send("POST /v1/import"), 400, "bad-parameter");
      expectProblem(await importInto("nowhere", ""), 404, "namespace-not-found");
      expectProblem(await importInto(ns, "", "&versions=old"), 400, "bad-parameter");
      expectProblem(await importInto(ns, "", "&format=csv"), 400, "bad-parameter");
    });
  });
});
