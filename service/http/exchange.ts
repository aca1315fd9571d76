import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Principal } from "./auth.ts";
import type { Head } from "./head.ts";
import { type Problem, problemOf, problemType } from "./problems.ts";
import type { LimitHeaders } from "./rate-limits.ts";

/** A request, its answer, and what is known of both from the start. */
export type Exchange = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly head: Head;
  /** `KV-Request-Id`. */
  readonly id: string;
  readonly log: Logger;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** Template of the route, for metrics. */
  route: string;
  /** Who asks; null while that is not known. */
  principal: Principal | null;
  /** The cloud that the client has asked; null: this one. */
  readonly passedBy: string | null;
  /** What the answer must say of rate limits. */
  limits: LimitHeaders;
  /** An answer that leaves in the turn of its request needs no one to watch for its end. */
  state: "open" | "leaving" | "watched";
  /** Called with the exchange when the answer has left without having been watched. */
  readonly onSent: (exchange: Exchange) => void;
};

const exchanges = new WeakMap<IncomingMessage, Exchange>();

/** Lets {@link exchangeOf} find it: routes of Hono get Node's request only. */
export function remember(exchange: Exchange): void {
  exchanges.set(exchange.req, exchange);
}

export function exchangeOf(req: IncomingMessage): Exchange {
  return exchanges.get(req)!;
}

/** What the log says of a request: never its key, value or credential. */
export function describe({ req, res, id, route }: Exchange): Record<string, unknown> {
  const trace = /^00-([0-9a-f]{32})-/.exec((req.headers.traceparent as string | undefined) ?? "")?.[1];
  return { requestId: id, ...(trace && { traceId: trace }), method: req.method, route, status: res.statusCode };
}

/** Logs what ended a request unexpectedly. Problems are answers, and are not logged; nor are clients that went away. */
export function logUnexpected(exchange: Exchange, problem: Problem, error: unknown): void {
  if (problem.code !== "internal" || exchange.res.destroyed || exchange.req.errored !== null) return;
  exchange.log.error({ ...describe(exchange), err: error }, "request failed");
}

/** Answers with the problem that `error` is; after the head was sent, ends the connection so that the cut shows. */
export function sendProblem(exchange: Exchange, error: unknown): void {
  const { req, res, id } = exchange;
  const problem = problemOf(error);
  logUnexpected(exchange, problem, error);
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const headers = problemHeaders(exchange, problem);
  const body = JSON.stringify(problem.body(id));
  res.writeHead(problem.status, { ...headers, "Content-Length": Buffer.byteLength(body) });
  res.end(req.method === "HEAD" ? undefined : body);
  // The rest of a refused body is read and thrown away, for a while: closing at once would lose the answer on its way.
  if (req.complete) return;
  req.resume();
  setTimeout(() => req.complete || req.destroy(), restTimeout).unref();
}

export function problemHeaders({ id, limits }: Exchange, problem: Problem): Record<string, string> {
  return {
    ...asRecord(limits),
    ...problem.headers,
    "Content-Type": problemType,
    "Cache-Control": "no-store",
    "KV-Request-Id": id,
  };
}

/** What every answer beside those of entries says: it is not to be kept, which request it answers, and the limits. */
export function commonHeaders({ id, limits }: Exchange): Record<string, string> {
  return { "Cache-Control": "no-store", ...asRecord(limits), "KV-Request-Id": id };
}

function asRecord(flat: LimitHeaders): Record<string, string> {
  const record: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) record[flat[i]!] = flat[i + 1]!;
  return record;
}

/** Milliseconds that a client gets to end a body that was refused. */
const restTimeout = 5000;

type Answer = {
  readonly exchange: Exchange;
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer | null;
};

let answers: Answer[] = [];

/**
 * Answers at the end of this turn of the event loop. Written right behind each other, the answers of a turn wake up
 * those who wait for them once; written as they come up, each of them does, for a third of the work of a cached read.
 * `headers` is a flat list of names and values.
 */
export function sendSoon(exchange: Exchange, status: number, headers: readonly string[], body: Buffer | null): void {
  if (exchange.state === "open") exchange.state = "leaving";
  if (answers.push({ exchange, status, headers, body }) === 1) setImmediate(sendAll);
}

function sendAll(): void {
  const due = answers;
  answers = [];
  for (const { exchange, status, headers, body } of due) {
    try {
      exchange.res.writeHead(status, headers as string[]).end(body);
    } catch (error) {
      sendProblem(exchange, error);
    }
    if (exchange.state === "leaving") exchange.onSent(exchange);
  }
}
