import { storeContract } from "../support/store-contract.ts";
import { startSystemPostgres, systemPostgres } from "../support/system-postgres.ts";

describe("the system's PostgreSQL", () => {
  let server: Awaited<ReturnType<typeof startSystemPostgres>>;
  const bin = systemPostgres();
  before(async function () {
    if (bin === null) {
      if (process.env.CI) throw new Error("PostgreSQL is missing: apt-get install postgresql");
      console.log("    skipped: apt-get install postgresql brings the server");
      this.skip();
    }
    server = await startSystemPostgres(bin);
  });
  after(() => server?.stop());

  describe("as a store", () => storeContract(() => server.url));
});
