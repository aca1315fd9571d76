import { startScratchPostgres } from "../../support/scratch.ts";
import { storeContract } from "../../support/store-contract.ts";

describe("the embedded PostgreSQL", () => {
  const scratch = startScratchPostgres();
  describe("as a store", () => storeContract(scratch.url));
});
