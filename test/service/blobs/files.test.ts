import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, open, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { fileBlobs } from "../../../service/blobs/files.ts";
import { type Blobs, TooLargeError } from "../../../service/blobs/port.ts";
import { FullError } from "../../../service/store/port.ts";

const noLimit = Number.POSITIVE_INFINITY;

async function* chunks(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("blobs in files", () => {
  let directory: string;
  let blobs: Blobs;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "skykv-blobs-"));
    blobs = fileBlobs(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const uploads = () => readdir(join(directory, "uploads"));
  const listAll = async () => {
    const all: { digest: string; putAt: number }[] = [];
    for await (const blob of blobs.list()) all.push(blob);
    return all;
  };
  const list = async () => (await listAll()).map(({ digest }) => digest);
  const read = async (digest: string, range?: { start: number; end: number }) => {
    const stream = await blobs.open(digest, range);
    return stream && buffer(stream);
  };

  for (const [what, bytes] of [
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.from([0])],
    ["every byte value", Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ["several chunks and a bit", randomBytes(3 * 64 * 1024 + 17)],
  ] as const) {
    it(`gives back ${what} under its SHA-256`, async () => {
      const put = await blobs.put(chunks(bytes), noLimit);
      assert.deepEqual(put, { digest: sha256(bytes), size: bytes.length });
      assert.deepEqual(await read(put.digest), bytes);
      assert.deepEqual(await uploads(), []);
    });
  }

  it("gives back a range, both ends included", async () => {
    const bytes = randomBytes(200_000);
    const { digest } = await blobs.put(chunks(bytes), noLimit);
    assert.deepEqual(await read(digest, { start: 0, end: 0 }), bytes.subarray(0, 1));
    assert.deepEqual(await read(digest, { start: 65_530, end: 131_080 }), bytes.subarray(65_530, 131_081));
    assert.deepEqual(await read(digest, { start: 199_999, end: 199_999 }), bytes.subarray(199_999));
  });

  it("says null for what is not there, and refuses what is no digest", async () => {
    assert.equal(await blobs.open(sha256(Buffer.from("absent"))), null);
    assert.equal(await blobs.has(sha256(Buffer.from("absent"))), false);
    await assert.rejects(blobs.open("../../etc/passwd"), TypeError);
  });

  it("keeps nothing of what is larger than the limit, and does not read on", async () => {
    let asked = 0;
    async function* endless() {
      for (;;) {
        asked++;
        yield Buffer.alloc(1000);
      }
    }
    await assert.rejects(blobs.put(endless(), 4500), (error) => error instanceof TooLargeError && error.limit === 4500);
    assert.equal(asked, 5);
    assert.deepEqual([await list(), await uploads()], [[], []]);
    await blobs.put(chunks(Buffer.alloc(4500)), 4500);
  });

  it("keeps nothing of an upload that is cut", async () => {
    async function* cut() {
      yield Buffer.from("half");
      throw new Error("connection lost");
    }
    await assert.rejects(blobs.put(cut(), noLimit), /connection lost/);
    assert.deepEqual([await list(), await uploads()], [[], []]);
  });

  it("says so when the disk is full, and keeps nothing", async () => {
    const handle = await open(join(directory, "some-file"), "w");
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    const { writeFile: original } = prototype;
    prototype.writeFile = () => Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    try {
      await assert.rejects(blobs.put(chunks(Buffer.from("much")), noLimit), FullError);
    } finally {
      prototype.writeFile = original;
    }
    assert.deepEqual([await list(), await uploads()], [[], []]);
  });

  it("keeps equal bytes once, and counts their age from the last time", async () => {
    const bytes = randomBytes(1000);
    const { digest } = await blobs.put(chunks(bytes), noLimit);
    await utimes(join(directory, digest.slice(0, 2), digest), 1000, 1000);
    assert.deepEqual(await listAll(), [{ digest, putAt: 1_000_000 }]);
    const before = Date.now();
    await blobs.put(chunks(bytes), noLimit);
    const [blob, ...others] = await listAll();
    assert.deepEqual([blob!.digest, others], [digest, []]);
    assert.ok(blob!.putAt >= before);
    assert.deepEqual(await read(digest), bytes);
  });

  it("counts the age of a slow upload from its end", async () => {
    let end = 0;
    async function* slow() {
      yield Buffer.from("bytes");
      const start = Date.now();
      while (end < start + 20) {
        await new Promise(setImmediate);
        end = Date.now();
      }
    }
    await blobs.put(slow(), noLimit);
    assert.ok((await listAll())[0]!.putAt >= end);
  });

  it("deletes, unless the blob was put again since", async () => {
    const { digest } = await blobs.put(chunks(Buffer.from("bytes")), noLimit);
    const { putAt } = (await listAll())[0]!;
    await blobs.delete(digest, putAt - 1);
    assert.equal(await blobs.has(digest), true);
    await blobs.delete(digest, putAt);
    assert.equal(await blobs.has(digest), false);
    await blobs.delete(digest, putAt);
  });

  it("keeps a blob that was touched since it was listed, and says so of none that is not there", async () => {
    const { digest } = await blobs.put(chunks(Buffer.from("bytes")), noLimit);
    await utimes(join(directory, digest.slice(0, 2), digest), 1, 1);
    const { putAt } = (await listAll())[0]!;
    assert.equal(await blobs.touch(digest), true);
    await blobs.delete(digest, putAt);
    assert.equal(await blobs.has(digest), true);
    assert.equal(await blobs.touch("0".repeat(64)), false);
  });

  it("goes on giving a blob to who opened it before it was deleted", async () => {
    const bytes = randomBytes(300_000);
    const { digest } = await blobs.put(chunks(bytes), noLimit);
    const stream = await blobs.open(digest);
    await blobs.delete(digest, Number.POSITIVE_INFINITY);
    assert.deepEqual(await buffer(stream!), bytes);
  });

  it("has the blob after a put, whatever was deleted while it was going on", async () => {
    const bytes = Buffer.from("the same bytes all over");
    const digest = sha256(bytes);
    for (let round = 0; round < 30; round++) {
      let over = false;
      const put = blobs.put(chunks(bytes, 5), noLimit).then(() => {
        over = true;
      });
      while (!over) await Promise.all([blobs.delete(digest, Number.POSITIVE_INFINITY), new Promise(setImmediate)]);
      await put;
      assert.equal(await blobs.has(digest), true, `round ${round}`);
    }
  });

  it("takes equal bytes from many at once", async () => {
    const bytes = randomBytes(100_000);
    const puts = await Promise.all(Array.from({ length: 8 }, () => blobs.put(chunks(bytes), noLimit)));
    assert.deepEqual(new Set(puts.map(({ digest }) => digest)), new Set([sha256(bytes)]));
    assert.deepEqual([await list(), await uploads()], [[sha256(bytes)], []]);
  });

  it("removes at its start what a crash left behind, but not what others are uploading", async () => {
    const [old, young] = [join(directory, "uploads", "old"), join(directory, "uploads", "young")];
    await Promise.all([writeFile(old, "x"), writeFile(young, "x")]);
    await utimes(old, Date.now() / 1000 - 3700, Date.now() / 1000 - 3700);
    fileBlobs(directory);
    assert.deepEqual(await uploads(), ["young"]);
  });

  it("finds after a restart what was put before", async () => {
    const { digest } = await blobs.put(chunks(Buffer.from("bytes")), noLimit);
    assert.equal(await fileBlobs(directory).has(digest), true);
  });

  it("fails at once where it may not write", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    assert.throws(() => fileBlobs(join(file, "blobs")), /ENOTDIR/);
    assert.equal((await stat(file)).size, 0);
  });

  describe("while 20 uploads are under way", () => {
    /** Chunks of all uploads that are still in memory when each of them is about to yield its last one. */
    async function chunksHeld(put: (source: AsyncIterable<Uint8Array>) => Promise<unknown>): Promise<number> {
      const uploads = 20;
      const bytes: WeakRef<ArrayBufferLike>[] = [];
      let waiting = 0;
      const { promise: measured, resolve, reject } = Promise.withResolvers<number>();
      async function* upload(first: number) {
        for (let sent = 0; sent < 80; sent++) {
          if (sent === 79) {
            if (++waiting === uploads) countAlive(bytes).then(resolve, reject);
            await measured;
          }
          const chunk = Buffer.alloc(64 * 1024, first);
          bytes.push(new WeakRef(chunk.buffer));
          yield chunk;
        }
      }
      await Promise.all(Array.from({ length: uploads }, (_, i) => put(upload(i))));
      return measured;
    }

    /** Those that a full collection of garbage leaves; a later turn, because a turn keeps alive what it looked at. */
    async function countAlive(bytes: readonly WeakRef<ArrayBufferLike>[]): Promise<number> {
      setFlagsFromString("--expose-gc");
      const collectGarbage: () => void = runInNewContext("gc");
      await new Promise(setImmediate);
      collectGarbage();
      return bytes.filter((one) => one.deref() !== undefined).length;
    }

    it("holds at most the last two chunks of each in memory", async () => {
      const held = await chunksHeld((source) => blobs.put(source, noLimit));
      assert.equal((await list()).length, 20);
      assert.ok(held <= 20 * 2, `${held} of ${20 * 79} chunks were in memory`);
    });

    it("would be found to hold all of them, if it did", async () => {
      const hoard: Uint8Array[] = [];
      const held = await chunksHeld(async (source) => {
        for await (const chunk of source) hoard.push(chunk);
      });
      assert.equal(held, 20 * 79);
      assert.equal(hoard.length, 20 * 80);
    });
  });
});
