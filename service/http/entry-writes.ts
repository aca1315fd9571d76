/** PUT, DELETE and the actions of one entry. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TooLargeError } from "../blobs/port.ts";
import type { Conditions, NewValue, Operation } from "../kv/decide.ts";
import { counterValue, tagOf } from "../kv/entry.ts";
import type { Session } from "../kv/session.ts";
import { formatVersion } from "../kv/version.ts";
import type { StepResult, WriteAnswer } from "../store/jobs.ts";
import { type Access, access, accessNow } from "./access.ts";
import { type Durability, durabilityOf, isConfirmed, unconfirmed } from "./durability.ts";
import type { Target } from "./entries.ts";
import { type Exchange, sendSoon } from "./exchange.ts";
import { isDecidedHere, passToHome } from "./homes.ts";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import { refusalOf } from "./refusals.ts";
import { cacheControl, stateHeaders } from "./render.ts";
import {
  conditionsOf,
  type HeaderOf,
  idempotencyKeyOf,
  metaOf,
  parse,
  parseJson,
  parseQuery,
  readBody,
  sessionOf,
  tooLarge,
} from "./request.ts";
import { conditionQuery, incrementBody, limits, writeQuery } from "./schemas.ts";
import type { Service } from "./service.ts";
import { expiryOf, prepareWrite, receiptScope, stepOn } from "./writes.ts";

export async function writeEntry(
  service: Service,
  exchange: Exchange,
  target: Target,
  header: HeaderOf,
): Promise<void> {
  const { req } = exchange;
  const who =
    accessNow(service, exchange, "write", target.namespace) ??
    (await access(service, exchange, "write", target.namespace));
  if (!isDecidedHere(service, exchange, who.namespace)) return passToHome(service, exchange, who.namespace);
  const { settings } = who.namespace;
  const schema = target.action === "increment" || req.method === "DELETE" ? conditionQuery : writeQuery;
  const query = target.query === "" ? {} : parseQuery(schema, target.query);
  const conditions = conditionsOf(header, query.if_version);
  const durability = durabilityOf(service, header("kv-durability"), settings.default_durability);
  const session = sessionOf(header("kv-session"));
  const idempotencyKey = idempotencyKeyOf(header("idempotency-key"));
  const isConditional = conditions.ifMatch !== null || conditions.ifNoneMatch !== null;
  if (settings.require_condition && target.action !== "increment" && !isConditional) {
    throw new Problem(
      "condition-required",
      "the namespace takes writes with If-Match or If-None-Match only; send one, or ?if_version=",
    );
  }
  const timing = "ttl" in query || "keep_ttl" in query ? (query as { ttl?: number | null; keep_ttl?: boolean }) : {};
  const operation = await operationOf(service, exchange, target, header, who.namespace, conditions, timing);
  const step = stepOn(who.namespace, target.key, operation);
  await prepareWrite(service, step.path, operation, session);
  const answer = await service.writer.write({
    steps: [step],
    allOrNothing: true,
    receipt: idempotencyKey === null ? null : receiptOf(who, exchange, idempotencyKey, target, header, operation),
  });
  const confirmed = !answer.results[0]!.ok || (await isConfirmed(service, durability, [step.path]));
  sendWritten(service, exchange, answer, operation, durability, confirmed, session);
}

async function operationOf(
  service: Service,
  { req }: Exchange,
  target: Target,
  header: HeaderOf,
  namespace: Namespace,
  conditions: Conditions,
  timing: { readonly ttl?: number | null; readonly keep_ttl?: boolean },
): Promise<Operation> {
  if (req.method === "PUT") {
    const value = await receiveValue(service, req, header, namespace.settings.max_value_bytes);
    return { kind: "put", value, expiry: expiryOf(timing, namespace, service.now()), conditions };
  }
  const body = (await readBody(req, 1024, 1024, "the body of this route")) as Buffer;
  if (req.method === "DELETE") return { kind: "delete", conditions };
  if (target.action === "touch") {
    return { kind: "touch", expiry: expiryOf(timing, namespace, service.now()), conditions };
  }
  return {
    kind: "increment",
    by: body.length === 0 ? 1 : parse(incrementBody, parseJson(body), "bad-body").by,
    conditions,
  };
}

async function receiveValue(
  service: Service,
  req: IncomingMessage,
  header: HeaderOf,
  limit: number,
): Promise<NewValue> {
  const contentType = plainHeader(header("content-type"), "Content-Type");
  const contentEncoding = plainHeader(header("content-encoding"), "Content-Encoding");
  if (header("content-range") !== undefined)
    throw new Problem("bad-request", "expected the whole value; a PUT of a part (Content-Range) is not offered");
  const facts = { contentType, contentEncoding, meta: metaOf(header("kv-meta")) };
  const body = await readBody(req, limit, limits.inlineBytes, "a value in this namespace");
  if (Buffer.isBuffer(body)) return { ...facts, body, blob: null, size: body.length };
  try {
    const { digest, size } = await service.blobs.put(body, limit);
    return { ...facts, body: null, blob: digest, size };
  } catch (error) {
    throw error instanceof TooLargeError ? tooLarge("a value in this namespace", limit) : error;
  }
}

function plainHeader(text: string | undefined, name: string): string | null {
  if (text === undefined || text === "") return null;
  if (text.length > limits.contentTypeBytes || !/^[\x20-\x7e]+$/.test(text)) {
    throw new Problem("bad-parameter", `expected ${name} of at most ${limits.contentTypeBytes} ASCII characters`, {
      limit: limits.contentTypeBytes,
      actual: text.length,
    });
  }
  return text;
}

/** Names the request for retries: who, where and how; and what it asked for, so that another one is told apart. */
function receiptOf(
  who: Access,
  { req }: Exchange,
  idempotencyKey: string,
  target: Target,
  header: HeaderOf,
  operation: Operation,
) {
  const asked = ["if-match", "if-none-match", "content-type", "content-encoding", "kv-meta"].map(
    (name) => header(name) ?? null,
  );
  const hash = createHash("sha256").update(JSON.stringify([target.query, asked]));
  if (operation.kind === "put") hash.update(operation.value.blob ?? operation.value.body!);
  if (operation.kind === "increment") hash.update(String(operation.by));
  return {
    scope: receiptScope(
      who.principal,
      who.namespace.name,
      req.method!,
      `${target.key}:${target.action ?? ""}`,
      idempotencyKey,
    ),
    fingerprint: hash.digest(),
  };
}

function sendWritten(
  service: Service,
  exchange: Exchange,
  answer: WriteAnswer,
  operation: Operation,
  durability: Durability,
  confirmed: boolean,
  session: Session | null,
): void {
  const result: StepResult = answer.results[0]!;
  const token = service.sessions.token(session, result.stored);
  if (!result.ok) {
    const headers = { "KV-Session": token, "KV-Durability": "local", ...(answer.replayed && replayed) };
    throw refusalOf(result.reason, result.current, headers);
  }
  const entry = result.stored!.entry;
  if (!confirmed) {
    const state = { version: formatVersion(entry.version), etag: tagOf(entry) };
    throw unconfirmed(durability, state, { "KV-Session": token, ...(answer.replayed && replayed) });
  }
  const headers = stateHeaders(entry);
  headers.push("Cache-Control", privateCache, "KV-Session", token, "KV-Durability", durability);
  headers.push("KV-Request-Id", exchange.id, ...exchange.limits);
  if (answer.replayed) headers.push(...Object.entries(replayed).flat());
  const { res } = exchange;
  if (operation.kind === "increment" && entry.kind === "counter") {
    const body = JSON.stringify({ value: counterValue(entry) });
    headers.push("Content-Type", "application/json", "Content-Length", String(body.length));
    res.writeHead(200, headers).end(body);
  } else if (operation.kind === "delete") {
    res.writeHead(204, headers).end();
  } else {
    headers.push("Content-Length", "0");
    sendSoon(exchange, operation.kind === "put" && !result.replaced ? 201 : 200, headers, null);
  }
}

const replayed = { "Idempotency-Replayed": "true" };
const privateCache = cacheControl(null);
