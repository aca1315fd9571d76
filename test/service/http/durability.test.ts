import assert from "node:assert/strict";
import { unconfirmed } from "../../../service/http/durability.ts";

describe("a write that other clouds have not confirmed in time", () => {
  it("is never told as failed: it is written here, with a version, and may be elsewhere", () => {
    const { status, code, message } = unconfirmed("peer", { version: "v" });
    assert.deepEqual([status, code], [504, "unconfirmed"]);
    assert.match(message, /^written in this cloud/);
  });
});
