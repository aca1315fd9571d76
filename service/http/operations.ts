/** Operations in JSON, as batches and transactions have them: from the request to the domain, and from results to the answer. */
import type { z } from "@hono/zod-openapi";
import { type Conditions, type Operation, type Tags, unconditional } from "../kv/decide.ts";
import { counterValue, type Stored, tagOf } from "../kv/entry.ts";
import { formatVersion } from "../kv/version.ts";
import type { StepResult } from "../store/jobs.ts";
import type { Verb } from "./auth.ts";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import { refusalOf } from "./refusals.ts";
import { decodeValue, encodeValue, entryJson, timestamp } from "./render.ts";
import { metaOf, tooLarge } from "./request.ts";
import { limits, type OperationInput, type operationResult } from "./schemas.ts";
import type { Service } from "./service.ts";
import { expiryOf } from "./writes.ts";

export type ResultJson = z.input<typeof operationResult>;

/** The scopes that a list of operations needs. */
export function verbsOf(inputs: readonly OperationInput[]): Verb[] {
  const reads = inputs.some(({ op }) => op === "get" || op === "check");
  const writes = inputs.some(({ op }) => op !== "get" && op !== "check");
  return [...(reads ? (["read"] as const) : []), ...(writes ? (["write"] as const) : [])];
}

/** Throws the problem of an operation that the namespace does not take. Large values go to the blobs port here. */
export async function operationFrom(service: Service, namespace: Namespace, input: OperationInput): Promise<Operation> {
  const { settings } = namespace;
  const conditions = "if_match" in input || "if_none_match" in input ? conditionsFrom(input as never) : unconditional;
  const isConditional = conditions.ifMatch !== null || conditions.ifNoneMatch !== null;
  if (
    settings.require_condition &&
    !isConditional &&
    (input.op === "put" || input.op === "delete" || input.op === "touch")
  ) {
    throw new Problem(
      "condition-required",
      "the namespace takes conditional writes only; add if_match or if_none_match",
    );
  }
  switch (input.op) {
    case "get":
      return { kind: "get", conditions: unconditional };
    case "check":
      return { kind: "check", conditions };
    case "delete":
      return { kind: "delete", conditions };
    case "increment":
      return { kind: "increment", by: input.by, conditions: unconditional };
    case "touch":
      return { kind: "touch", conditions, expiry: expiryOf(timingOf(input), namespace, service.now()) };
    case "put":
      return {
        kind: "put",
        conditions,
        expiry: expiryOf(timingOf(input), namespace, service.now()),
        value: await valueFrom(service, settings.max_value_bytes, input),
      };
  }
}

type PutInput = Extract<OperationInput, { op: "put" }>;

/** What is to be kept of a value in JSON: of a put, or of a line of an import. */
export async function valueFrom(
  { blobs }: Service,
  limit: number,
  input: Pick<PutInput, "value" | "encoding" | "content_type" | "content_encoding" | "meta">,
) {
  const body = decodeValue(input.value, input.encoding);
  if (body === null) throw new Problem("bad-body", `expected the value in ${input.encoding}`);
  if (body.length > limit) throw tooLarge("a value in this namespace", limit, body.length);
  const facts = {
    size: body.length,
    contentType: input.content_type ?? null,
    contentEncoding: input.content_encoding ?? null,
    meta: input.meta == null ? null : metaOf(asciiJson(input.meta)),
  };
  if (body.length <= limits.inlineBytes) return { ...facts, body, blob: null };
  const { digest } = await blobs.put(chunksOf(body), limit);
  return { ...facts, body: null, blob: digest };
}

async function* chunksOf(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** Metadata travels in a header: ASCII. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function timingOf(input: { ttl?: number | "none" | undefined; keep_ttl?: boolean | undefined }): {
  ttl?: number | null;
  keep_ttl?: boolean;
} {
  if (input.ttl !== undefined && input.keep_ttl)
    throw new Problem("bad-body", "expected either ttl or keep_ttl, found both");
  if (input.keep_ttl) return { keep_ttl: true };
  return input.ttl === undefined
    ? {}
    : { ttl: input.ttl === "none" ? null : Math.max(1, Math.round(input.ttl * 1000)) };
}

function conditionsFrom(input: { if_match?: Tags | string; if_none_match?: Tags | string }): Conditions {
  const tags = (value: Tags | string | undefined): Tags | null =>
    value === undefined ? null : value === "*" ? "*" : typeof value === "string" ? [value] : value;
  return { ifMatch: tags(input.if_match), ifNoneMatch: tags(input.if_none_match) };
}

/** Room for values in one answer; what does not fit is marked omitted. */
export class ValueBudget {
  #left: number = limits.answerBytes;

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

/** An entry with its value, as far as the budget allows. Null when there is nothing to be seen. */
export async function entryWithValue(
  service: Service,
  key: string,
  stored: Stored | null,
  budget: ValueBudget,
  now = service.now(),
) {
  const json = entryJson(key, stored, now);
  if (json === null) return null;
  const { entry } = stored!;
  if (!budget.take(json.size)) return { ...json, omitted: true as const };
  if (entry.kind === "counter") return { ...json, ...encodeValue(Buffer.from(String(counterValue(entry)))) };
  if (entry.kind !== "value") return json;
  const bytes = entry.body ?? (entry.blob === null ? null : await readBlob(service, entry.blob));
  return bytes === null ? { ...json, omitted: true as const } : { ...json, ...encodeValue(bytes) };
}

export async function readBlob({ blobs }: Service, digest: string): Promise<Buffer | null> {
  const stream = await blobs.open(digest);
  if (stream === null) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A time at which nothing has expired: for entries whose expiry was looked at when they were read. */
export const alreadyJudged = 0;

/** What an operation by itself would have answered. What has expired by `now` is not shown. */
export async function resultJson(
  service: Service,
  input: OperationInput,
  namespace: Namespace,
  result: StepResult,
  budget: ValueBudget,
  now: number,
): Promise<ResultJson> {
  const { op, key } = input;
  if (!result.ok) return failedJson(input, refusalOf(result.reason, result.current));
  if (op === "check") return { op, key, status: 204 };
  const stored = result.stored;
  if (op === "get") {
    const visible = stored !== null && stored.entry.version.time > namespace.epoch ? stored : null;
    const found = await entryWithValue(service, key, visible, budget, now);
    return found ? { op, key, status: 200, entry: found } : { op, key, status: 404 };
  }
  const entry = stored!.entry;
  const state = { version: formatVersion(entry.version), etag: tagOf(entry) };
  if (op === "delete") return { op, key, status: 204, ...state };
  if (op === "increment" && entry.kind === "counter")
    return { op, key, status: 200, ...state, value: counterValue(entry) };
  const expires = entry.kind === "value" && entry.expiresAt !== null ? timestamp(entry.expiresAt) : null;
  return { op, key, status: op === "put" && !result.replaced ? 201 : 200, ...state, expires_at: expires };
}

export function failedJson({ op, key }: OperationInput, problem: Problem): ResultJson {
  return { op, key, status: problem.status, problem: problem.body() as ResultJson["problem"] };
}
