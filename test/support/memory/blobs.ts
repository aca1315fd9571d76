import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type Blobs, type Digest, TooLargeError } from "../../../service/blobs/port.ts";

/** What is there without waiting for it. */
export type MemoryBlobs = Blobs & { readonly kept: ReadonlyMap<Digest, unknown> };

/** Blobs in memory, for clouds in memory. */
export function memoryBlobs(now: () => number = Date.now): MemoryBlobs {
  const kept = new Map<Digest, { readonly bytes: Buffer; putAt: number }>();
  return {
    kept,
    async put(source, limit) {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of source) {
        size += chunk.byteLength;
        if (size > limit) throw new TooLargeError(limit);
        chunks.push(chunk);
      }
      const bytes = Buffer.concat(chunks);
      const digest = createHash("sha256").update(bytes).digest("hex");
      kept.set(digest, { bytes, putAt: now() });
      return { digest, size };
    },
    async open(digest, { start, end } = { start: 0, end: Number.POSITIVE_INFINITY }) {
      const blob = kept.get(digest);
      return blob === undefined ? null : Readable.from([blob.bytes.subarray(start, end + 1)]);
    },
    has: async (digest) => kept.has(digest),
    async touch(digest) {
      const blob = kept.get(digest);
      if (blob !== undefined) blob.putAt = now();
      return blob !== undefined;
    },
    async delete(digest, putAt) {
      if ((kept.get(digest)?.putAt ?? 0) <= putAt) kept.delete(digest);
    },
    async *list() {
      for (const [digest, { putAt }] of kept) yield { digest, putAt };
    },
  };
}
