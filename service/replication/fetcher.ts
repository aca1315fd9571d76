import { createHash } from "node:crypto";
import type { Digest } from "../blobs/port.ts";
import type { Carried } from "../kv/carried.ts";
import type { Path } from "../kv/path.ts";
import { Backoff } from "./backoff.ts";
import { fetchCurrent, RefusedError } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Merger } from "./merger.ts";

/** Blobs that come from one peer at once: few, so that they leave some of the way to everything else. */
const maxActive = 2;
/** Blobs that are waited for. The peer tells again of those that find no place. */
const maxJobs = 1000;
/** The largest value that any namespace takes; what claims to be larger is no value. */
const maxBytes = 25 * 2 ** 20;
/** Times that a transfer is resumed without having got any further, and the first pause before it, in milliseconds. */
const maxResumes = 5;
const firstPause = 200;

type Job = {
  readonly path: Path;
  readonly digest: Digest;
  readonly size: number;
  readonly backoff: Backoff;
  /** Null: it failed, and rests until somebody asks again. */
  running: Promise<void> | null;
};

/**
 * Fetches from one peer the bytes of large values, whose entries came without them. An entry shows when its bytes are
 * here; the peer sets it aside until then, and goes on with its other keys.
 */
export class BlobFetcher {
  readonly #io: Io;
  readonly #peer: string;
  readonly #merger: Merger;
  readonly #stopped: () => boolean;
  readonly #jobs = new Map<Digest, Job>();
  readonly #queue: (() => void)[] = [];
  #active = 0;

  constructor(io: Io, peer: string, merger: Merger, stopped: () => boolean) {
    this.#io = io;
    this.#peer = peer;
    this.#merger = merger;
    this.#stopped = stopped;
  }

  /** Fetches the bytes of an entry, unless that is under way or failed a moment ago. Resolves when nothing more happens. */
  async bring({ path, entry }: Carried): Promise<void> {
    if (entry.kind !== "value" || entry.blob === null || entry.size > maxBytes) return;
    let job = this.#jobs.get(entry.blob);
    if (job?.running) return job.running;
    if (job?.backoff.isWaiting()) return;
    if (this.#jobs.size >= maxJobs) this.#forgetResting();
    if (this.#jobs.size >= maxJobs) return;
    job = { path, digest: entry.blob, size: entry.size, backoff: job?.backoff ?? new Backoff(this.#io), running: null };
    this.#jobs.set(job.digest, job);
    job.running = this.#run(job);
    await job.running;
  }

  #forgetResting(): void {
    for (const [digest, { running, backoff }] of this.#jobs)
      if (running === null && !backoff.isWaiting()) this.#jobs.delete(digest);
  }

  async #run(job: Job): Promise<void> {
    if (this.#active >= maxActive) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#active++;
    try {
      await this.#bring(job);
      this.#jobs.delete(job.digest);
    } catch (error) {
      job.backoff.failed();
      if (!this.#stopped() && !(error instanceof RefusedError) && !(error instanceof GoneError))
        this.#io.onEvent({ kind: "trouble", peer: this.#peer, error });
    } finally {
      job.running = null;
      const next = this.#queue.shift();
      if (next === undefined) this.#active--;
      else next();
    }
  }

  async #bring(job: Job): Promise<void> {
    const { blobs, onEvent } = this.#io;
    if (this.#stopped()) return;
    if (!(await blobs.touch(job.digest))) {
      try {
        await blobs.put(verified(this.#bytesOf(job), job.digest), job.size);
        onEvent({ kind: "fetched", peer: this.#peer, bytes: job.size });
      } catch (error) {
        // The key has changed meanwhile: what it is now may be had.
        if (error instanceof GoneError) await this.#merge(job.path);
        throw error;
      }
    }
    await this.#merge(job.path);
  }

  /** Takes in what the key is at the peer by now: the entry that named the blob may be from under an older floor. */
  async #merge(path: Path): Promise<void> {
    const { self, sender, carried } = await fetchCurrent(this.#io, this.#peer, path);
    if (carried !== null) await this.#merger.merge(sender, [carried], self);
  }

  /** The bytes of a blob; goes on where a broken connection ended. */
  async *#bytesOf({ path, digest, size }: Job): AsyncGenerator<Uint8Array> {
    const { link, sleep, random } = this.#io;
    let resumes = 0;
    for (let start = 0; start < size; ) {
      try {
        const bytes = await link.blob(this.#peer, { path, digest, start });
        if (bytes === null) throw new GoneError(`${this.#peer} has another entry by now`);
        for await (const chunk of bytes) {
          start += chunk.byteLength;
          resumes = 0;
          yield chunk;
        }
        if (start < size) throw new Error(`expected ${size} bytes of a blob, found ${start}`);
      } catch (error) {
        if (error instanceof GoneError || this.#stopped() || ++resumes > maxResumes) throw error;
        await sleep(firstPause * 2 ** (resumes - 1) * (0.5 + random()));
      }
    }
  }
}

/** The peer's entry does not name the blob any more. */
class GoneError extends Error {
  override readonly name = "GoneError";
}

/** Passes bytes on and throws at their end unless they are what was asked for: then nothing is kept. */
async function* verified(bytes: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest("hex");
  if (found !== digest) throw new Error(`expected a blob with the SHA-256 ${digest}, found ${found}`);
}
