import assert from "node:assert/strict";
import { sharedService } from "./support.ts";

describe("entries", () => {
  const shared = sharedService();
  it("are there", async () => {
    const { api } = shared;
    const ns = await api.namespace();
    const put = await api.send(`PUT /v1/kv/${ns}/a`, { body: "x" });
    console.log(put.status, put.headers);
    const get = await api.send(`GET /v1/kv/${ns}/a`);
    console.log(get.status, get.headers);
    assert.equal(get.text, "x");
  });
});
