import { createHash, randomUUID } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { FullError } from "../store/port.ts";
import { type Blobs, type Digest, TooLargeError } from "./port.ts";

/** Milliseconds after which an upload that nobody writes to any more was left behind by a crash. */
const abandonedAfter = 3600_000;

const digestForm = /^[0-9a-f]{64}$/;
const shards = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/**
 * Blobs as files of `directory`: `ab/abcd…` by digest, and `uploads/` for what is not whole yet. Several processes may
 * share it. The file's time of modification is when it was last put. Makes the folders at once; throws when it cannot.
 */
export function fileBlobs(directory: string): Blobs {
  const uploads = join(directory, "uploads");
  prepare(directory, uploads);
  /** How many puts or touches of a digest are under way, and the deletion that is under way. */
  const keeping = new Map<Digest, number>();
  const deleting = new Map<Digest, Promise<void>>();

  const folderOf = (digest: Digest) => join(directory, digest.slice(0, 2));
  const pathOf = (digest: Digest) => {
    if (!digestForm.test(digest)) throw new TypeError(`"${digest}" is not a SHA-256 in hex`);
    return join(folderOf(digest), digest);
  };

  /** Runs when no deletion of the blob is under way, and lets none begin. */
  async function whileKept<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    keeping.set(digest, (keeping.get(digest) ?? 0) + 1);
    try {
      await deleting.get(digest)?.catch(() => {});
      return await work();
    } finally {
      const others = keeping.get(digest)! - 1;
      if (others > 0) keeping.set(digest, others);
      else keeping.delete(digest);
    }
  }

  async function keep(upload: string, digest: Digest): Promise<void> {
    // Also over a file that is there: the bytes are the same.
    await rename(upload, pathOf(digest));
    await renew(digest);
  }

  /** Also when somebody else gave the file its name: that may not be on the disk yet. */
  async function renew(digest: Digest): Promise<void> {
    const now = new Date();
    await utimes(pathOf(digest), now, now);
    await sync(folderOf(digest));
  }

  async function remove(digest: Digest, putAt: number): Promise<void> {
    const file = await orNull(stat(pathOf(digest)));
    if (file !== null && Math.floor(file.mtimeMs) <= putAt) await rm(pathOf(digest), { force: true });
  }

  return {
    async put(source: AsyncIterable<Uint8Array>, limit: number) {
      const upload = join(uploads, randomUUID());
      try {
        const written = await write(upload, source, limit);
        await whileKept(written.digest, () => keep(upload, written.digest));
        return written;
      } catch (error) {
        await rm(upload, { force: true });
        throw isFull(error) ? new FullError("the disk of the blobs is full", { cause: error }) : error;
      }
    },

    async open(digest: Digest, range?: { readonly start: number; readonly end: number }): Promise<Readable | null> {
      const file = await orNull(open(pathOf(digest)));
      return file?.createReadStream(range ?? {}) ?? null;
    },

    async has(digest: Digest): Promise<boolean> {
      return (await orNull(stat(pathOf(digest)))) !== null;
    },

    async touch(digest: Digest): Promise<boolean> {
      return (await orNull(whileKept(digest, () => renew(digest).then(() => true)))) ?? false;
    },

    async delete(digest: Digest, putAt: number): Promise<void> {
      if (keeping.has(digest)) return;
      const deletion = deleting.get(digest) ?? remove(digest, putAt).finally(() => deleting.delete(digest));
      deleting.set(digest, deletion);
      await deletion;
    },

    async *list() {
      for (const shard of shards) {
        for (const digest of await readdir(join(directory, shard))) {
          const file = digestForm.test(digest) ? await orNull(stat(pathOf(digest))) : null;
          if (file !== null) yield { digest, putAt: Math.floor(file.mtimeMs) };
        }
      }
    },
  };
}

/** All folders exist and are on the disk before the first put, so that a put need not care for its folder's folder. */
function prepare(directory: string, uploads: string): void {
  for (const folder of [uploads, ...shards.map((shard) => join(directory, shard))]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  const descriptor = openSync(directory, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
  for (const name of readdirSync(uploads)) {
    const upload = join(uploads, name);
    const file = statSync(upload, { throwIfNoEntry: false });
    if (file && Date.now() - file.mtimeMs > abandonedAfter) rmSync(upload, { force: true });
  }
}

/** Writes and syncs a new file, a chunk at a time: the next one is not asked for before the last one is written. */
async function write(path: string, source: AsyncIterable<Uint8Array>, limit: number) {
  const hash = createHash("sha256");
  let size = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > limit) throw new TooLargeError(limit);
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  return { digest: hash.digest("hex"), size };
}

async function sync(folder: string): Promise<void> {
  await using handle = await open(folder);
  await handle.sync();
}

/** Null when there is no such file. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
