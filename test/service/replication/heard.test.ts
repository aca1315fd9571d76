import assert from "node:assert/strict";
import type { Io } from "../../../service/replication/io.ts";
import { Replication } from "../../../service/replication/replication.ts";

const self = { incarnation: "i", incarnatedAt: 0, floor: 0n, confirmed: 0n, recovering: false };
/** A database that knows nothing and never says no. */
const store = new Proxy({} as Io["store"], {
  get: (_, method) => async () => (method === "members" ? { self, peers: [] } : method === "identity" ? self : []),
});
const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

describe("a cloud whose peers cannot be reached", () => {
  it("leaves them alone for a while, but tries one again at once that speaks", async () => {
    const called: string[] = [];
    const replication = new Replication({
      peers: ["gcp", "azure"],
      floorAge: 0,
      floorInterval: 0,
      statementTimeout: 0,
      repairInterval: 0,
      io: {
        store,
        link: {
          call: (peer: string) => {
            called.push(peer);
            return Promise.reject(new Error("nobody is there"));
          },
        },
        hints: { listen: () => () => {} },
        // Time stands still: pauses end only when something ends them.
        now: () => 0,
        monotonic: () => 0,
        random: () => 0.5,
        sleep: () => new Promise(setImmediate),
        process: "p",
        onApplied: () => {},
        onEvent: () => {},
      } as unknown as Io,
    });
    replication.start();
    try {
      await turns();
      assert.deepEqual(called.toSorted(), ["azure", "gcp"]);
      await replication.receive("gcp", new Uint8Array()).catch(() => {});
      await turns();
      assert.deepEqual(called.slice(2), ["gcp"]);
    } finally {
      await replication.stop();
    }
  });
});
