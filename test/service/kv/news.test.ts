import assert from "node:assert/strict";
import { type Cell, type Counter, type Entry, epochOf } from "../../../service/kv/entry.ts";
import { merge, newestCell } from "../../../service/kv/merge.ts";
import { isNews } from "../../../service/kv/news.ts";
import { zeroVersion } from "../../../service/kv/version.ts";

const cell = (time: bigint, sum = 1): Cell => ({ time, sum });
function counter(cells: Readonly<Record<string, Cell>>, epoch = zeroVersion): Counter {
  return { kind: "counter", version: newestCell(cells), seen: {}, epoch, cells };
}
const deleted = (time: bigint): Entry => ({ kind: "tombstone", version: { time, origin: "gcp" }, seen: {} });

describe("a watcher is told", () => {
  it("that a counter got an older cell from another cloud", () => {
    const last = counter({ aws: cell(9n) });
    const entry = merge(last, counter({ gcp: cell(5n) }))!;
    assert.ok(isNews(last, entry));
    assert.ok(!isNews(entry, last) && !isNews(entry, entry));
  });

  it("that a counter was deleted by somebody who had not seen its last increment", () => {
    const last = counter({ aws: cell(9n) }, { time: 1n, origin: "aws" });
    const entry = merge(last, deleted(5n))!;
    assert.equal(entry.kind, "tombstone");
    assert.ok(isNews(last, entry));
  });

  it("of a counter that was born after the deletion, also once that is forgotten", () => {
    const last = deleted(5n);
    assert.ok(isNews(last, counter({ aws: cell(9n) }, epochOf(last))));
    assert.ok(isNews(last, counter({ aws: cell(9n) })));
    assert.ok(!isNews(last, counter({ aws: cell(4n) })));
    // Somebody added to it who did not know of the deletion yet.
    assert.ok(!isNews(last, counter({ aws: cell(4n), azure: cell(7n) })));
  });

  it("nothing of a counter's earlier life, though its cells were newer than the deletion", () => {
    const last = counter({ aws: cell(9n) }, { time: 5n, origin: "aws" });
    const before = counter({ gcp: cell(7n) }, { time: 3n, origin: "gcp" });
    assert.ok(isNews(before, last));
    assert.ok(!isNews(last, before));
  });

  it("nothing of an earlier life that began over nothing, and all of a later one that says the same", () => {
    const last = counter({ aws: cell(9n) }, { time: 7n, origin: "aws" });
    const before = counter({ aws: cell(2n), gcp: cell(6n, 3) });
    assert.ok(isNews(before, last));
    assert.ok(!isNews(last, before));
    assert.ok(isNews(last, counter({ gcp: cell(20n) })));
  });

  it("of a life whose only cell is older than one that its cloud added to the life before", () => {
    const before = counter({ aws: cell(2n), gcp: cell(9n, 3) });
    const entry = counter({ gcp: cell(8n) }, { time: 7n, origin: "azure" });
    assert.ok(isNews(before, entry));
    assert.ok(!isNews(entry, before));
  });

  it("of an increment, though the epoch of its counter is forgotten meanwhile", () => {
    const last = counter({ aws: cell(9n) }, { time: 5n, origin: "gcp" });
    assert.ok(isNews(last, counter({ aws: cell(10n, 2) })));
  });
});
