import assert from "node:assert/strict";
import { HybridClock } from "../../../service/kv/clock.ts";
import { Reader } from "../../../service/store/reader.ts";
import { Writer } from "../../../service/store/writer.ts";
import { MemoryDatabase } from "../../support/memory/database.ts";
import { memoryStore } from "../../support/memory/store.ts";

/** A writer that asks for the namespace finds this home epoch. */
function writerUnder(homeEpoch: bigint): Writer {
  const store = memoryStore(new MemoryDatabase(), "aws") as never;
  return new Writer({
    store,
    reader: new Reader(store),
    clock: new HybridClock(Date.now),
    now: Date.now,
    monotonic: () => performance.now(),
    timeout: 5000,
    namespaceNow: async () => ({ epoch: 0n, homeEpoch }),
    checkClock: () => {},
    onCommitted: () => {},
  });
}

describe("the writer, of a namespace with a home", () => {
  const conditions = { ifMatch: ["of an earlier state"], ifNoneMatch: null };
  const step = { path: "default/k", epoch: 0n, homeEpoch: 1n, operation: { kind: "delete" as const, conditions } };
  const request = { steps: [step], allOrNothing: true, receipt: null };

  it("refuses by what it has read, while this is the home", async () => {
    const { results } = await writerUnder(1n).write(request);
    assert.equal(results[0]!.ok, false);
  });

  it("does not refuse by what another cloud may have replaced since it became the home", async () => {
    await assert.rejects(writerUnder(2n).write(request), { name: "HomeMovedError" });
  });
});
