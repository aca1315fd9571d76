import { encodeText } from "./bytes.ts";
import type { CounterParts, Meta } from "./entry.ts";
import { fromProblem, isTransient, type Problem, SkyKVError } from "./errors.ts";
import { maxBreaks } from "./export.ts";
import { type CallOptions, linesOf, parseLine, pauseAfter, sleep, type Transport } from "./http.ts";
import { bodyOf, type Json, wireValue } from "./value.ts";

/** What an import writes; a `ValueEntry` of an export is one. */
export type ImportRecord = {
  readonly key: string;
  readonly value: string | Uint8Array | Json;
  readonly kind?: "value" | "counter" | undefined;
  readonly contentType?: string | null | undefined;
  readonly contentEncoding?: string | null | undefined;
  readonly meta?: Meta | null | undefined;
  /** Null: never, whatever the namespace's default; absent: that default. */
  readonly expiresAt?: Date | null | undefined;
  /** Counts with `versions: "keep"` only. */
  readonly version?: string | undefined;
  /** Of a counter; counts with `versions: "keep"` only. */
  readonly counter?: CounterParts | null | undefined;
};

export type ImportProgress = {
  /** Records that the service has read and committed, or refused. */
  readonly records: number;
  readonly imported: number;
  readonly failed: number;
};

export type ImportResult = ImportProgress & {
  /** Why records failed: the first 100. `line` counts from 1. */
  readonly errors: readonly { readonly line: number; readonly key: string | null; readonly error: SkyKVError }[];
};

/** `timeout` bounds the time until the answer to one part of the import begins; 600 unless told. */
export type ImportOptions = CallOptions & {
  /** `new` (default): every record is a new write. `keep`: the records' own versions are merged, to restore; needs an `admin` key. */
  versions?: "new" | "keep" | undefined;
  /** Called after each part that the service has committed, at least once a second while it works. */
  onProgress?: ((progress: ImportProgress) => void) | undefined;
};

export type UnitOptions = ImportOptions & {
  /** `jsonl` (default): a unit is a line with its line feed. `tar`: a unit is a member with its headers and padding. */
  format?: "jsonl" | "tar" | undefined;
};

/** Seconds until the answer to a part begins, which is after its upload where something in between collects it. */
const partTimeout = 600;
/** Bytes of one request: what is held in memory to be sent again after a break, twice, as the next part is read ahead. */
const partBytes = 4 * 2 ** 20;

/** See `Namespace.import`. */
export function importRecords(
  transport: Transport,
  namespace: string,
  records: Iterable<ImportRecord> | AsyncIterable<ImportRecord>,
  options: ImportOptions,
): Promise<ImportResult> {
  const keep = options.versions === "keep";
  async function* lines() {
    for await (const record of records) yield encodeText(`${JSON.stringify(wireRecord(record, keep))}\n`);
  }
  return importUnits(transport, namespace, lines(), options);
}

/**
 * Sends units in parts of a bounded size, one request each, so that neither a connection nor a proxy's
 * limits have to bear the whole. See `Namespace.importUnits`.
 */
export async function importUnits(
  transport: Transport,
  namespace: string,
  units: AsyncIterable<Uint8Array>,
  options: UnitOptions,
): Promise<ImportResult> {
  const totals: Totals = { records: 0, imported: 0, failed: 0, errors: [] };
  const parts = partsOf(units);
  let part = await parts.next();
  while (!part.done) {
    const following = parts.next();
    // Awaited below; until then its failure is not unhandled.
    following.catch(() => {});
    try {
      await importPart(transport, namespace, part.value, totals, options);
    } catch (error) {
      // Not awaited: a source that hangs would hold the error up.
      void parts.return();
      throw error;
    }
    part = await following;
  }
  return totals;
}

type Totals = { records: number; imported: number; failed: number; errors: ImportResult["errors"][number][] };

const maxErrors = 100;

/** Imports a part, again from the first unit that was not committed after a break. */
async function importPart(
  transport: Transport,
  namespace: string,
  part: Uint8Array[],
  totals: Totals,
  options: UnitOptions,
): Promise<void> {
  for (let breaks = 0; ; breaks++) {
    const attempt: Progress = { line: 0, imported: 0, failed: 0, errors: [] };
    const { records, imported, failed } = totals;
    const settle = () => {
      totals.records = records + attempt.line;
      totals.imported = imported + attempt.imported;
      totals.failed = failed + attempt.failed;
      options.onProgress?.({ records: totals.records, imported: totals.imported, failed: totals.failed });
    };
    let failure: unknown = null;
    try {
      await send(transport, namespace, part, options, attempt, settle);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (!isTransient(error)) throw error;
      failure = error;
    }
    for (const { line, key, problem } of attempt.errors) {
      // Behind the last commit: its line is sent again, and fails again.
      if (line > attempt.line || totals.errors.length === maxErrors) continue;
      totals.errors.push({ line: records + line, key, error: fromProblem(problem, Number(problem.status ?? 0)) });
    }
    if (failure === null) return;
    part = part.slice(attempt.line);
    if (attempt.line > 0) breaks = 0;
    if (breaks >= maxBreaks) throw failure;
    await sleep(pauseAfter(breaks, failure), options.signal);
  }
}

type Progress = {
  line: number;
  imported: number;
  failed: number;
  errors: { line: number; key: string | null; problem: Problem }[];
};

type WireProgress = {
  type: "progress" | "error" | "end";
  line: number;
  imported?: number;
  failed?: number;
  session?: string;
  key?: string;
  problem?: Problem;
};

async function send(
  transport: Transport,
  namespace: string,
  part: Uint8Array[],
  options: UnitOptions,
  progress: Progress,
  onProgress: () => void,
): Promise<void> {
  const { format = "jsonl", versions } = options;
  // A tar archive ends with two empty blocks.
  const body = joined(format === "tar" ? [...part, new Uint8Array(1024)] : part);
  const query = { namespace, format, versions };
  const request = {
    method: "POST",
    path: "/v1/import",
    query,
    headers: { "content-type": types[format] },
    body: bodyOf(body),
    repeatable: false,
  } as const;
  const response = await transport.send(
    request,
    { ...options, timeout: options.timeout ?? partTimeout },
    (response) => response,
  );
  for await (const text of linesOf(response)) {
    const line = parseLine<WireProgress>(text);
    // Without a line it is the import itself that failed.
    if (line.type === "error" && line.line === 0)
      throw fromProblem(line.problem ?? {}, Number(line.problem?.status ?? 0));
    if (line.type === "error") {
      progress.errors.push({ line: line.line, key: line.key ?? null, problem: line.problem ?? {} });
      continue;
    }
    progress.line = line.line;
    progress.imported = line.imported ?? progress.imported;
    progress.failed = line.failed ?? progress.failed;
    if (line.session !== undefined) transport.session.accept(line.session);
    onProgress();
    if (line.type === "end") return;
  }
  throw new SkyKVError("unreachable", "the answer to an import ended before its last line");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const types = { jsonl: "application/jsonl", tar: "application/x-tar" };

async function* partsOf(units: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[], void> {
  let part: Uint8Array[] = [];
  let size = 0;
  for await (const unit of units) {
    if (size > 0 && size + unit.length > partBytes) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(unit);
    size += unit.length;
  }
  if (part.length > 0) yield part;
}

function wireRecord(record: ImportRecord, keepVersion: boolean): object {
  const { content_type, ...value } = wireValue(record.value);
  return {
    key: record.key,
    kind: record.kind,
    ...value,
    content_type: record.contentType ?? content_type,
    content_encoding: record.contentEncoding ?? undefined,
    meta: record.meta ?? undefined,
    expires_at: record.expiresAt === null ? null : record.expiresAt?.toISOString(),
    version: keepVersion ? record.version : undefined,
    counter: keepVersion ? (record.counter ?? undefined) : undefined,
  };
}
