import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { guide } from "../../../infra/policies/guide/guide.ts";
import { repositoryFile } from "../support/sdks.ts";

describe("the guide to the policies", () => {
  it("is up to date: npm run policies:docs writes it", async () => {
    assert.equal(await readFile(repositoryFile("docs/policies.md"), "utf8"), guide());
  });
});
