import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { expectProblem, sharedService } from "./support.ts";

describe("bytes", () => {
  const shared = sharedService();
  let ns: string;
  before(async () => {
    ns = await shared.api.namespace();
  });

  async function roundTrip(target: string, body: Buffer, headers: Record<string, string> = {}): Promise<void> {
    const put = await shared.api.send(`PUT ${target}`, { body, headers });
    assert.ok(put.status === 200 || put.status === 201, put.text);
    for (const consistency of ["cached", "local"]) {
      const got = await shared.api.send(`GET ${target}`, { headers: { "KV-Consistency": consistency } });
      assert.equal(got.status, 200);
      assert.ok(got.body.equals(body), `${got.body.length} bytes came back, ${body.length} were sent`);
      for (const [name, value] of Object.entries(headers)) assert.equal(got.headers[name.toLowerCase()], value);
    }
  }

  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  for (const [what, body] of [
    ["no byte", Buffer.alloc(0)],
    ["one byte", Buffer.from([0])],
    ["every byte value", everyByte],
    ["text that looks like JSON", Buffer.from('{"n":12345678901234567890}\n')],
    ["broken UTF-8", Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80])],
    ["64 KiB, the last size that is read together with others", randomBytes(64 * 1024)],
    ["one byte more, the first that is read by itself", randomBytes(64 * 1024 + 1)],
    ["1 MiB, the last size that is kept in the database", randomBytes(2 ** 20)],
    ["one byte more, the first that is kept as a blob", randomBytes(2 ** 20 + 1)],
  ] as const) {
    it(`a value of ${what} comes back as it was sent`, () => roundTrip(`/v1/kv/${ns}/value`, body));
  }

  it("a value that is sent in chunks, without its length, comes back whole", async () => {
    const part = randomBytes(70_000);
    async function* parts() {
      for (let i = 0; i < 30; i++) yield part;
    }
    assert.equal((await shared.api.send(`PUT /v1/kv/${ns}/chunks`, { body: parts() })).status, 201);
    const got = await shared.api.send(`GET /v1/kv/${ns}/chunks`);
    assert.ok(got.body.equals(Buffer.concat(Array(30).fill(part))));
  });

  it("25 MiB come back as they were sent, in whole and in part", async () => {
    const body = randomBytes(25 * 2 ** 20);
    await roundTrip(`/v1/kv/${ns}/large`, body);
    const part = await shared.api.send(`GET /v1/kv/${ns}/large`, { headers: { Range: "bytes=20000000-20000099" } });
    assert.equal(part.headers["content-range"], `bytes 20000000-20000099/${body.length}`);
    assert.ok(part.body.equals(body.subarray(20_000_000, 20_000_100)));
    const head = await shared.api.send(`HEAD /v1/kv/${ns}/large`);
    assert.equal(head.headers["content-length"], String(body.length));
  });

  it("a large value that changes while it is read is read to its end as it was", async () => {
    const [old, young] = [randomBytes(8 * 2 ** 20), randomBytes(8 * 2 ** 20)];
    await shared.api.send(`PUT /v1/kv/${ns}/changing`, { body: old });
    const hash = createHash("sha256");
    await new Promise<void>((resolve, reject) => {
      const headers = { Authorization: `Bearer ${shared.service.adminKey}` };
      const asking = request(`${shared.service.url}/v1/kv/${ns}/changing`, { headers }, async (response) => {
        await shared.api.send(`PUT /v1/kv/${ns}/changing`, { body: young });
        response
          .on("data", (chunk) => hash.update(chunk))
          .on("end", resolve)
          .on("error", reject);
      });
      asking.on("error", reject).end();
    });
    assert.equal(hash.digest("hex"), createHash("sha256").update(old).digest("hex"));
    assert.ok((await shared.api.send(`GET /v1/kv/${ns}/changing`)).body.equals(young));
  });

  for (const type of [
    "text/plain",
    "application/json; charset=utf-8",
    'multipart/form-data; boundary="--x y"',
    "application/x-www-form-urlencoded",
    "application/jsonl",
    'x/y;a="b\\"c"',
    "not a type at all",
    "a".repeat(255),
  ]) {
    it(`the content type ${type.slice(0, 40)} is kept as it is`, () =>
      roundTrip(`/v1/kv/${ns}/typed`, everyByte, { "Content-Type": type, "Content-Encoding": "x-own, gzip" }));
  }

  describe("in keys", () => {
    const keys = [
      ["a/b/c", "/a/b/c"],
      ["a/b", "/a%2Fb"],
      ["a/b", "/a%2fb"],
      ["/leading", "//leading"],
      ["trailing/", "/trailing/"],
      ["a//b", "/a//b"],
      [".", "/."],
      ["..", "/.."],
      ["../../etc/passwd", "/../../etc/passwd"],
      ["a/./b/../c", "/a/./b/../c"],
      ["..", "/%2e%2E"],
      ["100%", "/100%25"],
      ["%41", "/%2541"],
      ["a b", "/a%20b"],
      ["a+b", "/a+b"],
      ["?query#hash", "/%3Fquery%23hash"],
      ["a&b=c;d", "/a&b=c;d"],
      ["a:touch", "/a:touch"],
      ["a:batch", "/a:batch"],
      ["a\nb\r\t\u0001\u007f", "/a%0Ab%0D%09%01%7F"],
      ["éß漢字", `/${encodeURIComponent("éß漢字")}`],
      ["🦆👨‍👩‍👧", `/${encodeURIComponent("🦆👨‍👩‍👧")}`],
      ["é", `/${encodeURIComponent("é")}`],
      ["\u{10ffff}\ufffd\uffff", `/${encodeURIComponent("\u{10ffff}\ufffd\uffff")}`],
      ["\\\"'<>^`{|}", "/\\\"'<>^`{|}"],
    ] as const;
    for (const [key, path] of keys) {
      it(`${path} names ${JSON.stringify(key)}`, async () => {
        const own = await shared.api.namespace();
        await roundTrip(`/v1/kv/${own}${path}`, Buffer.from(key));
        const { entries } = (await shared.api.send(`GET /v1/kv/${own}`)).json;
        assert.deepEqual(
          entries.map((entry: { key: string }) => entry.key),
          [key],
        );
        const read = await shared.api.send(`POST /v1/kv/${own}:batch`, { json: { operations: [{ op: "get", key }] } });
        assert.equal(read.json.results[0].entry.value, key);
        assert.equal((await shared.api.send(`DELETE /v1/kv/${own}${path}`)).status, 204);
        assert.deepEqual((await shared.api.send(`GET /v1/kv/${own}`)).json.entries, []);
      });
    }

    it("composed and decomposed letters are different keys: nothing is normalised", async () => {
      await shared.api.send(`PUT /v1/kv/${ns}/${encodeURIComponent("\u00e9")}`, { body: "composed" });
      await shared.api.send(`PUT /v1/kv/${ns}/${encodeURIComponent("e\u0301")}`, { body: "decomposed" });
      assert.equal((await shared.api.send(`GET /v1/kv/${ns}/${encodeURIComponent("\u00e9")}`)).text, "composed");
    });

    it("an action is a literal verb at the end of a POST; %3A is a colon of the key", async () => {
      const own = await shared.api.namespace();
      for (const key of ["a", "a:touch", "a:increment"])
        await shared.api.send(`PUT /v1/kv/${own}/${key}`, { body: key });
      const touched = await shared.api.send(`POST /v1/kv/${own}/a:touch:touch?ttl=60`);
      assert.equal(touched.status, 200);
      const { entries } = (await shared.api.send(`GET /v1/kv/${own}`)).json;
      assert.deepEqual(
        entries.map(({ key, expires_at }: { key: string; expires_at: string | null }) => [key, expires_at !== null]),
        [
          ["a", false],
          ["a:increment", false],
          ["a:touch", true],
        ],
      );
      expectProblem(await shared.api.send(`POST /v1/kv/${own}/a%3Atouch`), 405, "method-not-allowed");
      expectProblem(await shared.api.send(`POST /v1/kv/${own}/a:delete`), 405, "method-not-allowed");
    });

    it("512 bytes of UTF-8 are the most", async () => {
      const duck = encodeURIComponent("🦆");
      await roundTrip(`/v1/kv/${ns}/${duck.repeat(128)}`, Buffer.from("x"));
      await roundTrip(`/v1/kv/${ns}/${"k".repeat(512)}`, Buffer.from("x"));
      for (const [path, actual] of [
        [`${duck.repeat(128)}a`, 513],
        ["k".repeat(513), 513],
        [duck.repeat(400), 1600],
      ] as const) {
        const { limit, actual: told } = expectProblem(
          await shared.api.send(`PUT /v1/kv/${ns}/${path}`),
          414,
          "key-too-long",
        );
        assert.deepEqual([limit, told], [512, actual]);
      }
    });
  });
});
