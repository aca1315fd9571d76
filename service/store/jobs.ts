/** What writes are made of: what is asked, what it comes to, and the commit that does it. All pure. */
import { type Decision, decide, needsCurrent, type Operation, type Refusal, stamp } from "../kv/decide.ts";
import { type Entry, isLive, type Stored } from "../kv/entry.ts";
import { merge } from "../kv/merge.ts";
import { namespaceOf, type Path } from "../kv/path.ts";
import type { Place } from "../under-way.ts";
import type { Commit, Hold, Receipt, Stamp, Write } from "./port.ts";
import { answerOf } from "./receipts.ts";

/** One key's part of a write. */
export type Step = {
  readonly path: Path;
  /** Epoch of the key's namespace; what is at or below it is hidden. */
  readonly epoch: bigint;
  /** Of the namespace; absent: no home was ever set. */
  readonly homeEpoch?: bigint;
  readonly operation: Operation | Restore;
};

/** An entry with the version it had: merged with what is there. */
export type Restore = { readonly kind: "restore"; readonly entry: Entry };

/** What a step came to. `stored` is the key's state after it: written, or found and left alone. */
export type StepResult =
  | { readonly ok: true; readonly written: boolean; readonly replaced: boolean; readonly stored: Stored | null }
  /** `current` is the live entry that was found: an expired one may be stored, and counts as absent. */
  | { readonly ok: false; readonly reason: Refusal; readonly current: Entry | null; readonly stored: Stored | null };

export type WriteRequest = {
  /** Each path at most once. More than one are written together or not at all. */
  readonly steps: readonly Step[];
  /** Whether a refused step keeps the others from being written. */
  readonly allOrNothing: boolean;
  /** Keeps the first answer, so that a retry gets it and writes nothing. `fingerprint` says what was asked for. */
  readonly receipt: { readonly scope: Buffer; readonly fingerprint: Buffer } | null;
};

export type WriteAnswer = {
  readonly results: readonly StepResult[];
  /** The request was a retry: these are the results of the first one. */
  readonly replayed: boolean;
};

/** A write on its way. The writer moves it along; the functions below say what it does to the database. */
export type Job = WriteRequest & {
  readonly bytes: number;
  readonly deadline: number;
  readonly resolve: (answer: WriteAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** Per step: the row that the write expects; undefined where it need not be known. */
  readonly current: (Stored | null | undefined)[];
  /** The state in `current` was told by the write before, which may have happened before this one was asked for. */
  hinted: boolean;
  decisions: (Decision | Kept)[];
  /** Milliseconds since 1970. */
  decidedAt: number;
  attempts: number;
  /** Sent by itself: several steps, or retried after its batch failed. */
  alone: boolean;
  sent: boolean;
  /** Answered because it waited too long: must not be written any more. */
  expired: boolean;
  /** Among those under way; null until it is. */
  place: Place<Job> | null;
};

/** Which step of which job a row of a commit is. */
export type Owner = { readonly job: Job; readonly step: number };

/** The merged entry keeps the version that it came with. */
type Kept = { readonly do: "keep"; readonly entry: Entry };

export function bytesOf(operation: Operation | Restore): number {
  if (operation.kind === "put") return 200 + (operation.value.body?.length ?? 0);
  if (operation.kind === "restore" && operation.entry.kind === "value")
    return 200 + (operation.entry.body?.length ?? 0);
  return 200;
}

export function isRestore(job: Job): boolean {
  return job.steps[0]?.operation.kind === "restore";
}

/** Several steps are written together, so all of them are guarded. */
export function isNeeded(job: Job, step: Step): boolean {
  return job.steps.length > 1 || step.operation.kind === "restore" || needsCurrent(step.operation);
}

export function needsReading(job: Job): boolean {
  return job.steps.some((step, i) => job.current[i] === undefined && isNeeded(job, step));
}

function isHeldBack(job: Job): boolean {
  return job.allOrNothing && job.decisions.some((decision) => decision.do === "refuse");
}

export function isWriting(job: Job): boolean {
  return !isHeldBack(job) && job.decisions.some((decision) => decision.do === "write" || decision.do === "keep");
}

/** What a deleted namespace left behind counts as absent, though its row is there. */
function visible(stored: Stored | null, epoch: bigint): Stored | null {
  return stored !== null && stored.entry.version.time > epoch ? stored : null;
}

export function decideStep(step: Step, current: Stored | null, now: number, origin: string): Decision | Kept {
  const stored = visible(current, step.epoch);
  if (step.operation.kind !== "restore") return decide(step.operation, stored, now, origin);
  const merged = merge(stored?.entry ?? null, step.operation.entry)!;
  return merged === stored?.entry ? { do: "nothing" } : { do: "keep", entry: merged };
}

export function toCommit(
  batch: readonly Job[],
  origin: string,
  clock: bigint,
  now: number,
): { request: Commit; owners: Owner[] } {
  const writes: Write[] = [];
  const holds: Hold[] = [];
  const receipts: Receipt[] = [];
  const owners: Owner[] = [];
  const atomic = batch[0]!.steps.length > 1;
  for (const job of batch) {
    const heldBack = isHeldBack(job);
    let path: Path | null = null;
    job.steps.forEach((step, i) => {
      const decision = job.decisions[i]!;
      const current = job.current[i];
      if (heldBack) return;
      if (decision.do === "write" || decision.do === "keep") {
        const expects = current === undefined ? null : (current?.changed ?? 0);
        const kept =
          decision.do === "keep" ? { version: decision.entry.version, seen: decision.entry.seen } : undefined;
        const draft = decision.do === "keep" ? decision.entry : decision.draft;
        const { epoch, homeEpoch } = step;
        const home = homeEpoch !== undefined && { homeEpoch };
        writes.push({ path: step.path, epoch, ...home, expects, draft, ...(kept && { kept }) });
        owners.push({ job, step: i });
        path = step.path;
      } else if (atomic) {
        holds.push({ path: step.path, expects: current?.changed ?? 0 });
      }
    });
    if (job.receipt) {
      receipts.push({
        ...job.receipt,
        answer: answerOf(
          job.steps,
          job.steps.map((_, i) => foreseen(job, i, origin)),
        ),
        path: atomic ? null : path,
        ...(job.steps[0] && { namespace: namespaceOf(job.steps[0].path) }),
      });
    }
  }
  return {
    owners,
    request: {
      writes,
      holds,
      receipts,
      atomic: atomic && writes.length > 0,
      keepVersions: isRestore(batch[0]!),
      clock,
      now,
    },
  };
}

/** A step's result as far as it is known before the commit: without version. */
function foreseen(job: Job, i: number, origin: string): StepResult {
  const decision = job.decisions[i]!;
  if (decision.do !== "write" || isHeldBack(job)) return unwritten(job, i);
  const entry = stamp(decision.draft, 0n, origin, {});
  return { ok: true, written: true, replaced: decision.replaces, stored: { entry, changed: 0 } };
}

/** The result of a step that writes nothing. What had expired when it was decided is not shown, and not kept for retries. */
export function unwritten(job: Job, i: number): StepResult {
  const decision = job.decisions[i]!;
  const stored = visible(job.current[i] ?? null, job.steps[i]!.epoch);
  if (decision.do === "refuse") return { ok: false, reason: decision.reason, current: decision.current, stored };
  return { ok: true, written: false, replaced: false, stored: isLive(stored?.entry, job.decidedAt) ? stored : null };
}

export function applied(job: Job, i: number, stamped: Stamp, origin: string) {
  const decision = job.decisions[i]! as Exclude<Decision | Kept, { do: "nothing" | "refuse" }>;
  const entry = decision.do === "keep" ? decision.entry : stamp(decision.draft, stamped.time, origin, stamped.seen);
  return { ok: true as const, written: true, replaced: stamped.replaced, stored: { entry, changed: stamped.changed } };
}
