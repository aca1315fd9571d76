import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { problemOf, problemType } from "./problems.ts";

/** A request, its answer, and what is known of both from the start. */
export type Exchange = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** `KV-Request-Id`. */
  readonly id: string;
  readonly log: Logger;
  /** Template of the route, for metrics. */
  route: string;
};

const exchanges = new WeakMap<IncomingMessage, Exchange>();

/** Lets {@link exchangeOf} find it: routes of Hono get Node's request only. */
export function remember(exchange: Exchange): void {
  exchanges.set(exchange.req, exchange);
}

export function exchangeOf(req: IncomingMessage): Exchange {
  return exchanges.get(req)!;
}

/** Answers with the problem that `error` is; after the head was sent, ends the connection so that the cut shows. */
export function sendProblem({ req, res, id, log }: Exchange, error: unknown): void {
  const problem = problemOf(error);
  if (problem.code === "internal") log.error({ requestId: id, err: error }, "request failed");
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const headers = { ...problem.headers, "Content-Type": problemType, "Cache-Control": "no-store", "KV-Request-Id": id };
  const body = JSON.stringify(problem.body(id));
  res.writeHead(problem.status, { ...headers, "Content-Length": Buffer.byteLength(body) });
  res.end(req.method === "HEAD" ? undefined : body);
  // The rest of a refused body is read and thrown away, for a while: closing at once would lose the answer on its way.
  if (!req.complete) setTimeout(() => req.complete || req.destroy(), restTimeout).unref();
}

/** Milliseconds that a client gets to end a body that was refused. */
const restTimeout = 5000;
