import assert from "node:assert/strict";
import { openPostgres } from "../../../service/store/postgres/store.ts";
import { startScratchPostgres } from "../../support/scratch.ts";
import { storeContract } from "../../support/store-contract.ts";

describe("the embedded PostgreSQL", () => {
  const scratch = startScratchPostgres();
  describe("as a store", () => storeContract(scratch.url));

  // Statements are prepared once, and this table may grow to any size before it is analysed again.
  it("finds keys by the index even while the table is so small that reading all of it would be cheaper", async () => {
    const options = { url: scratch.url(), origin: "local", timeout: 5000, onTrouble: () => {}, now: Date.now };
    const { others, close } = await openPostgres(options);
    try {
      await others.query(undefined, "create table small (like entries including all)");
      await others.query(
        undefined,
        "insert into small (path, hlc, origin, changed, kind) select i, 1, 'local', '1', 't' from generate_series(1, 20) i",
      );
      await others.query(undefined, "analyze small");
      const plan = await others.query(undefined, "explain select kind from small where path = any($1::text[])", [
        ["1", "2"],
      ]);
      assert.match(plan.join("\n"), /Index/);
      assert.doesNotMatch(plan.join("\n"), /Seq Scan/);
    } finally {
      await others.query(undefined, "drop table if exists small");
      await close();
    }
  });
});
