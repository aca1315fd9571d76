import type { HybridClock, Now } from "../kv/clock.ts";
import type { Stored } from "../kv/entry.ts";
import { namespaceOf, type Path } from "../kv/path.ts";
import { UnderWay } from "../under-way.ts";
import {
  applied,
  bytesOf,
  decideStep,
  isNeeded,
  isRestore,
  isWriting,
  type Job,
  needsReading,
  type Owner,
  type StepResult,
  toCommit,
  unwritten,
  type WriteAnswer,
  type WriteRequest,
} from "./jobs.ts";
import {
  type CommitAnswer,
  FullError,
  ReceiptExistsError,
  type Store,
  UnavailableError,
  UncertainError,
} from "./port.ts";
import { OverloadedError, type Reader } from "./reader.ts";
import { resultsOf } from "./receipts.ts";

/** What a batch wrote, for caches and watches. */
export type Committed = {
  readonly rows: readonly { readonly path: Path; readonly stored: Stored }[];
  readonly horizon: number;
  readonly startedAt: number;
};

export type WriterOptions = {
  readonly store: Store;
  readonly reader: Reader;
  readonly clock: HybridClock;
  readonly now: Now;
  /** A clock that never jumps, in milliseconds: deadlines. */
  readonly monotonic: Now;
  /** Milliseconds that a write may take. */
  readonly timeout: number;
  /**
   * A namespace as the store has it now, null when it is gone. Asked when a write found its state changed, for the memory
   * of namespaces is seconds old.
   */
  readonly namespaceNow: (name: string) => Promise<{ readonly epoch: bigint; readonly homeEpoch: bigint } | null>;
  /** Throws when writes must not be stamped now. */
  readonly checkClock: () => void;
  /** Called in order of commit, before the writers hear of it. */
  readonly onCommitted: (committed: Committed) => void;
};

const maxRows = 256;
const maxBytes = 4 * 2 ** 20;
/** A batch in flight and one that forms behind it. */
const maxInFlight = 2;
/** Writes and bytes that may wait; past them the service is overloaded and says so. */
const maxWaiting = 20_000;
const maxWaitingBytes = 256 * 2 ** 20;
/** A guard fails when another process wrote the key in between: rare, so this many times means trouble. */
const maxAttempts = 30;

/**
 * Group commit: the writes that wait form the next batch, one statement and one fsync for all of them.
 *
 * Writes of one key queue up behind each other in order of arrival, so a key occurs once per statement; whoever follows
 * is told the state that the one before left, and need not read it. What a write does is decided here (`kv/decide.ts`)
 * on the state it expects; the statement writes only if that state is still there, else the decision is made again.
 */
export class Writer {
  readonly #options: WriterOptions;
  /** Jobs by key: the first of each queue is under way. */
  readonly #queues = new Map<Path, Job[]>();
  #ready: Job[] = [];
  readonly #open = new UnderWay<Job>();
  #waitingBytes = 0;
  #inFlight = 0;
  #scheduled = false;
  readonly #sweep: NodeJS.Timeout;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#expire(), 100);
    this.#sweep.unref();
  }

  /** Writes that are under way. */
  get pending(): number {
    return this.#open.size;
  }

  /** Resolves when committed, or decided without a write. Rejects with the store's errors. */
  write(request: WriteRequest): Promise<WriteAnswer> {
    return new Promise((resolve, reject) => {
      const { steps, allOrNothing, receipt } = request;
      let bytes = 0;
      for (const { operation } of steps) bytes += bytesOf(operation);
      if (this.#open.size >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes) {
        reject(new OverloadedError("too many writes wait for the database"));
        return;
      }
      const job: Job = {
        steps,
        allOrNothing,
        receipt,
        bytes,
        deadline: this.#options.monotonic() + this.#options.timeout,
        resolve,
        reject,
        current: steps.map(() => undefined),
        decisions: [],
        decidedAt: 0,
        attempts: 0,
        alone: steps.length !== 1,
        hinted: false,
        sent: false,
        expired: false,
        place: null,
      };
      job.place = this.#open.add(job);
      this.#waitingBytes += bytes;
      let first = true;
      for (const { path } of steps) {
        const queue = this.#queues.get(path);
        if (queue === undefined) {
          this.#queues.set(path, [job]);
        } else {
          queue.push(job);
          first = false;
        }
      }
      if (first) this.#prepare(job);
    });
  }

  /** Learns what the job must know of its keys, then decides. Most puts need to know nothing, and do not wait. */
  #prepare(job: Job): void {
    if (needsReading(job))
      this.#readCurrent(job).then(
        () => this.#decided(job),
        (error) => this.#fail(job, error),
      );
    else this.#decided(job);
  }

  /** Decides what the job does, and puts it into the next batch. */
  #decided(job: Job): void {
    if (job.expired) {
      this.#close(job, () => undefined);
      return;
    }
    this.#decide(job);
    if (job.hinted && !job.decisions.every((decision) => decision.do === "write")) {
      // Nothing guards what is not written: it must be decided on a state from after the request.
      this.#readCurrent(job).then(
        () => this.#decided(job),
        (error) => this.#fail(job, error),
      );
      return;
    }
    if (!isWriting(job) && job.receipt === null) {
      this.#finish(
        job,
        job.steps.map((_, i) => unwritten(job, i)),
      );
      return;
    }
    this.#ready.push(job);
    this.#schedule();
  }

  #decide(job: Job): void {
    const now = this.#options.now();
    const { origin } = this.#options.store;
    job.decidedAt = now;
    job.decisions = job.steps.map((step, i) => decideStep(step, job.current[i] ?? null, now, origin));
  }

  async #readCurrent(job: Job): Promise<void> {
    const { reader } = this.#options;
    job.hinted = false;
    if (job.steps.length === 1) {
      job.current[0] = (await reader.read(job.steps[0]!.path)).stored;
      return;
    }
    const rows = await reader.readTogether(job.steps.map((step) => step.path));
    rows.forEach((row, i) => {
      job.current[i] = row;
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= maxInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#inFlight < maxInFlight && this.#ready.length > 0) {
      const batch = this.#takeBatch();
      if (batch.length === 0) continue;
      this.#inFlight++;
      void this.#send(batch).finally(() => {
        this.#inFlight--;
        this.#schedule();
      });
    }
  }

  #takeBatch(): Job[] {
    const batch: Job[] = [];
    let bytes = 0;
    let i = 0;
    for (; i < this.#ready.length && batch.length < maxRows && bytes < maxBytes; i++) {
      const job = this.#ready[i]!;
      if (job.expired) {
        this.#close(job, () => undefined);
        continue;
      }
      const apart = job.alone || isRestore(job) !== (batch[0] !== undefined && isRestore(batch[0]));
      if (apart && batch.length > 0) break;
      job.sent = true;
      batch.push(job);
      bytes += job.bytes;
      if (job.alone) {
        i++;
        break;
      }
    }
    this.#ready = this.#ready.slice(i);
    return batch;
  }

  async #send(whole: readonly Job[]): Promise<void> {
    const { store, clock, now, monotonic } = this.#options;
    const startedAt = monotonic();
    let batch = whole;
    let owners: Owner[];
    let answer: CommitAnswer;
    try {
      this.#options.checkClock();
      batch = await this.#withoutRetries(whole);
      if (batch.length === 0) return;
      const commit = toCommit(batch, store.origin, clock.next(), now());
      owners = commit.owners;
      answer = await store.commit(commit.request);
    } catch (error) {
      await this.#failed(batch, error);
      return;
    }
    this.#settle(batch, owners, answer, startedAt);
  }

  async #failed(batch: readonly Job[], error: unknown): Promise<void> {
    const isEverybodys =
      error instanceof UncertainError ||
      error instanceof UnavailableError ||
      error instanceof FullError ||
      error instanceof ClockSkewError;
    if (batch.length > 1 && !isEverybodys) {
      // One of them is at fault: each goes again by itself. Nothing of the batch was written.
      for (const job of batch) job.alone = true;
      this.#ready.unshift(...batch);
    } else if (error instanceof ReceiptExistsError) {
      await this.#replay(batch[0]!);
    } else {
      for (const job of batch) this.#fail(job, error);
    }
  }

  /** Takes out the jobs that were answered before: they get that answer. */
  async #withoutRetries(batch: readonly Job[]): Promise<readonly Job[]> {
    const scopes = batch.flatMap((job) => (job.receipt ? [job.receipt.scope] : []));
    if (scopes.length === 0) return batch;
    const known = await this.#options.store.knownReceipts(scopes);
    if (known.size === 0) return batch;
    const isRetry = (job: Job) => job.receipt !== null && known.has(job.receipt.scope.toString("hex"));
    for (const job of batch.filter(isRetry)) void this.#replay(job);
    return batch.filter((job) => !isRetry(job));
  }

  async #replay(job: Job): Promise<void> {
    try {
      const kept = await this.#options.store.receipt(job.receipt!.scope);
      if (kept === null) throw new UnavailableError("the first answer is no longer there");
      if (!kept.fingerprint.equals(job.receipt!.fingerprint))
        throw new ReceiptMismatchError("the Idempotency-Key was used for another request");
      const results = resultsOf(kept, job.steps);
      this.#close(job, () => undefined);
      job.resolve({ results, replayed: true });
    } catch (error) {
      this.#fail(job, error);
    }
  }

  #settle(batch: readonly Job[], owners: readonly Owner[], answer: CommitAnswer, startedAt: number): void {
    const written = new Map<Job, (StepResult | null)[]>();
    for (const job of batch) written.set(job, []);
    const rows: { path: Path; stored: Stored }[] = [];
    owners.forEach(({ job, step }, i) => {
      const stamped = answer.stamps[i]!;
      if (stamped !== null) this.#options.clock.observe(stamped.time);
      const result = stamped === null ? null : applied(job, step, stamped, this.#options.store.origin);
      if (result !== null) rows.push({ path: job.steps[step]!.path, stored: result.stored });
      written.get(job)![step] = result;
    });
    if (rows.length > 0) this.#options.onCommitted({ rows, horizon: answer.horizon, startedAt });
    for (const [job, results] of written) {
      if (results.includes(null)) void this.#again(job).catch((error) => this.#fail(job, error));
      else
        this.#finish(
          job,
          job.steps.map((_, i) => results[i] ?? unwritten(job, i)),
        );
    }
  }

  /** A guard did not hold: another process wrote in between, or the namespace is not what the job believes. */
  async #again(job: Job): Promise<void> {
    await this.#confirmNamespace(job);
    job.attempts++;
    if (job.attempts >= maxAttempts) throw new NotWrittenError("other writers were faster every time");
    job.current.fill(undefined);
    job.alone = job.steps.length !== 1;
    job.sent = false;
    this.#prepare(job);
  }

  /** The namespace must be what the job believes. */
  async #confirmNamespace(job: Job): Promise<void> {
    const { path, epoch, homeEpoch = 0n } = job.steps[0]!;
    const name = namespaceOf(path);
    const now = await this.#options.namespaceNow(name);
    if (now === null) throw new NamespaceGoneError(name);
    if (now.epoch !== epoch) throw new NotWrittenError("the namespace was deleted and made again meanwhile");
    if (now.homeEpoch !== homeEpoch) throw new HomeMovedError(name);
  }

  #finish(job: Job, results: StepResult[]): void {
    const finish = () => {
      this.#close(job, (i) => results[i]!.stored);
      job.resolve({ results, replayed: false });
    };
    // A refusal says how things stand, and no guard of a write has checked that this is still the place to know it: a home
    // that has moved would refuse by a state that another cloud has replaced since.
    const isRead = job.steps[0]?.homeEpoch !== undefined && !results.some((result) => result.ok && result.written);
    if (isRead) this.#confirmNamespace(job).then(finish, (error) => this.#fail(job, error));
    else finish();
  }

  #fail(job: Job, error: unknown): void {
    this.#close(job, () => undefined);
    job.reject(error);
  }

  /** Takes the job off its keys; those that waited behind it begin, told the state it left if that is known. */
  #close(job: Job, leftBehind: (step: number) => Stored | null | undefined): void {
    if (this.#open.delete(job.place!)) this.#waitingBytes -= job.bytes;
    const next = new Set<Job>();
    job.steps.forEach(({ path }, i) => {
      const queue = this.#queues.get(path)!;
      queue.shift();
      const follower = queue[0];
      if (follower === undefined) {
        this.#queues.delete(path);
        return;
      }
      const step = follower.steps.findIndex((s) => s.path === path);
      if (isNeeded(follower, follower.steps[step]!)) {
        follower.current[step] = leftBehind(i);
        follower.hinted = true;
      }
      next.add(follower);
    });
    for (const follower of next) {
      if (follower.steps.every(({ path }) => this.#queues.get(path)![0] === follower)) this.#prepare(follower);
    }
  }

  /** Answers those that waited too long. One that was sent stays first of its key until the database has answered. */
  #expire(): void {
    const now = this.#options.monotonic();
    for (const job of this.#open) {
      if (job.deadline > now) break;
      this.#open.delete(job.place!);
      this.#waitingBytes -= job.bytes;
      job.expired = true;
      const message = "the database did not answer in time";
      job.reject(job.sent ? new UncertainError(message) : new UnavailableError(message));
    }
  }

  /** Waits for what is under way. New writes are the caller's to refuse. */
  async close(): Promise<void> {
    while (this.#queues.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(this.#sweep);
  }
}

/** The process's clock and the database's differ by more than writes may be stamped with. */
export class ClockSkewError extends Error {
  override readonly name = "ClockSkewError";
}

/** An Idempotency-Key came back with another request. */
export class ReceiptMismatchError extends Error {
  override readonly name = "ReceiptMismatchError";
}

/** There is no namespace of this name any more: nothing was written. */
export class NamespaceGoneError extends Error {
  override readonly name = "NamespaceGoneError";
  readonly namespace: string;

  constructor(namespace: string) {
    super(`the namespace ${namespace} is gone`);
    this.namespace = namespace;
  }
}

/** The namespace's home is not what the writer believes any more: nothing was written. */
export class HomeMovedError extends Error {
  override readonly name = "HomeMovedError";

  constructor(namespace: string) {
    super(`the home of the namespace ${namespace} has changed meanwhile`);
  }
}

/** Nothing was written, and trying again at once would not help. */
export class NotWrittenError extends Error {
  override readonly name = "NotWrittenError";
}
