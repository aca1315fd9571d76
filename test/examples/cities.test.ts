import assert from "node:assert/strict";
import { SkyKV, type ValueEntry } from "../../client/client.ts";
import { cities } from "../../examples/cities/cities.ts";
import { compare } from "../../examples/cities/compare.ts";
import { type Summary, tour } from "../../examples/cities/tour.ts";
import { isLong } from "../support/length.ts";
import { startTestService, type TestService } from "../support/service.ts";

/** All of the data set where time does not matter; elsewhere every eighth record, which is from every large country. */
const records = isLong ? cities : cities.filter((_, i) => i % 8 === 0);

describe("the example on the world's cities", () => {
  let service: TestService;
  let summary: Summary;
  let committed = 0;

  before(async function () {
    this.timeout(120_000);
    service = await startTestService();
    summary = await tour({
      kv: new SkyKV({ url: service.url, key: service.adminKey }),
      cities: records,
      say: () => {},
      onImported: (records) => {
        committed = records;
      },
    });
  });

  after(() => service?.close());

  it("has more than 100,000 records", () => {
    assert.ok(cities.length > 100_000);
  });

  it("imports them all and says how far it is", () => {
    assert.equal(summary.imported, records.length);
    assert.equal(committed, records.length);
  });

  it("lists the countries as folders", () => {
    assert.equal(summary.countries, new Set(records.map(({ country }) => country)).size);
  });

  it("lets two visitors at once count without losing one", () => {
    assert.ok(summary.conflicts >= 1);
    assert.ok(summary.conflicts <= summary.visits);
  });

  it("watches every city of the import and its last state", () => {
    assert.ok(summary.events >= summary.visits / 2);
  });

  it("leaves the namespace with exactly these entries", async () => {
    const kv = new SkyKV({ url: service.url, key: service.adminKey });
    const { entries, bytes } = await kv.namespaces.get("cities");
    assert.deepEqual({ entries, bytes }, { entries: records.length, bytes: summary.exportedBytes });
  });

  it("can be taken again over what an earlier one left", async function () {
    this.timeout(60_000);
    const kv = new SkyKV({ url: service.url, key: service.adminKey });
    const some = records.filter(({ country }) => country === "NL" || country === "BE");
    const again = await tour({ kv, cities: some, say: () => {} });
    assert.equal(again.imported, some.length);
    assert.equal(again.countries, 2);
  });
});

describe("comparing an export", () => {
  const expected = new Map([
    ["a", "1"],
    ["b", "2"],
  ]);
  const given = (...entries: readonly (readonly [key: string, value: string])[]) =>
    compare(
      expected,
      (async function* () {
        for (const [key, value] of entries) yield { key, value: new TextEncoder().encode(value) } as ValueEntry;
      })(),
    );

  it("takes what is equal", async () => {
    assert.equal(await given(["a", "1"], ["b", "2"]), 2);
  });

  it("finds a value that differs, an entry too few, one too many and the wrong order", async () => {
    await assert.rejects(given(["a", "1"], ["b", "3"]), /expected 2 in b of the export, found 3/);
    await assert.rejects(given(["a", "1"]), /expected 2 entries in the export, found 1/);
    await assert.rejects(given(["a", "1"], ["b", "2"], ["c", "3"]), /expected no entry c in the export/);
    await assert.rejects(given(["b", "2"], ["a", "1"]), /expected a before b in the export/);
  });
});
