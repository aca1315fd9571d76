import assert from "node:assert/strict";
import { decodeHint, encodeHint } from "../../../service/queue/message.ts";

describe("a hint", () => {
  it("names the shards that it was made of", () => {
    assert.deepEqual(decodeHint(encodeHint([0, 3])), [0, 3]);
  });

  it("names none where it is no hint, and no shard that there is not", () => {
    for (const text of ["", "x", "null", "7", "{}", '{"shards":3}']) assert.deepEqual(decodeHint(text), []);
    assert.deepEqual(decodeHint('{"shards":[-1,4,1.5,"2",null,3,3],"of":"tomorrow"}'), [3]);
  });
});
