/** What an error means for the caller; every error of this library is a {@link SkyKVError} with one of these, or another code of the service. */
export type ErrorCode =
  /** No answer: name resolution, connection or transfer failed. A write may or may not have happened. */
  | "unreachable"
  /** No answer within `timeout` seconds. A write may or may not have happened. */
  | "timeout"
  /** The answer is not one that SkyKV gives: a proxy in between, or another service. */
  | "unexpected-answer"
  | "bad-request"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "namespace-not-found"
  /** 412: the entry is not in the demanded state; `current` says what it is. */
  | "condition-failed"
  /** 504: written in this cloud, perhaps not in the others; `version` says what (of several writes `problem.versions`). Never "failed". */
  | "unconfirmed"
  | "rate-limited"
  | "unavailable"
  | (string & {});

/** An RFC 9457 problem document, as the service sends it. */
export type Problem = { readonly [member: string]: unknown };

type Facts = {
  status?: number;
  problem?: Problem;
  requestId?: string | null;
  retryAfter?: number | null;
  cause?: unknown;
};

/**
 * Anything that goes wrong with a request. Branch on `code`:
 *
 * ```ts
 * try {
 *   await users.put("42", text, { ifMatch: entry.etag });
 * } catch (error) {
 *   if (error instanceof SkyKVError && error.code === "condition-failed") return merge(error.current);
 *   throw error;
 * }
 * ```
 */
export class SkyKVError extends Error {
  override readonly name = "SkyKVError";
  readonly code: ErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What happened and what to do, in one sentence. */
  readonly detail: string;
  /** Names the request in the service's logs; null when there was no answer. */
  readonly requestId: string | null;
  /** Seconds after which the service asks to try again; null when it does not say. */
  readonly retryAfter: number | null;
  /** The whole problem document; empty when there was none. */
  readonly problem: Problem;

  constructor(code: ErrorCode, detail: string, facts: Facts = {}) {
    super(`${detail} (${code}${facts.status ? `, ${facts.status}` : ""})`, { cause: facts.cause });
    this.code = code;
    this.detail = detail;
    this.status = facts.status ?? 0;
    this.requestId = facts.requestId ?? null;
    this.retryAfter = facts.retryAfter ?? null;
    this.problem = facts.problem ?? {};
  }

  /** Of a failed condition: the entity tag of the entry as it is, or null when there is none. */
  get current(): string | null {
    return text(this.problem.current);
  }

  /** Of an unconfirmed write: its version. */
  get version(): string | null {
    return text(this.problem.version);
  }

  /** Of an exceeded limit: the most that is allowed. Bytes, or what `detail` says. */
  get limit(): number | null {
    return number(this.problem.limit);
  }

  /** Of an exceeded limit: what was sent, in the unit of `limit`. */
  get actual(): number | null {
    return number(this.problem.actual);
  }

  /** Of a transaction: the position of the operation that failed. */
  get index(): number | null {
    return number(this.problem.index);
  }

  /** Of a transaction, a batch or an import: the key at fault. */
  get key(): string | null {
    return text(this.problem.key);
  }
}

const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  400: "bad-request",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  412: "condition-failed",
  429: "rate-limited",
  503: "unavailable",
};

/** The error that a problem document describes. */
export function fromProblem(problem: Problem, status: number): SkyKVError {
  const code = text(problem.code) ?? codesByStatus[status] ?? "unexpected-answer";
  const detail = text(problem.detail) ?? text(problem.title) ?? `the service answered ${status}`;
  return new SkyKVError(code, detail, { status, problem, requestId: text(problem.instance) });
}

/** More than any problem document; an answer of something else is cut there. */
const maxProblemBytes = 64 * 1024;

/** The error that an answer with a status outside 2xx means. Reads the body. */
export async function fromResponse(response: Response): Promise<SkyKVError> {
  const { status } = response;
  const location = response.headers.get("location");
  if (location !== null) {
    return new SkyKVError("unexpected-answer", `the service has moved to ${location}: use that URL`, { status });
  }
  const body = (await response.text().catch(() => "")).slice(0, maxProblemBytes);
  const requestId = response.headers.get("kv-request-id");
  const retryAfter = secondsOf(response.headers.get("retry-after"));
  const problem = parseObject(body);
  if (problem && text(problem.code)) {
    const { code, detail } = fromProblem(problem, status);
    return new SkyKVError(code, detail, {
      status,
      problem,
      requestId: requestId ?? text(problem.instance),
      retryAfter,
    });
  }
  // An answer to HEAD has no body. An answer without a request id comes from something in between.
  const code = (requestId === null ? undefined : codesByStatus[status]) ?? "unexpected-answer";
  const excerpt = body.replace(/\s+/g, " ").trim().slice(0, 200);
  return new SkyKVError(code, `the service answered ${status}${excerpt ? `: ${excerpt}` : ""}`, {
    status,
    requestId,
    retryAfter,
  });
}

/** The error that a failed `fetch` or a broken body means. */
export function fromFailure(cause: unknown, url: string): SkyKVError {
  const reason = rootOf(cause);
  return new SkyKVError("unreachable", `no answer from ${new URL(url).origin}: ${reason}`, { cause });
}

/** Whether the same request may succeed a little later. */
export function isTransient(error: unknown): error is SkyKVError {
  if (!(error instanceof SkyKVError)) return false;
  if (error.code === "unreachable" || error.code === "timeout") return true;
  // An unconfirmed write is an answer, not a failure: repeating it would only wait again.
  if (error.code === "unconfirmed") return false;
  return error.status === 429 || error.status === 502 || error.status === 503 || error.status === 504 || isEdge(error);
}

/** Cloudflare's own statuses, 520 to 530: no answer came from the service, as with a broken connection. */
function isEdge({ status }: SkyKVError): boolean {
  return status >= 520 && status <= 530;
}

function rootOf(cause: unknown): string {
  let reason: unknown = cause;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  if (!(reason instanceof Error)) return String(reason);
  // Node gathers the failures of several addresses in an error without a message.
  if (reason.message === "" && "code" in reason) return String(reason.code);
  return reason.message;
}

function secondsOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, (date - Date.now()) / 1000);
}

function parseObject(body: string): Problem | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Problem) : null;
  } catch {
    return null;
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
