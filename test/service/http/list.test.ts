import assert from "node:assert/strict";
import { Api, type Asked, expectProblem, sharedService, startBeside } from "./support.ts";

describe("lists", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  beforeEach(async () => {
    ns = await shared.api.namespace();
  });

  async function fill(...keys: string[]): Promise<void> {
    const operations = keys.map((key) => ({ op: "put", key, value: key }));
    for (let at = 0; at < keys.length; at += 1000) {
      const { status } = await send(`POST /v1/kv/${ns}:batch`, {
        json: { operations: operations.slice(at, at + 1000) },
      });
      assert.equal(status, 200);
    }
  }
  type Page = { entries: { key: string }[]; prefixes: string[]; cursor: string | null };
  async function page(query: Record<string, string> = {}): Promise<Page> {
    const answer = await send(`GET /v1/kv/${ns}?${new URLSearchParams(query)}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }
  /** Keys and folded prefixes of all pages, as they came. */
  async function walk(query: Record<string, string>, between: () => Promise<unknown> = async () => {}) {
    const pages: string[][] = [];
    for (let cursor: string | null = null; ; ) {
      const { entries, prefixes, cursor: next }: Page = await page({ ...query, ...(cursor !== null && { cursor }) });
      pages.push([...entries.map(({ key }) => key), ...prefixes].sort(byBytes));
      if (next === null) return pages;
      cursor = next;
      await between();
    }
  }
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

  it("give keys in byte order of their UTF-8, with facts and without values unless asked", async () => {
    const keys = ["b", "a", "B", "é", "z", "\ufffd", "🦆", "a/b", "a b", "~", "10", "9", "\u0001"];
    await fill(...keys);
    const { entries, prefixes, cursor } = await page();
    assert.deepEqual(
      entries.map(({ key }) => key),
      keys.toSorted(byBytes),
    );
    assert.deepEqual(prefixes, []);
    assert.equal(cursor, null);
    assert.ok(!("value" in entries[0]!));
    const withValues = (await page({ values: "1", prefix: "é" })).entries[0] as Record<string, unknown>;
    assert.equal(withValues.value, "é");
    assert.equal(withValues.size, 2);
  });

  it("take a prefix, which is text and no path", async () => {
    await fill("user", "user/1", "user/2", "user/20", "users", "USER/3", "us");
    assert.deepEqual(
      (await page({ prefix: "user/2" })).entries.map(({ key }) => key),
      ["user/2", "user/20"],
    );
    assert.equal((await page({ prefix: "user" })).entries.length, 5);
    assert.equal((await page({ prefix: "none" })).entries.length, 0);
    await fill("100%", "a_b", "axb", "a\\b");
    assert.deepEqual(
      (await page({ prefix: "a_" })).entries.map(({ key }) => key),
      ["a_b"],
    );
    assert.deepEqual(
      (await page({ prefix: "100%" })).entries.map(({ key }) => key),
      ["100%"],
    );
    assert.deepEqual(
      (await page({ prefix: "a\\" })).entries.map(({ key }) => key),
      ["a\\b"],
    );
  });

  it("fold what lies behind a delimiter into prefixes, as folders", async () => {
    await fill("readme", "src/a", "src/b", "src/lib/c", "test/d", "x//y", "/root");
    const root = await page({ delimiter: "/" });
    assert.deepEqual(
      root.entries.map(({ key }) => key),
      ["readme"],
    );
    assert.deepEqual(root.prefixes, ["/", "src/", "test/", "x/"]);
    const src = await page({ delimiter: "/", prefix: "src/" });
    assert.deepEqual(
      src.entries.map(({ key }) => key),
      ["src/a", "src/b"],
    );
    assert.deepEqual(src.prefixes, ["src/lib/"]);
    assert.deepEqual((await page({ delimiter: "//" })).prefixes, ["x//"]);
    assert.deepEqual((await page({ delimiter: "lib/" })).prefixes, ["src/lib/"]);
  });

  it("count folded prefixes as one item of a page, and go on behind them", async () => {
    await fill(...Array.from({ length: 30 }, (_, i) => `folder${i % 3}/${i}`), "a", "g", "folder");
    assert.deepEqual(await walk({ delimiter: "/", limit: "2" }), [
      ["a", "folder"],
      ["folder0/", "folder1/"],
      ["folder2/", "g"],
    ]);
    assert.deepEqual(await walk({ delimiter: "/", limit: "1" }), [
      ["a"],
      ["folder"],
      ["folder0/"],
      ["folder1/"],
      ["folder2/"],
      ["g"],
    ]);
  });

  it("skip no key when prefix and delimiter overlap", async () => {
    const keys = ["aa", "aaa", "aab", "aaab", "ab", "aba"];
    await fill(...keys);
    for (const [prefix, delimiter] of [
      ["a", "aa"],
      ["aa", "aa"],
      ["a", "ba"],
      ["", "a"],
      ["", "aa"],
    ] as const) {
      const query = { prefix, delimiter };
      const whole = (await walk(query))[0];
      assert.deepEqual((await walk({ ...query, limit: "1" })).flat(), whole, JSON.stringify(query));
    }
  });

  it("fill pages to the limit: 100 unless given, 1000 at most", async () => {
    await fill(...Array.from({ length: 1001 }, (_, i) => String(i).padStart(4, "0")));
    assert.equal((await page()).entries.length, 100);
    assert.deepEqual(
      (await walk({ limit: "1000" })).map((keys) => keys.length),
      [1000, 1],
    );
    assert.deepEqual(
      (await walk({ limit: "400" })).map((keys) => keys.length),
      [400, 400, 201],
    );
    // A page that ends exactly with the last key is the last one.
    assert.deepEqual(
      (await walk({ limit: "7", prefix: "000" })).map((keys) => keys.length),
      [7, 3],
    );
    assert.deepEqual(
      (await walk({ limit: "10", prefix: "000" })).map((keys) => keys.length),
      [10],
    );
    for (const limit of ["0", "1001", "-1", "ten", "1.5", ""]) {
      expectProblem(await send(`GET /v1/kv/${ns}?limit=${limit}`), 400, "bad-parameter");
    }
  });

  it("list every key once that is there all the while, whatever changes in between", async () => {
    const steady = Array.from({ length: 60 }, (_, i) => `k${String(i * 2).padStart(3, "0")}`);
    await fill(...steady);
    let turn = 0;
    const pages = await walk({ limit: "7", prefix: "k" }, async () => {
      turn++;
      await fill(`k${String(turn * 10 + 1).padStart(3, "0")}`, "k000!", `k${String(turn).padStart(3, "0")}x`);
      // Also the key that the cursor stands on, and touching what is still to come.
      await send(`DELETE /v1/kv/${ns}/k000!`);
      await send(`PUT /v1/kv/${ns}/k118`, { body: String(turn) });
    });
    const listed = pages.flat();
    assert.deepEqual(listed, listed.toSorted(byBytes));
    assert.equal(new Set(listed).size, listed.length);
    assert.deepEqual(
      listed.filter((key) => steady.includes(key)),
      steady,
    );
  });

  it("go on from a cursor whose key was deleted", async () => {
    await fill("a", "b", "c");
    const { cursor } = await page({ limit: "2" });
    await send(`DELETE /v1/kv/${ns}/b`);
    assert.deepEqual(
      (await page({ cursor: cursor! })).entries.map(({ key }) => key),
      ["c"],
    );
  });

  it("hold at most 8 MiB of values; the rest are marked omitted", async () => {
    const body = Buffer.alloc(3 * 2 ** 20, "x");
    for (const key of ["a", "b", "c"]) await send(`PUT /v1/kv/${ns}/${key}`, { body });
    const { entries } = (await page({ values: "1" })) as unknown as {
      entries: { value?: string; omitted?: true; size: number }[];
    };
    assert.deepEqual(
      entries.map(({ value, omitted, size }) => [value?.length, omitted, size]),
      [
        [body.length, undefined, body.length],
        [body.length, undefined, body.length],
        [undefined, true, body.length],
      ],
    );
  });

  it("refuse cursors that are not theirs: forged, cut, of another list", async () => {
    await fill("a", "b", "c");
    const cursor = (await page({ limit: "1" })).cursor!;
    const other = await shared.api.namespace();
    for (const target of [
      `/v1/kv/${ns}?cursor=forged`,
      `/v1/kv/${ns}?cursor=${cursor.slice(0, -1)}`,
      `/v1/kv/${ns}?cursor=${cursor}A`,
      `/v1/kv/${ns}?cursor=${Buffer.from('["list"]').toString("base64url")}`,
      `/v1/kv/${ns}?cursor=${Buffer.from("[]").toString("base64url")}`,
      `/v1/kv/${ns}?cursor=${Buffer.from(JSON.stringify(["watch", "local", "x", 1, 1, 1])).toString("base64url")}`,
      `/v1/kv/${ns}?cursor=${cursor}&prefix=a`,
      `/v1/kv/${ns}?cursor=${cursor}&delimiter=/`,
      `/v1/kv/${other}?cursor=${cursor}`,
    ]) {
      expectProblem(await send(`GET ${target}`), 400, "bad-cursor");
    }
    expectProblem(await send(`GET /v1/kv/${ns}?cursor=${"A".repeat(2049)}`), 400, "bad-parameter");
    expectProblem(await send(`GET /v1/kv/${ns}?cursor=`), 400, "bad-parameter");
  });

  it("refuse parameters that cannot mean anything", async () => {
    for (const query of [
      "prefix=%00",
      `prefix=${"x".repeat(513)}`,
      `prefix=${encodeURIComponent("é".repeat(257))}`,
      "delimiter=",
      `delimiter=${"x".repeat(17)}`,
      "values=yes",
      "prefix=a&prefix=b",
      "start=a",
      "prefix=%ff",
    ]) {
      expectProblem(await send(`GET /v1/kv/${ns}?${query}`), 400, "bad-parameter");
    }
  });

  it("bind a session to what they did not find, too: it stays gone in every process", async () => {
    shared.clock.stop();
    const beside = await startBeside({});
    const other = new Api(beside.url);
    try {
      await fill("a");
      const path = `/v1/kv/${ns}/a`;
      assert.equal((await other.send(`GET ${path}`)).status, 200);
      await send(`DELETE ${path}`);
      const { json, headers } = await send(`GET /v1/kv/${ns}`);
      assert.deepEqual(json.entries, []);
      const session = { "KV-Session": String(headers["kv-session"]) };
      expectProblem(await other.send(`GET ${path}`, { headers: session }), 404, "not-found");
    } finally {
      other.close();
      await beside.close();
    }
  });

  describe("deleted by prefix", () => {
    it("are gone, with progress and their number; other keys stay", async () => {
      await fill(...Array.from({ length: 1500 }, (_, i) => `old/${i}`), "new/1", "old");
      const answer = await send(`DELETE /v1/kv/${ns}?prefix=old/`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/jsonl");
      assert.deepEqual(
        answer.lines.map(({ type, deleted }) => [type, deleted]),
        [
          ["progress", 1000],
          ["end", 1500],
        ],
      );
      assert.deepEqual(
        (await page()).entries.map(({ key }) => key),
        ["new/1", "old"],
      );
      const [again, ...more] = (await send(`DELETE /v1/kv/${ns}?prefix=old/`)).lines;
      assert.deepEqual([again.type, again.deleted, more], ["end", 0, []]);
    });

    it("are gone for a session that goes on in another process, which has them in its memory", async () => {
      shared.clock.stop();
      const beside = await startBeside({});
      const other = new Api(beside.url);
      try {
        await fill("old/1", "old/2");
        for (const key of ["old/1", "old/2"]) assert.equal((await other.send(`GET /v1/kv/${ns}/${key}`)).status, 200);
        const { lines } = await send(`DELETE /v1/kv/${ns}?prefix=old/`);
        assert.equal((await other.send(`GET /v1/kv/${ns}/old/1`)).status, 200, "without a session it may lag behind");
        const headers = { "KV-Session": lines.at(-1).session };
        for (const key of ["old/1", "old/2"])
          expectProblem(await other.send(`GET /v1/kv/${ns}/${key}`, { headers }), 404, "not-found");
      } finally {
        other.close();
        await beside.close();
      }
    });

    it("take no conditions and no Idempotency-Key, and say what to do instead", async () => {
      await fill("old/1");
      for (const name of ["If-Match", "If-None-Match", "Idempotency-Key"]) {
        const { detail } = expectProblem(
          await send(`DELETE /v1/kv/${ns}?prefix=old/`, { headers: { [name]: "*" } }),
          400,
          "bad-parameter",
        );
        assert.match(String(detail), new RegExp(`${name.toLowerCase()}: .`));
      }
      assert.equal((await send(`GET /v1/kv/${ns}/old/1`)).status, 200);
    });

    it("want a prefix", async () => {
      expectProblem(await send(`DELETE /v1/kv/${ns}`), 400, "bad-parameter");
      expectProblem(await send(`DELETE /v1/kv/${ns}?prefix=`), 400, "bad-parameter");
    });
  });
});
