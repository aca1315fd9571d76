import { HomeError } from "../replication/homes.ts";
import { MembershipError } from "../replication/membership.ts";
import { SessionBehindError } from "../sessions/sessions.ts";
import { FullError, UnavailableError, UncertainError } from "../store/port.ts";
import { OverloadedError } from "../store/reader.ts";
import {
  ClockSkewError,
  HomeMovedError,
  NamespaceGoneError,
  NotWrittenError,
  ReceiptMismatchError,
} from "../store/writer.ts";

/** Every code that the API answers with, its status and title. Codes are stable: clients branch on them. */
export const problemKinds = {
  "bad-request": [400, "The request is malformed"],
  "bad-parameter": [400, "A parameter is malformed or unknown"],
  "bad-condition": [400, "A condition is malformed"],
  "bad-cursor": [400, "The cursor is not one of ours"],
  "bad-session": [400, "The session token is malformed"],
  "bad-key": [400, "The key is not allowed"],
  "bad-body": [400, "The body is not what the route expects"],
  "duplicate-key": [400, "A key occurs twice"],
  "no-peers": [400, "There is no other cloud"],
  unauthorized: [401, "Credentials are missing or not valid"],
  forbidden: [403, "The credentials lack a scope"],
  "not-found": [404, "There is nothing here"],
  "namespace-not-found": [404, "There is no such namespace"],
  "method-not-allowed": [405, "The method is not allowed here"],
  "request-timeout": [408, "The request came too slowly"],
  "namespace-not-empty": [409, "The namespace holds entries"],
  "not-a-counter": [409, "The entry is not a counter"],
  "counter-never-expires": [409, "Counters have no expiry"],
  "wrong-cloud": [409, "Another cloud has to be asked"],
  "home-differs": [409, "The namespace has another home"],
  "membership-blocked": [409, "Something is in the way of the change of members"],
  "no-home": [409, "The namespace has no home cloud"],
  "cursor-gone": [410, "The cursor has expired"],
  "condition-failed": [412, "The entry is not in the expected state"],
  "too-large": [413, "The value or body is too large"],
  "key-too-long": [414, "The key is too long"],
  "range-not-satisfiable": [416, "The range lies outside of the value"],
  "unsupported-media-type": [415, "The content type is not one that the route takes"],
  "counter-overflow": [422, "The counter would leave the range of exact integers"],
  "idempotency-mismatch": [422, "The Idempotency-Key was used for another request"],
  "condition-required": [428, "The namespace takes conditional writes only"],
  "rate-limited": [429, "Too many requests"],
  "too-many-connections": [429, "Too many connections"],
  "headers-too-large": [431, "The headers or the metadata are too large"],
  internal: [500, "Something is wrong on our side"],
  unavailable: [503, "The store cannot be reached"],
  overloaded: [503, "Too much work waits"],
  contended: [503, "Other writers were faster every time"],
  "clock-skew": [503, "This process's clock is wrong"],
  uncertain: [503, "The write may or may not have happened"],
  "session-behind": [503, "This cloud has not yet seen what the session has"],
  draining: [503, "This process is shutting down"],
  "home-unreachable": [503, "The namespace's home cannot be reached"],
  "home-moving": [503, "The namespace's home is being moved"],
  unconfirmed: [504, "The write is not confirmed by other clouds"],
  "storage-full": [507, "The store is full"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof problemKinds;

export const problemType = "application/problem+json";

/** An answer that is not a success: RFC 9457. Thrown by handlers, rendered at the edge of the process. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` says what was expected, what was found and what to do. `members` are added to the JSON. */
  constructor(
    code: ProblemCode,
    detail: string,
    members: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail);
    this.code = code;
    this.status = problemKinds[code][0];
    this.members = members;
    this.headers = this.status === 503 ? { "Retry-After": "1", ...headers } : headers;
  }

  /** The JSON object of the answer. */
  body(instance?: string): Record<string, unknown> {
    return {
      type: `urn:skykv:problem:${this.code}`,
      title: problemKinds[this.code][1],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(instance !== undefined && { instance }),
      ...this.members,
    };
  }
}

export function namespaceNotFound(name: string): Problem {
  return new Problem("namespace-not-found", `there is no namespace ${name}; make it with PUT /v1/namespaces/${name}`);
}

function homeProblem({ reason, message }: HomeError): Problem {
  if (reason === "unknown") return new Problem("namespace-not-found", message);
  if (reason === "not-lost") return new Problem("home-differs", message);
  return new Problem(reason === "moving" ? "home-moving" : "home-unreachable", message);
}

/** What to answer when `error` ended a request. Anything unforeseen is 500 without a word of what it was. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof UnavailableError)
    return new Problem("unavailable", `${error.message}; nothing was done, try again`);
  if (error instanceof UncertainError) {
    return new Problem("uncertain", `${error.message}; read the entry, or retry with the same Idempotency-Key`);
  }
  if (error instanceof FullError)
    return new Problem("storage-full", "the disk is full; reads go on, writes wait for room");
  if (error instanceof OverloadedError)
    return new Problem("overloaded", `${error.message}; try again with fewer at once`);
  if (error instanceof SessionBehindError) {
    const detail = `${error.message}; try again, or leave out KV-Session to read what is here`;
    return new Problem("session-behind", detail, { clouds: error.clouds });
  }
  if (error instanceof NamespaceGoneError) return namespaceNotFound(error.namespace);
  if (error instanceof HomeMovedError)
    return new Problem("home-moving", `${error.message}; nothing was done, try again`);
  if (error instanceof HomeError) return homeProblem(error);
  if (error instanceof MembershipError)
    return new Problem("membership-blocked", error.message, { problems: error.problems });
  if (error instanceof NotWrittenError)
    return new Problem("contended", `${error.message}; nothing was written, try again`);
  if (error instanceof ClockSkewError) return new Problem("clock-skew", error.message);
  if (error instanceof ReceiptMismatchError) {
    return new Problem(
      "idempotency-mismatch",
      "the key was used with another request in the last 24 hours; use a new one",
    );
  }
  return new Problem("internal", "the request failed unexpectedly; its id is in the log");
}
