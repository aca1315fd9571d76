import assert from "node:assert/strict";
import { BlobCollector } from "../../../service/blobs/collector.ts";
import type { Digest } from "../../../service/blobs/port.ts";
import { type MemoryBlobs, memoryBlobs } from "../../support/memory/blobs.ts";

const grace = 1000;

describe("the collector of blobs", () => {
  let now: number;
  let blobs: MemoryBlobs;
  let referred: Set<Digest>;
  let collector: BlobCollector;

  beforeEach(() => {
    now = 5000;
    blobs = memoryBlobs(() => now);
    referred = new Set();
    const unreferenced = async (digests: readonly Digest[]) => digests.filter((digest) => !referred.has(digest));
    collector = new BlobCollector({ blobs, unreferenced, grace, now: () => now });
  });

  async function put(text: string): Promise<Digest> {
    const { digest } = await blobs.put(
      (async function* () {
        yield Buffer.from(text);
      })(),
      100,
    );
    return digest;
  }

  /** A round after so many milliseconds. */
  async function roundAfter(milliseconds: number): Promise<number> {
    now += milliseconds;
    return collector.round();
  }

  it("deletes an upload that no entry ever referred to", async () => {
    await put("a");
    assert.deepEqual([await roundAfter(grace), await roundAfter(grace), blobs.kept.size], [0, 1, 0]);
  });

  it("keeps what an entry refers to, however old it is", async () => {
    referred.add(await put("a"));
    for (let i = 0; i < 5; i++) assert.equal(await roundAfter(grace * 9), 0);
    assert.equal(blobs.kept.size, 1);
  });

  it("leaves an old blob to those who read its entry just before that went", async () => {
    const digest = await put("a");
    referred.add(digest);
    await roundAfter(grace * 9);
    referred.delete(digest);
    assert.deepEqual([await roundAfter(1), await roundAfter(grace - 1), blobs.kept.size], [0, 0, 1]);
    assert.deepEqual([await roundAfter(1), blobs.kept.size], [1, 0]);
  });

  it("begins anew when an entry referred to it in between", async () => {
    const digest = await put("a");
    await roundAfter(grace);
    referred.add(digest);
    await roundAfter(grace);
    referred.delete(digest);
    assert.deepEqual([await roundAfter(grace), await roundAfter(grace)], [0, 1]);
  });

  it("begins anew when it is put or touched again", async () => {
    const digest = await put("a");
    await roundAfter(grace);
    await blobs.touch(digest);
    assert.deepEqual([await roundAfter(grace - 1), await roundAfter(1), await roundAfter(grace)], [0, 0, 1]);
  });

  it("keeps what is put again while the database is asked", async () => {
    const digest = await put("a");
    const unreferenced = async (digests: readonly Digest[]) => {
      now++;
      await blobs.touch(digest);
      return digests;
    };
    collector = new BlobCollector({ blobs, unreferenced, grace, now: () => now });
    for (let i = 0; i < 3; i++) await roundAfter(grace);
    assert.equal(blobs.kept.size, 1);
  });

  it("asks about many blobs in parts", async () => {
    for (let i = 0; i < 1201; i++) await put(`${i}`);
    assert.deepEqual([await roundAfter(grace), await roundAfter(grace), blobs.kept.size], [0, 1201, 0]);
  });
});
