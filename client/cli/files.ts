import { createWriteStream, rmSync, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

type Source = AsyncIterable<Uint8Array | string>;

/**
 * Writes to a file that appears under its name when it is complete, and not at all when writing fails or is
 * interrupted; or to stdout when `path` is undefined or `-`.
 */
export async function writeWhole(path: string | undefined, source: Source): Promise<void> {
  if (path === undefined || path === "-") return pour(source, process.stdout, false);
  // What is no file, such as a pipe or /dev/null, is written to, not replaced.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return pour(source, createWriteStream(path), true);
  const partial = `${path}.${process.pid}.partial`;
  const remove = () => rmSync(partial, { force: true });
  const interrupted = (_: string, signal: number) => process.exit(128 + signal);
  process.once("exit", remove).once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    await pour(source, createWriteStream(partial, { flags: "wx" }), true);
    await rename(partial, path);
  } finally {
    remove();
    process.off("exit", remove).off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

async function pour(source: Source, target: Writable, end: boolean): Promise<void> {
  await pipeline(Readable.from(source, { objectMode: true }), target, { end });
}
