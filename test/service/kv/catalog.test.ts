import assert from "node:assert/strict";
import fc from "fast-check";
import { type CatalogRow, catalogDigest, compareRows, mergeRows } from "../../../service/kv/catalog.ts";
import { keyRow, namespaceRow, versionsOfARow } from "../../support/catalog-rows.ts";

const merged = (rows: readonly CatalogRow[]) => rows.reduce((a, b) => mergeRows(a, b));

describe("merging rows of the catalog", () => {
  it("comes to the same in any order and any grouping, however often a row comes", () => {
    fc.assert(
      fc.property(versionsOfARow, fc.nat(3), (rows, at) => {
        const expected = merged(rows);
        assert.deepEqual(merged(rows.toReversed()), expected);
        assert.deepEqual(merged([...rows, ...rows]), expected);
        const [first, second] = [rows.slice(0, at + 1), rows.slice(at + 1)];
        if (second.length > 0) assert.deepEqual(mergeRows(merged(first), merged(second)), expected);
      }),
    );
  });

  it("keeps a key revoked from the first time on, whatever is newer", () => {
    fc.assert(
      fc.property(keyRow, keyRow, (a, b) => {
        const times = [a.revokedAt, b.revokedAt].filter((at) => at !== null);
        assert.equal(mergeRows(a, b).revokedAt, times.length === 0 ? null : Math.min(...times));
      }),
    );
  });

  it("keeps what a deletion hides hidden, whatever is newer", () => {
    fc.assert(
      fc.property(namespaceRow, namespaceRow, (a, b) => {
        assert.equal(mergeRows(a, b).epoch, a.epoch > b.epoch ? a.epoch : b.epoch);
      }),
    );
  });

  it("keeps the home of the latest move, whatever is newer", () => {
    fc.assert(
      fc.property(namespaceRow, namespaceRow, (a, b) => {
        fc.pre(a.homeEpoch > b.homeEpoch);
        for (const { home, movingTo, homeEpoch } of [mergeRows(a, b), mergeRows(b, a)])
          assert.deepEqual([home, movingTo, homeEpoch], [a.home, a.movingTo, a.homeEpoch]);
      }),
    );
  });

  it("lets any edit win over what a cloud made by itself", () => {
    fc.assert(
      fc.property(namespaceRow, namespaceRow, (a, b) => {
        fc.pre(a.time === 0n && b.time > 0n);
        assert.deepEqual(mergeRows(a, b).settings, b.settings);
        assert.deepEqual(mergeRows(b, a).settings, b.settings);
      }),
    );
  });

  it("changes the digest, and nothing else does", () => {
    fc.assert(
      fc.property(versionsOfARow, fc.nat(3), (rows, at) => {
        const [a, b] = [rows[0]!, rows[at % rows.length]!];
        const isSame = compareRows(a, b) === 0 && a.origin === b.origin && a.createdAt === b.createdAt;
        assert.equal(catalogDigest([a]) === catalogDigest([b]), isSame && grows(a) === grows(b));
      }),
    );
  });
});

function grows(row: CatalogRow): string {
  if (row.kind === "key") return String(row.revokedAt);
  return `${row.epoch} ${row.homeEpoch} ${row.home} ${row.movingTo}`;
}
