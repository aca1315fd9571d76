import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Writes to a file that appears under its name when it is complete, and not at all when writing fails; or to stdout
 * when `path` is undefined or `-`.
 */
export async function writeWhole(path: string | undefined, source: AsyncIterable<Uint8Array | string>): Promise<void> {
  if (path === undefined || path === "-") return pour(source, process.stdout, false);
  const partial = `${path}.${process.pid}.partial`;
  try {
    await pour(source, createWriteStream(partial, { flags: "wx" }), true);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function pour(source: AsyncIterable<Uint8Array | string>, target: Writable, end: boolean): Promise<void> {
  await pipeline(Readable.from(source, { objectMode: true }), target, { end });
}
