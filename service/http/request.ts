/** What requests carry besides their JSON: conditions, sessions, levels, bodies. Each parser throws the right problem. */
import type { IncomingMessage } from "node:http";
import type { z } from "@hono/zod-openapi";
import type { Conditions, Tags } from "../kv/decide.ts";
import { keyFault } from "../kv/path.ts";
import { maxSessionBytes, parseSession, type Session } from "../kv/session.ts";
import { Problem } from "./problems.ts";
import { limits } from "./schemas.ts";

/** A header's value; undefined when it was not sent. */
export type HeaderOf = (name: string) => string | undefined;

export function conditionsOf(header: HeaderOf, ifVersion: string | undefined): Conditions {
  const ifMatch = header("if-match");
  const ifNoneMatch = header("if-none-match");
  if (ifVersion === undefined) {
    return {
      ifMatch: ifMatch === undefined ? null : parseTags(ifMatch, "If-Match"),
      ifNoneMatch: ifNoneMatch === undefined ? null : parseTags(ifNoneMatch, "If-None-Match"),
    };
  }
  if (ifMatch !== undefined || ifNoneMatch !== undefined) {
    throw new Problem("bad-condition", "expected either if_version or a condition header, found both");
  }
  return ifVersion === "none" ? { ifMatch: null, ifNoneMatch: "*" } : { ifMatch: [ifVersion], ifNoneMatch: null };
}

/**
 * RFC 9110 entity tags, without their quotes. Of `If-Match` only strong ones are returned, because weak ones never match
 * there; `If-None-Match` compares weakly.
 */
export function parseTags(text: string, header: "If-Match" | "If-None-Match"): Tags {
  if (text.trim() === "*") return "*";
  const tags: string[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const match = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,[ \t]*|$)/.exec(rest);
    if (match === null || tags.length >= limits.tagCount) {
      throw new Problem(
        "bad-condition",
        `expected * or at most ${limits.tagCount} quoted entity tags in ${header}, found ${JSON.stringify(text.slice(0, 80))}`,
      );
    }
    if (match[1] === undefined || header === "If-None-Match") tags.push(match[2]!);
    rest = rest.slice(match[0].length);
  }
  if (text.trim() === "")
    throw new Problem("bad-condition", `expected * or quoted entity tags in ${header}, found nothing`);
  return tags;
}

export function sessionOf(text: string | undefined): Session | null {
  if (text === undefined) return null;
  const session = parseSession(text);
  if (session === null) {
    throw new Problem(
      "bad-session",
      `expected a KV-Session of an earlier answer, at most ${maxSessionBytes} bytes; leave it out to start anew`,
    );
  }
  return session;
}

export type Consistency = "cached" | "local" | "strong";

export function consistencyOf(text: string | undefined): Consistency {
  if (text === undefined || text === "cached") return "cached";
  if (text === "local" || text === "strong") return text;
  throw new Problem(
    "bad-parameter",
    `expected KV-Consistency cached, local or strong, found ${JSON.stringify(text.slice(0, 40))}`,
  );
}

export function idempotencyKeyOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (/^[\x21-\x7e]{1,255}$/.test(text)) return text;
  throw new Problem("bad-parameter", "expected an Idempotency-Key of 1 to 255 visible ASCII characters", {
    limit: 255,
    actual: text.length,
  });
}

/** Throws when a header came that the route cannot honour: passed over in silence, it would promise what does not hold. */
export function refuseHeaders(header: HeaderOf, refused: Readonly<Record<string, string>>): void {
  for (const [name, instead] of Object.entries(refused)) {
    if (header(name) !== undefined) throw new Problem("bad-parameter", `this route does not take ${name}: ${instead}`);
  }
}

/** `KV-Meta`: kept as it was sent, after a look at whether it is what it should be. */
export function metaOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text.length > limits.metaBytes) {
    throw new Problem("headers-too-large", `KV-Meta may have ${limits.metaBytes} bytes, found ${text.length}`, {
      limit: limits.metaBytes,
      actual: text.length,
    });
  }
  if (!/^[\x20-\x7e]*$/.test(text) || !isJsonObject(text))
    throw new Problem("bad-parameter", "expected KV-Meta to be a JSON object in ASCII (escape others as \\uXXXX)");
  return text;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Throws unless `key` is one. */
export function checkKey(key: string): void {
  const fault = keyFault(key);
  if (fault === null) return;
  if (fault === "long") {
    const actual = Buffer.byteLength(key);
    throw new Problem("key-too-long", `a key may have ${limits.keyBytes} bytes of UTF-8, found ${actual}`, {
      limit: limits.keyBytes,
      actual,
    });
  }
  throw new Problem(
    "bad-key",
    fault === "empty" ? "expected a key, found an empty one" : "expected a key of UTF-8 without U+0000",
  );
}

/** Parameters by their schema; unknown, repeated and malformed ones are one problem that names them all. */
export function parseQuery<T extends z.ZodType>(schema: T, text: string): z.output<T> {
  const parameters = new URLSearchParams(text);
  const names = [...parameters.keys()];
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new Problem("bad-parameter", `expected ${repeated} once, found it several times`);
  return parse(schema, Object.fromEntries(parameters), "bad-parameter");
}

/** JSON bytes; throws the problem of a body that is none. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new Problem("bad-body", `expected JSON in UTF-8: ${(error as Error).message.slice(0, 100)}`);
  }
}

/** `value` by its schema. All faults at once, each with its place; `limit` and `actual` of the first that is a limit. */
export function parse<T extends z.ZodType>(schema: T, value: unknown, code: "bad-parameter" | "bad-body"): z.output<T> {
  const parsed = safeParse(schema, value);
  if (parsed === null) throw new Problem(code, "expected JSON that is not nested so deeply");
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const errors = issues
    .slice(0, 20)
    .map(({ path, message }) => ({ at: path.join("."), message: message.slice(0, 200) }));
  const detail = errors.map(({ at, message }) => (at ? `${at}: ${message}` : message)).join("; ");
  const over = issues.find((issue) => issue.code === "too_big");
  const members = over && { limit: Number(over.maximum), actual: sizeAt(value, over.path) };
  throw new Problem(code, detail, { errors, ...members });
}

/** Null when the value is nested so deeply that looking at it overflows the stack. */
function safeParse<T extends z.ZodType>(schema: T, value: unknown): z.ZodSafeParseResult<z.output<T>> | null {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The number, or the length of what stands at `path`. */
function sizeAt(value: unknown, path: readonly PropertyKey[]): number {
  const found = path.reduce((inner, name) => (inner as Record<PropertyKey, unknown>)?.[name], value);
  return Array.isArray(found) ? found.length : Number.isNaN(Number(found)) ? String(found).length : Number(found);
}

/** Milliseconds without a byte after which a body is given up. */
const stallTimeout = 10_000;
/** Bytes of bodies that may be half-read at once in the whole process. */
const maxHalfRead = 256 * 2 ** 20;
let halfRead = 0;

/**
 * The request's body: bytes up to `inline`, a stream of them above. Throws 413 past `limit` and 408 when it stalls.
 * A stream throws the same while it is read; `limit` is then the reader's to watch.
 */
export async function readBody(
  req: IncomingMessage,
  limit: number,
  inline: number,
  what: string,
): Promise<Buffer | AsyncGenerator<Buffer>> {
  const announced = req.headers["content-length"];
  if (announced !== undefined && Number(announced) > limit) throw tooLarge(what, limit, Number(announced));
  // A small body comes with its headers: Node hands it on right behind them, and tells of its end later. Taken as it is,
  // without listeners and a timer, it costs half as much.
  await null;
  if (req.readableLength <= Math.min(limit, inline) && (req.complete || req.readableLength === Number(announced))) {
    const body = (req.read() as Buffer | null) ?? noBytes;
    // Its end has yet to be read, too.
    req.resume();
    return body;
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      halfRead -= length;
      req.off("data", onData);
      req.off("end", onEnd);
      req.off("close", onClose);
      req.off("error", onClose);
      settle();
    };
    const timer = setTimeout(() => finish(() => reject(stalled())), stallTimeout);
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      halfRead += chunk.length;
      timer.refresh();
      if (length > limit) finish(() => reject(tooLarge(what, limit, length)));
      else if (halfRead > maxHalfRead)
        finish(() => reject(new Problem("overloaded", "too many bodies are being sent at once")));
      else if (length > inline) {
        req.pause();
        finish(() => resolve(rest(req, chunks)));
      }
    };
    const onEnd = () => finish(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    const onClose = () => finish(() => reject(cut()));
    req.on("data", onData);
    req.on("end", onEnd);
    req.on("close", onClose);
    req.on("error", onClose);
  });
}

const noBytes = Buffer.alloc(0);

async function* rest(req: IncomingMessage, read: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* read;
  yield* chunksOf(req);
}

/**
 * A body piece by piece. Throws 408 when none comes for too long, 400 when it is cut. The request stays open also when it
 * is left early: the answer that says why has yet to be sent.
 */
export async function* chunksOf(req: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks = req.iterator({ destroyOnReturn: false });
  let timer: NodeJS.Timeout | undefined;
  const late = () =>
    new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(stalled()), stallTimeout);
    });
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), late()]);
      clearTimeout(timer);
      if (next.done) return;
      yield next.value as Buffer;
    }
  } catch (error) {
    throw error instanceof Problem ? error : cut();
  } finally {
    clearTimeout(timer);
    void chunks.return?.();
  }
}

export function tooLarge(what: string, limit: number, actual?: number): Problem {
  const found = actual === undefined ? "more" : String(actual);
  return new Problem("too-large", `${what} may have ${limit} bytes, found ${found}`, {
    limit,
    ...(actual !== undefined && { actual }),
  });
}

function cut(): Problem {
  return new Problem("bad-request", "the body ended before its announced length");
}

function stalled(): Problem {
  return new Problem("request-timeout", `no byte of the body came for ${stallTimeout / 1000} s`, {
    limit: stallTimeout / 1000,
  });
}
