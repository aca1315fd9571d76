import assert from "node:assert/strict";
import fc from "fast-check";
import { fromJson, fromJsonLines, fromTar, type RecordOptions } from "../../../client/cli/sources.ts";

const whole: RecordOptions = { keyFields: [], keyPrefix: "" };

/** The bytes in pieces of the given sizes, the last one repeated. */
async function* pieces(bytes: Uint8Array, sizes: readonly number[] = [bytes.length || 1]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function texts(units: AsyncIterable<Uint8Array>): Promise<string[]> {
  const taken: string[] = [];
  for await (const unit of units) taken.push(Buffer.from(unit).toString());
  return taken;
}

const json = (text: string, options = whole, sizes?: number[]) =>
  texts(fromJson(pieces(Buffer.from(text), sizes), options));
const lines = (text: string, options = whole, sizes?: number[]) =>
  texts(fromJsonLines(pieces(Buffer.from(text), sizes), options));

describe("client/cli: sources of an import", () => {
  it("passes lines on as they are, whatever the chunks, and leaves blank ones out", async () => {
    const text = '{"key":"ü","value":"1"}\r\n\n  \n{"key":"b","value":"2"}';
    const expected = ['{"key":"ü","value":"1"}\r\n', '{"key":"b","value":"2"}\n'];
    for (const size of [1, 2, 7, 100]) assert.deepEqual(await lines(text, whole, [size]), expected);
  });

  it("takes records of any JSON apart at their borders, whatever the chunks", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    const spaces = fc.constantFrom(undefined, 1, "\t");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ id: fc.string({ minLength: 1, unit: "binary" }), more: fc.jsonValue() })),
        spaces,
        sizes,
        async (records, space, sizes) => {
          const found = await json(
            ` ${JSON.stringify(records, null, space)}\n`,
            { keyFields: ["id"], keyPrefix: "p/" },
            sizes,
          );
          assert.deepEqual(
            found.map((line) => JSON.parse(line)).map(({ key, value }) => [key, JSON.parse(value)]),
            JSON.parse(JSON.stringify(records)).map((record: { id: string }) => [`p/${record.id}`, record]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("takes the members of an object for records, under their names", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ minLength: 1, unit: "binary" }), fc.jsonValue()),
        fc.integer({ min: 1, max: 50 }),
        async (members, size) => {
          const found = (await json(JSON.stringify(members), whole, [size])).map((line) => JSON.parse(line));
          assert.deepEqual(
            found.map(({ key, value }) => [key, JSON.parse(value)]),
            Object.entries(JSON.parse(JSON.stringify(members))),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("keeps the text of a record, so that no number loses a digit", async () => {
    const record = '{"id": "a", "n": 12345678901234567890, "x": 1.10}';
    assert.equal(JSON.parse((await json(`[${record}]`, { keyFields: ["id"], keyPrefix: "" }))[0]!).value, record);
    assert.equal(JSON.parse((await lines(record, { keyFields: ["id"], keyPrefix: "" }))[0]!).value, record);
  });

  it("joins key fields, and refuses keys that would not be exact or are not there", async () => {
    const options = { keyFields: ["country", "id"], keyPrefix: "" };
    assert.equal(JSON.parse((await json('[{"country":"de","id":7}]', options))[0]!).key, "de/7");
    await assert.rejects(json('[{"country":"de","id":12345678901234567890}]', options), /record 1.*field id.*exactly/);
    await assert.rejects(json('[{"country":"de"}]', options), /record 1.*field id, found nothing/);
    await assert.rejects(lines('\n{"country":{}}', options), /line 1.*field country, found \{\}/);
  });

  it("passes records of key and value on, and says what is missing in others", async () => {
    assert.deepEqual(await json('[{"key": "a",\n "value": "1"}]'), ['{"key": "a",  "value": "1"}\n']);
    assert.deepEqual(JSON.parse((await json('[{"key":"a","value":"1"}]', { keyFields: [], keyPrefix: "p/" }))[0]!), {
      key: "p/a",
      value: "1",
    });
    await assert.rejects(json('[{"id": 1}]'), /record 1 has no key.*--key-field/);
  });

  it("says where a document is not one", async () => {
    for (const [text, error] of [
      ["", /ends within/],
      ["[1", /ends within/],
      ['"text"', /array or object/],
      ["[1,,2]", /has no key|before a comma/],
      ["[] x", /end of the file/],
      ['{"a" 1}', /colon/],
      ['{"a":}', /value for "a"/],
      ['{"a":tru}', /record 1 is not JSON/],
      ["{1:2}", /name in quotes/],
    ] as const) {
      await assert.rejects(json(text), error, text);
    }
    assert.deepEqual(await json("[]"), []);
    assert.deepEqual(await json(" { } "), []);
  });

  it("takes a tar archive apart into members with their headers", async () => {
    const header = (name: string, size: number, type: string) => {
      const block = Buffer.alloc(512);
      block.write(name, 0);
      block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
      block.write(type, 156);
      block.write("ustar", 257);
      return block;
    };
    const padded = (text: string) =>
      Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
    const members = [
      [header("a", 3, "0"), padded("one")],
      [header("pax", 16, "x"), padded("16 path=long/er\n"), header("b", 700, "0"), padded("x".repeat(700))],
      [header("empty", 0, "0")],
    ].map((parts) => Buffer.concat(parts));
    const archive = Buffer.concat([...members, Buffer.alloc(10_240)]);
    for (const size of [100, 512, 1000, 100_000]) {
      const units: Buffer[] = [];
      for await (const unit of fromTar(pieces(archive, [size]))) units.push(Buffer.from(unit));
      assert.deepEqual(units, members);
    }
    await assert.rejects(texts(fromTar(pieces(archive.subarray(0, 1500)))), /is cut/);
    await assert.rejects(texts(fromTar(pieces(archive.subarray(0, 700)))), /within a member/);
    await assert.rejects(texts(fromTar(pieces(Buffer.alloc(600, "x")))), /expected a tar archive/);
  });
});
