import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync, gzipSync } from "node:zlib";
import { maxUnpackedBytes, pack, unpack } from "../../../service/replication/compression.ts";

/** Of which half can be packed. */
const message = (length: number) =>
  Buffer.concat([randomBytes(length >> 1), Buffer.alloc(length - (length >> 1), "x")]);

describe("messages between clouds", () => {
  const sizes = [0, 1, 300, 8192, 8193, 70_000, 5_000_000];

  it("come out as they went in, whatever their size, and many at once", async () => {
    const messages = [...sizes, ...sizes].map(message);
    const packed = await Promise.all(messages.map(pack));
    const unpacked = await Promise.all(packed.map(unpack));
    for (const [i, bytes] of unpacked.entries()) assert.ok(bytes.equals(messages[i]!), `${messages[i]!.length} bytes`);
  });

  it("are gzip, as releases before sent and read them", async () => {
    for (const bytes of sizes.map(message)) {
      assert.ok(gunzipSync(await pack(bytes)).equals(bytes));
      assert.ok((await unpack(gzipSync(bytes))).equals(bytes));
    }
  });

  it("are refused when they are no gzip or end too soon, and the next is taken", async () => {
    const whole = message(70_000);
    for (const bytes of [Buffer.alloc(0), randomBytes(100), randomBytes(100_000)]) await assert.rejects(unpack(bytes));
    for (const bytes of [message(300), whole]) {
      const packed = await pack(bytes);
      await assert.rejects(unpack(packed.subarray(0, packed.length - 20)));
      const changed = Buffer.from(packed);
      changed[packed.length >> 1]! ^= 0xff;
      await assert.rejects(unpack(changed));
    }
    assert.ok((await unpack(await pack(whole))).equals(whole));
  });

  it("are refused when they would become too large, or larger than they say", async () => {
    await assert.rejects(unpack(gzipSync(Buffer.alloc(maxUnpackedBytes + 1))), /at most/);
    const lying = gzipSync(Buffer.alloc(100_000));
    lying.writeUInt32LE(100, lying.length - 4);
    await assert.rejects(unpack(lying));
  });

  it("are not kept when they are through", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as (options: { type: "minor" }) => void;
    const collectYoung = () => {
      collect({ type: "minor" });
      collect({ type: "minor" });
      return process.memoryUsage().arrayBuffers;
    };
    const bytes = message(200_000);
    await unpack(await pack(bytes));
    const before = collectYoung();
    for (let i = 0; i < 60; i++) {
      await unpack(await pack(Buffer.from(bytes)));
      if (i % 10 === 9) collectYoung();
    }
    const grown = collectYoung() - before;
    assert.ok(grown < 3_000_000, `${grown} bytes are left of ${60 * 2 * bytes.length}`);
  });
});
