/**
 * First answers as they are kept for retries: the results of a write in JSON. Versions are not in it, because they are
 * given by the very statement that keeps the answer; it keeps them beside it.
 */
import type { Refusal } from "../kv/decide.ts";
import { stamp } from "../kv/decide.ts";
import type { Cell, Entry, Stored } from "../kv/entry.ts";
import { formatVersion, parseVersion, zeroVersion } from "../kv/version.ts";
import type { Step, StepResult } from "./jobs.ts";
import type { KeptReceipt } from "./port.ts";

/** Values of reads inside a transaction are kept up to this size in all; beyond it a retry gets the statuses only. */
const maxKeptBytes = 64 * 1024;

type EntryJson = {
  kind: "value" | "tombstone" | "counter";
  /** Of entries that were found; those that were written get theirs from the receipt. */
  version?: string;
  size?: number;
  body?: string;
  blob?: string | null;
  contentType?: string | null;
  contentEncoding?: string | null;
  meta?: string | null;
  expiresAt?: number | null;
  epoch?: string | null;
  cells?: Record<string, [string, number]>;
};
type ResultJson = { reason?: Refusal; written: boolean; entry: EntryJson | null };

/** The answer to keep, from results whose written entries have no version yet. */
export function answerOf(steps: readonly Step[], results: readonly StepResult[]): unknown {
  let left = maxKeptBytes;
  return results.map((result, i): ResultJson => {
    const written = result.ok && result.written;
    const seen = result.ok ? result.stored?.entry : result.current;
    const entry = seen ? entryJson(seen) : null;
    if (entry && steps[i]!.operation.kind === "get" && seen?.kind === "value" && seen.body) {
      left -= seen.size;
      if (left >= 0) entry.body = Buffer.from(seen.body).toString("base64");
    }
    return { ...(!result.ok && { reason: result.reason }), written, entry };
  });
}

/** The results that a kept answer stands for. Bodies of written values are not among them. */
export function resultsOf(kept: KeptReceipt, steps: readonly Step[]): StepResult[] {
  return (kept.answer as ResultJson[]).map((result, i): StepResult => {
    const became = kept.written.get(steps[i]!.path);
    const stored = result.entry && storedOf(result.entry, became?.time ?? null, became?.origin ?? "", kept.seen);
    if (result.reason) return { ok: false, reason: result.reason, current: stored?.entry ?? null, stored };
    return { ok: true, written: result.written, replaced: became?.replaced ?? false, stored };
  });
}

function entryJson(entry: Entry): EntryJson {
  const version = entry.version.time === 0n ? {} : { version: formatVersion(entry.version) };
  if (entry.kind === "tombstone") return { kind: "tombstone", ...version };
  if (entry.kind === "counter") {
    const cells = Object.fromEntries(
      Object.entries(entry.cells).map(([o, cell]) => [o, [String(cell.time), cell.sum] as [string, number]]),
    );
    return { kind: "counter", ...version, cells, epoch: entry.epoch.origin === "" ? null : formatVersion(entry.epoch) };
  }
  const { size, blob, contentType, contentEncoding, meta, expiresAt } = entry;
  return { kind: "value", ...version, size, blob, contentType, contentEncoding, meta, expiresAt };
}

function storedOf(json: EntryJson, time: bigint | null, origin: string, changed: number): Stored {
  const version = json.version === undefined ? null : parseVersion(json.version);
  if (json.kind === "tombstone") {
    return { changed, entry: { kind: "tombstone", seen: {}, version: version ?? { time: time ?? 0n, origin } } };
  }
  if (json.kind === "counter") {
    const cells: Record<string, Cell> = {};
    for (const [name, [at, sum]] of Object.entries(json.cells!)) cells[name] = { time: BigInt(at), sum };
    const epoch = json.epoch == null ? zeroVersion : parseVersion(json.epoch)!;
    const draft = { kind: "counter" as const, cells, epoch };
    if (time !== null) return { changed, entry: stamp(draft, time, origin, {}) };
    return { changed, entry: { ...draft, seen: {}, version: version! } };
  }
  return {
    changed,
    entry: {
      kind: "value",
      seen: {},
      version: version ?? { time: time ?? 0n, origin },
      size: json.size!,
      body: json.body === undefined ? null : Buffer.from(json.body, "base64"),
      blob: json.blob ?? null,
      contentType: json.contentType ?? null,
      contentEncoding: json.contentEncoding ?? null,
      meta: json.meta ?? null,
      expiresAt: json.expiresAt ?? null,
    },
  };
}
