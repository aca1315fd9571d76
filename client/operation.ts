import { encodeText } from "./bytes.ts";
import { dateOf, entryOfJson, type Meta, ValueEntry, type WireEntry } from "./entry.ts";
import { fromProblem, type Problem, type SkyKVError } from "./errors.ts";
import { Json, wireValue } from "./value.ts";

/** States of the entry that an operation demands; the error of a failure has the code `condition-failed`. */
export type Conditions = {
  /** Only when the entry has this entity tag, or one of these; `"*"`: only when there is an entry. */
  ifMatch?: string | readonly string[] | undefined;
  /** Only when the entry has none of these entity tags. */
  ifNoneMatch?: string | readonly string[] | undefined;
};

export type Expiry = {
  /** Seconds from now, to the millisecond and at most ten years, or `"none"`. Absent: the namespace's default, which is none unless set. */
  ttl?: number | "none" | undefined;
  /** Keeps the expiry that the entry has. */
  keepTtl?: boolean | undefined;
};

export type PutFields = Conditions &
  Expiry & {
    /** Only when there is no entry: the same as `ifNoneMatch: "*"`. */
    createOnly?: boolean | undefined;
    /** Absent: `text/plain; charset=utf-8` for strings, `application/json` for {@link json}, a blob's own type, `application/octet-stream`. */
    contentType?: string | undefined;
    /** Stored and returned as it is; `get` then gives the decoded bytes, as HTTP does. */
    contentEncoding?: string | undefined;
    /** Replaces what was kept with the entry; absent: nothing is kept. */
    meta?: Meta | undefined;
  };

/** One step of a batch or a transaction. */
export type Operation =
  | { op: "get"; key: string }
  | ({ op: "put"; key: string; value: string | Uint8Array | Json } & PutFields)
  | ({ op: "delete"; key: string } & Conditions)
  | ({ op: "touch"; key: string } & Expiry & Conditions)
  | { op: "increment"; key: string; by?: number | undefined }
  /** Writes nothing: demands a state. */
  | ({ op: "check"; key: string } & Conditions);

export type OperationResult = {
  readonly op: Operation["op"];
  readonly key: string;
  /** What the operation by itself would have answered. */
  readonly status: number;
  /** Of a get that found something. */
  readonly entry: ValueEntry | null;
  /** Of a write. */
  readonly version: string | null;
  /** Of a write, without quotes. */
  readonly etag: string | null;
  readonly expiresAt: Date | null;
  /** Of an increment: the sum. */
  readonly value: number | null;
  /** Why it failed; null when it did not. A get that found nothing has status 404 and no error. */
  readonly error: SkyKVError | null;
};

/** Conditions as the service takes them in JSON. */
function wireConditions(fields: Conditions & { createOnly?: boolean | undefined }) {
  return { if_match: fields.ifMatch, if_none_match: demandedAbsence(fields) };
}

/** Of a put: `createOnly` is another word for `ifNoneMatch: "*"`. */
export function demandedAbsence(fields: Conditions & { createOnly?: boolean | undefined }) {
  if (!fields.createOnly) return fields.ifNoneMatch;
  if (fields.ifNoneMatch !== undefined) throw new TypeError("expected createOnly or ifNoneMatch, found both");
  return "*";
}

function wireExpiry({ ttl, keepTtl }: Expiry) {
  return { ttl, keep_ttl: keepTtl || undefined };
}

/** An operation as the service takes it; fields that are undefined leave no trace in JSON. */
export function wireOperation(operation: Operation): object {
  const { op, key } = operation;
  switch (operation.op) {
    case "get":
      return { op, key };
    case "put": {
      const { contentType, contentEncoding, meta } = operation;
      const { content_type, ...value } = wireValue(operation.value);
      const facts = { content_type: contentType ?? content_type, content_encoding: contentEncoding, meta };
      return { op, key, ...value, ...facts, ...wireExpiry(operation), ...wireConditions(operation) };
    }
    case "touch":
      return { op, key, ...wireExpiry(operation), ...wireConditions(operation) };
    case "increment":
      return { op, key, by: operation.by };
    default:
      return { op, key, ...wireConditions(operation) };
  }
}

export type WireResult = {
  op: Operation["op"];
  key: string;
  status: number;
  entry?: WireEntry;
  version?: string;
  etag?: string;
  expires_at?: string | null;
  value?: number;
  problem?: Problem;
};

export function resultOfJson(wire: WireResult): OperationResult {
  const entry = wire.entry ? entryOfJson(wire.entry) : null;
  return {
    op: wire.op,
    key: wire.key,
    status: wire.status,
    entry: entry instanceof ValueEntry ? entry : null,
    version: wire.version ?? null,
    etag: wire.etag ?? null,
    expiresAt: dateOf(wire.expires_at),
    value: wire.value ?? null,
    error: wire.problem ? fromProblem({ key: wire.key, ...wire.problem }, wire.status) : null,
  };
}

/** Operations in one batch, and bytes of its JSON, with room below the service's 10 MiB. */
const maxBatch = { operations: 1000, bytes: 8 * 2 ** 20 };

/** One request of a batch. */
export type Batch = {
  readonly body: Json;
  /** Whether it writes. */
  readonly writes: boolean;
  /** Whether no key occurs twice: only then can a repetition be recognised. */
  readonly distinct: boolean;
};

/** The operations in their order, in as few requests as hold them. */
export function* batchesOf(operations: readonly Operation[]): Generator<Batch> {
  let batch: Operation[] = [];
  let parts: string[] = [];
  let bytes = 0;
  const made = (): Batch => ({
    body: bodyOfParts(parts),
    writes: batch.some(({ op }) => op !== "get" && op !== "check"),
    distinct: new Set(batch.map(({ key }) => key)).size === batch.length,
  });
  for (const operation of operations) {
    const part = JSON.stringify(wireOperation(operation));
    const size = encodeText(part).length;
    if (parts.length === maxBatch.operations || (parts.length > 0 && bytes + size > maxBatch.bytes)) {
      yield made();
      batch = [];
      parts = [];
      bytes = 0;
    }
    batch.push(operation);
    parts.push(part);
    bytes += size;
  }
  if (parts.length > 0) yield made();
}

/** The body of a transaction, which cannot be parted. */
export function transactionBody(operations: readonly Operation[]): Json {
  return bodyOfParts(operations.map((operation) => JSON.stringify(wireOperation(operation))));
}

function bodyOfParts(parts: readonly string[]): Json {
  return new Json(`{"operations":[${parts.join(",")}]}`);
}
