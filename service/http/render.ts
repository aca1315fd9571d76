import type { CacheRecord } from "../cache/port.ts";
import { milliseconds } from "../kv/clock.ts";
import { counterValue, type Entry, isLive, type Stored, tagOf, type Value } from "../kv/entry.ts";
import { formatVersion } from "../kv/version.ts";
import type { Sessions } from "../sessions/sessions.ts";

export const defaultContentType = "application/octet-stream";
const privately = "private, no-cache, no-transform";

/** Types that a browser would run or render with scripts, on the origin of the console. */
const active = /html|xml|svg|script|pdf/i;

/** What an entry says of itself in HTTP: made once per cached state, sent many times. */
export type Rendered = {
  readonly tag: string;
  /** Null for values in the blobs port, or left out. */
  readonly body: Buffer | null;
  readonly size: number;
  readonly expiresAt: number;
  /** Flat name, value list: what `writeHead` takes without copying. Session, request id and limits come on top. */
  readonly headers: readonly string[];
  /** The token for a request that had none. */
  readonly session: string;
};

/** A live entry rendered; the same object for the same record. */
export function rendered(record: CacheRecord & { rendered?: unknown }, sessions: Sessions): Rendered {
  record.rendered ??= render(record.stored!, sessions);
  return record.rendered as Rendered;
}

function render(stored: Stored, sessions: Sessions): Rendered {
  const { entry } = stored;
  if (entry.kind === "tombstone") throw new Error("a tombstone has no rendering");
  const body = entry.kind === "counter" ? Buffer.from(String(counterValue(entry))) : (entry.body as Buffer | null);
  const size = body?.length ?? (entry as Value).size;
  const type = entry.kind === "counter" ? "text/plain; charset=utf-8" : (entry.contentType ?? defaultContentType);
  const headers = ["Content-Type", type, "Content-Length", String(size), ...stateHeaders(entry)];
  headers.push("Accept-Ranges", "bytes", "X-Content-Type-Options", "nosniff");
  if (entry.kind === "value") {
    if (entry.contentEncoding !== null) headers.push("Content-Encoding", entry.contentEncoding);
    if (entry.meta !== null) headers.push("KV-Meta", entry.meta);
  }
  if (active.test(type)) headers.push("Content-Security-Policy", "sandbox");
  return {
    tag: `"${tagOf(entry)}"`,
    body: body === null || Buffer.isBuffer(body) ? body : Buffer.from(body),
    size,
    expiresAt: entry.kind === "value" ? (entry.expiresAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    headers,
    session: sessions.token(null, stored),
  };
}

/** Headers that say which state of an entry an answer is about: of reads, and of writes. */
export function stateHeaders(entry: Entry): string[] {
  const { version } = entry;
  const text = formatVersion(version);
  const headers = ["ETag", `"${entry.kind === "counter" ? tagOf(entry) : text}"`, "KV-Version", text];
  headers.push("KV-Updated-At", timestamp(milliseconds(version.time)), "KV-Origin", version.origin);
  if (entry.kind === "counter") headers.push("KV-Kind", "counter");
  if (entry.kind === "value" && entry.expiresAt !== null) headers.push("KV-Expires-At", timestamp(entry.expiresAt));
  return headers;
}

let lastTime = 0;
let lastTimestamp = "1970-01-01T00:00:00.000Z";

/** RFC 3339 in UTC with milliseconds. The entries of a batch share one, and it is costly to make. */
export function timestamp(time: number): string {
  if (time !== lastTime) {
    lastTimestamp = new Date(time).toISOString();
    lastTime = time;
  }
  return lastTimestamp;
}

/** Which answers may be kept by others: only anonymous reads of public namespaces. */
export function cacheControl(publicMaxAge: number | null): string {
  return publicMaxAge === null ? privately : `public, max-age=${publicMaxAge}`;
}

/** What a batch, list, watch or export says of an entry. Null when there is nothing to be seen. */
export function entryJson(key: string, stored: Stored | null, now: number) {
  const entry = stored?.entry;
  if (!isLive(entry, now)) return null;
  const value = entry.kind === "value" ? entry : null;
  return {
    key,
    kind: entry.kind,
    version: formatVersion(entry.version),
    etag: tagOf(entry),
    origin: entry.version.origin,
    updated_at: timestamp(milliseconds(entry.version.time)),
    expires_at: value?.expiresAt == null ? null : timestamp(value.expiresAt),
    size: value?.size ?? String(counterValue(entry as never)).length,
    content_type: value ? (value.contentType ?? defaultContentType) : "text/plain; charset=utf-8",
    content_encoding: value?.contentEncoding ?? null,
    meta: value?.meta == null ? null : JSON.parse(value.meta),
  };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes in JSON: text where they are UTF-8, else base64. */
export function encodeValue(bytes: Uint8Array): { value: string; encoding: "utf8" | "base64" } {
  try {
    return { value: strict.decode(bytes), encoding: "utf8" };
  } catch {
    return { value: Buffer.from(bytes).toString("base64"), encoding: "base64" };
  }
}

/** The bytes that {@link encodeValue} encoded; null when `value` is neither UTF-8 nor base64. */
export function decodeValue(value: string, encoding: "utf8" | "base64"): Buffer | null {
  if (encoding === "utf8") return value.isWellFormed() ? Buffer.from(value) : null;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value ? bytes : null;
}
