/**
 * One entry: `/v1/kv/{ns}/{key}`. The hot path. It works on Node's own request and response, because the key is all of the
 * raw request target behind the namespace (a URL parser would normalise `..` away) and because each layer in between
 * costs a fifth of the throughput. A cached read is answered in the same turn of the event loop.
 */
import { pipeline } from "node:stream/promises";
import type { Cached } from "../cache/entries.ts";
import { matches } from "../kv/decide.ts";
import { isLive } from "../kv/entry.ts";
import { pathOf } from "../kv/path.ts";
import type { Session } from "../kv/session.ts";
import { type Access, accessEntry, accessNow } from "./access.ts";
import { writeEntry } from "./entry-writes.ts";
import { type Exchange, sendProblem, sendSoon } from "./exchange.ts";
import { confirmHome, isDecidedAtHome, passToHome } from "./homes.ts";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import { parseRange, unsatisfiable } from "./range.ts";
import { refusalOf } from "./refusals.ts";
import { cacheControl, type Rendered, rendered } from "./render.ts";
import { checkKey, conditionsOf, consistencyOf, type HeaderOf, parseQuery, sessionOf } from "./request.ts";
import { conditionQuery, limits } from "./schemas.ts";
import type { Service } from "./service.ts";

export const entryRoute = "/v1/kv/{ns}/{key}";
const start = "/v1/kv/";
const privateCache = cacheControl(null);
const noParameters = conditionQuery.pick({});
const actions = ["touch", "increment"] as const;

export type Target = {
  readonly namespace: string;
  readonly key: string;
  readonly action: (typeof actions)[number] | null;
  readonly query: string;
};

/** Answers a request for an entry; false when the target is none, and nothing was done. */
export function entryRoutes(service: Service): (exchange: Exchange) => boolean {
  return (exchange) => {
    const url = exchange.req.url!;
    if (!url.startsWith(start)) return false;
    const slash = url.indexOf("/", start.length);
    const question = url.indexOf("?");
    if (slash === -1 || (question !== -1 && question < slash)) return false;
    exchange.route = entryRoute;
    if (question === -1 && exchange.req.method === "GET" && answerPlainRead(service, exchange, url, slash)) return true;
    answer(service, exchange, slash, question).catch((error) => sendProblem(exchange, error));
    return true;
  };
}

/**
 * A read without anything special: credential and namespace are known, and no header wants more than a look. From the
 * cache it is answered without waiting for anything. False when something needs more care; nothing was done then.
 */
function answerPlainRead(service: Service, exchange: Exchange, url: string, slash: number): boolean {
  const { authorization, ifNoneMatch, session: token, special } = exchange.head;
  if (special || authorization === undefined || url.length - slash > limits.keyBytes || !isPlain(url)) return false;
  if (slash === url.length - 1) return false;
  const session = token === undefined ? null : sessionOf(token);
  const who = accessNow(service, exchange, "read", url.slice(start.length, slash));
  // From here on it is counted, so it cannot be handed back.
  if (who === null) return false;
  const path = url.slice(start.length);
  const send = (record: Cached) => {
    if (sendPlain(service, exchange, record, who.namespace, session, ifNoneMatch)) return;
    sendRead(service, exchange, who, record, session).catch((error) => sendProblem(exchange, error));
  };
  const record = service.cache.peek(path);
  if (record !== undefined && (session === null || service.sessions.mayServe(record, session))) send(record);
  else service.sessions.read(path, "cached", session).then(send, (error) => sendProblem(exchange, error));
  return true;
}

/** Visible ASCII without escapes: the key is the text itself. */
function isPlain(url: string): boolean {
  return !/[^\x21-\x24\x26-\x7e]/.test(url);
}

/** False when the record is not a live value in memory, or the condition not simply its tag. */
function sendPlain(
  service: Service,
  exchange: Exchange,
  record: Cached,
  namespace: Namespace,
  session: Session | null,
  ifNoneMatch: string | undefined,
): boolean {
  if (!isVisible(record, namespace, service.now())) return false;
  const entry = rendered(record, service.sessions);
  if (entry.body === null || (ifNoneMatch !== undefined && ifNoneMatch !== entry.tag)) return false;
  const seen = sessionText(service, session, record, entry);
  if (ifNoneMatch !== undefined) {
    sendNotModified(exchange, entry, privateCache, seen);
    return true;
  }
  const headers = entry.headers.concat("Cache-Control", privateCache, "KV-Session", seen, "KV-Request-Id", exchange.id);
  if (exchange.limits.length > 0) headers.push(...exchange.limits);
  sendSoon(exchange, 200, headers, entry.body);
  return true;
}

async function answer(service: Service, exchange: Exchange, slash: number, question: number): Promise<void> {
  const { req } = exchange;
  const url = req.url!;
  const target = parseTarget(url, slash, question, req.method!);
  const header: HeaderOf = (name) => req.headers[name] as string | undefined;
  if (req.method === "GET" || req.method === "HEAD") return read(service, exchange, target, header);
  if (req.method === "POST" && target.action === null) {
    throw new Problem(
      "method-not-allowed",
      "expected POST on {key}:touch or {key}:increment",
      {},
      { Allow: "GET, HEAD, PUT, DELETE" },
    );
  }
  if (req.method !== "PUT" && req.method !== "DELETE" && req.method !== "POST") {
    throw new Problem(
      "method-not-allowed",
      `${req.method} is not a method of entries`,
      {},
      { Allow: "GET, HEAD, PUT, DELETE" },
    );
  }
  return writeEntry(service, exchange, target, header);
}

/** From the raw request target. The key is percent-decoded once; an action is a literal `:verb` at the end of a POST. */
function parseTarget(url: string, slash: number, question: number, method: string): Target {
  let raw = question === -1 ? url.slice(slash + 1) : url.slice(slash + 1, question);
  const action = method === "POST" ? (actions.find((verb) => raw.endsWith(`:${verb}`)) ?? null) : null;
  if (action !== null) raw = raw.slice(0, -action.length - 1);
  if (/[^\x21-\x7e]/.test(raw))
    throw new Problem("bad-key", "expected bytes outside of visible ASCII as %XX in the path");
  // A key of 512 bytes has at most three times as many characters in a path; no need to decode more.
  let key: string;
  try {
    key = raw.includes("%") ? decodeURIComponent(raw) : raw;
  } catch {
    throw new Problem("bad-key", "expected the key as percent-encoded UTF-8, found an escape that is not");
  }
  checkKey(key);
  return {
    namespace: url.slice(start.length, slash),
    key,
    action,
    query: question === -1 ? "" : url.slice(question + 1),
  };
}

async function read(service: Service, exchange: Exchange, target: Target, header: HeaderOf): Promise<void> {
  const who = await accessEntry(service, exchange, target.namespace);
  const consistency = consistencyOf(header("kv-consistency"));
  const isStrong = consistency === "strong";
  if (isStrong && !isDecidedAtHome(service, exchange, who.namespace, "a strong read"))
    return passToHome(service, exchange, who.namespace);
  if (target.query !== "") parseQuery(noParameters, target.query);
  const session = sessionOf(header("kv-session"));
  const record = await service.sessions.read(pathOf(target.namespace, target.key), consistency, session);
  if (isStrong) await confirmHome(service, who.namespace);
  await sendRead(service, exchange, who, record, session);
}

/** Answers with what was found, as conditions and range want it. */
async function sendRead(
  service: Service,
  exchange: Exchange,
  who: Access,
  record: Cached,
  session: Session | null,
): Promise<void> {
  const header: HeaderOf = (name) => exchange.req.headers[name] as string | undefined;
  const conditions = conditionsOf(header, undefined);
  const visible = isVisible(record, who.namespace, service.now());
  const publicMaxAge = who.principal === null ? who.namespace.settings.public_max_age : null;
  const current = visible ? record.stored!.entry : null;
  const seen = service.sessions.token(session, record.stored);
  if (conditions.ifMatch !== null && !matches(conditions.ifMatch, current)) {
    throw refusalOf("condition-failed", current, { "KV-Session": seen });
  }
  if (!visible) throw refusalOf("not-found", null, { "KV-Session": seen });
  const entry = rendered(record, service.sessions);
  const token = sessionText(service, session, record, entry);
  if (conditions.ifNoneMatch !== null && matches(conditions.ifNoneMatch, current)) {
    sendNotModified(exchange, entry, cacheControl(publicMaxAge), token);
    return;
  }
  await sendEntry(service, exchange, record, entry, cacheControl(publicMaxAge), token);
}

function isVisible(record: Cached, namespace: Namespace, now: number): boolean {
  return (
    record.stored !== null && isLive(record.stored.entry, now) && record.stored.entry.version.time > namespace.epoch
  );
}

function sessionText(service: Service, session: Session | null, record: Cached, entry: Rendered): string {
  if (session === null) return entry.session;
  return service.sessions.token(session, record.stored);
}

function sendNotModified({ res, id, limits }: Exchange, { tag }: Rendered, caching: string, session: string): void {
  const headers = ["ETag", tag, "Cache-Control", caching, "KV-Session", session, "KV-Request-Id", id, ...limits];
  res.writeHead(304, headers).end();
}

async function sendEntry(
  service: Service,
  exchange: Exchange,
  record: Cached,
  entry: Rendered,
  caching: string,
  session: string,
): Promise<void> {
  const { req, res, id, limits } = exchange;
  const ifRange = req.headers["if-range"];
  const range = ifRange === undefined || ifRange === entry.tag ? parseRange(req.headers.range, entry.size) : null;
  if (range === "outside") throw unsatisfiable(entry.size);
  const headers = [...entry.headers, "Cache-Control", caching, "KV-Session", session, "KV-Request-Id", id, ...limits];
  if (range !== null) {
    headers[headers.indexOf("Content-Length") + 1] = String(range.end - range.start + 1);
    headers.push("Content-Range", `bytes ${range.start}-${range.end}/${entry.size}`);
  }
  const status = range === null ? 200 : 206;
  if (req.method === "HEAD") {
    res.writeHead(status, headers).end();
    return;
  }
  if (entry.body !== null) {
    res.writeHead(status, headers).end(range === null ? entry.body : entry.body.subarray(range.start, range.end + 1));
    return;
  }
  const value = record.stored!.entry;
  const stream =
    value.kind === "value" && value.blob !== null ? await service.blobs.open(value.blob, range ?? undefined) : null;
  if (stream === null) throw new Error("the value's bytes are not there");
  res.writeHead(status, headers);
  await pipeline(stream, res);
}
