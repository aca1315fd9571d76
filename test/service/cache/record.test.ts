import assert from "node:assert/strict";
import fc from "fast-check";
import type { CacheRecord } from "../../../service/cache/port.ts";
import { decodeRecord, encodeRecord, maxBodyBytes, orderBytes } from "../../../service/cache/record.ts";
import type { Entry } from "../../../service/kv/entry.ts";

const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const origin = fc.stringMatching(/^[a-z0-9-]{1,32}$/);
const plain = { noNullPrototype: true };
const version = fc.record({ time, origin }, plain);
const seen = fc.dictionary(origin, time, { maxKeys: 4, ...plain });
const integer = fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const natural = fc.maxSafeNat();
const text = fc.option(fc.string({ unit: "grapheme" }));

const value = fc.record(
  {
    kind: fc.constant("value" as const),
    version,
    seen,
    body: fc.option(fc.uint8Array({ maxLength: 2000 })),
    blob: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
    size: natural,
    contentType: text,
    contentEncoding: text,
    meta: text,
    expiresAt: fc.option(natural),
  },
  plain,
);
const tombstone = fc.record({ kind: fc.constant("tombstone" as const), version, seen }, plain);
const cells = fc.dictionary(origin, fc.record({ time, sum: integer }, plain), { maxKeys: 4, ...plain });
const counter = fc.record({ kind: fc.constant("counter" as const), version, seen, epoch: version, cells }, plain);
const entry: fc.Arbitrary<Entry> = fc.oneof(value, tombstone, counter);

const mark = fc.record({ since: natural, transaction: natural }, plain);
const marks = fc.dictionary(origin, mark, { maxKeys: 3, ...plain });
const sometimes = { requiredKeys: ["entry", "changed"] as ("entry" | "changed")[], ...plain };

const record: fc.Arbitrary<CacheRecord> = fc.record(
  {
    path: fc.constant("ns/key"),
    stored: fc.option(fc.record({ entry, changed: natural, marks }, sometimes)),
    readAt: fc.nat(2 ** 45),
    horizon: natural,
    complete: marks,
  },
  { requiredKeys: ["path", "stored", "readAt", "horizon"], ...plain },
);

const orderOf = (record: CacheRecord) => encodeRecord(record).toString("latin1", 0, orderBytes);
const at = (time: bigint, readAt = 0): CacheRecord => ({
  path: "ns/key",
  stored: { changed: 1, entry: { kind: "tombstone", version: { time, origin: "local" }, seen: {} } },
  readAt,
  horizon: 1,
});

describe("records of the shared cache", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(record, (record) => assert.deepEqual(decodeRecord(record.path, encodeRecord(record)), record)),
    );
  });

  it("are read as earlier by less than a millisecond where the clock says fractions", () => {
    const record = { ...at(1n), readAt: 1_795_300_581_552.75 };
    assert.equal(decodeRecord("ns/key", encodeRecord(record))!.readAt, 1_795_300_581_552);
  });

  it("sort by version, and those of one version by the time of reading", () => {
    fc.assert(
      fc.property(time, time, fc.nat(2 ** 45), fc.nat(2 ** 45), (a, b, readA, readB) => {
        const newer = a !== b ? a > b : readA > readB;
        assert.equal(orderOf(at(a, readA)) > orderOf(at(b, readB)), newer);
      }),
    );
  });

  it("sort by epoch first, since a later epoch wins over cells that are newer than it", () => {
    const version = { time: 9n, origin: "local" };
    const epoch = { time: 2n, origin: "local" };
    const counter: Entry = { kind: "counter", version, seen: {}, epoch, cells: {} };
    const counted: CacheRecord = { path: "ns/key", stored: { entry: counter, changed: 1 }, readAt: 5, horizon: 1 };
    assert.ok(orderOf(counted) < orderOf(at(3n)));
    assert.ok(orderOf(counted) > orderOf(at(2n)));
  });

  it("sort before all others when there was no row", () => {
    const none = { path: "ns/key", stored: null, readAt: 2 ** 45, horizon: 1 };
    assert.ok(orderOf(none) < orderOf(at(1n)));
  });

  it("leave out a body that is too large, and are misses then", () => {
    const large = (bytes: number): CacheRecord => {
      const version = { time: 7n, origin: "local" };
      const facts = { contentType: null, contentEncoding: null, meta: null, expiresAt: null };
      const body = new Uint8Array(bytes);
      const entry: Entry = { kind: "value", version, seen: {}, body, blob: null, size: bytes, ...facts };
      return { path: "ns/key", stored: { entry, changed: 1 }, readAt: 1, horizon: 1 };
    };
    assert.ok(decodeRecord("ns/key", encodeRecord(large(maxBodyBytes))));
    const withheld = encodeRecord(large(maxBodyBytes + 1));
    assert.ok(withheld.length < 100);
    assert.equal(decodeRecord("ns/key", withheld), undefined);
    assert.equal(withheld.toString("latin1", 0, orderBytes), orderOf(at(7n, 1)));
  });

  it("are misses when another release wrote them or they are damaged", () => {
    const bytes = encodeRecord(at(1n));
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeRecord("ns/key", bytes.subarray(0, length)), undefined);
    }
    bytes[orderBytes]! += 1;
    assert.equal(decodeRecord("ns/key", bytes), undefined);
  });
});
