/**
 * Where values above `limits.inlineBytes` live: files here, object stores in the clouds.
 *
 * Promises of an adapter:
 * - A blob is named by the SHA-256 of its bytes and never changes.
 * - When `put` resolves, bytes and name are durable (file and folder fsync'ed), so that an entry may refer to it.
 * - A failed or cut upload leaves nothing under a digest.
 */
import type { Readable } from "node:stream";

export type Digest = string;

export interface Blobs {
  /** Streams bytes in. Rejects with `TooLargeError` past `limit`; nothing is kept then. */
  put(source: AsyncIterable<Uint8Array>, limit: number): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Bytes `start` to `end` (inclusive) of a blob, null when it is not there. */
  open(digest: Digest, range?: { readonly start: number; readonly end: number }): Promise<Readable | null>;
  has(digest: Digest): Promise<boolean>;
  /** Whether it is there; if so it counts as put now, so that an entry may refer to it before the collector comes by. */
  touch(digest: Digest): Promise<boolean>;
  /** Removes a blob unless it was put again after `putAt` (as `list` told it): a new upload of the same bytes wins. */
  delete(digest: Digest, putAt: number): Promise<void>;
  /** Every blob with the time it was last put, milliseconds since 1970, for the collector. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly putAt: number }>;
}

/** More bytes came than the caller allows. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
  readonly limit: number;
  constructor(limit: number) {
    super(`more than ${limit} bytes`);
    this.limit = limit;
  }
}
