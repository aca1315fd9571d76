/** One entry as the console holds it: what was read, and the writes that refer to exactly that. */
import { ApiError, call, keyPath } from "../api.ts";

/** Values up to this many bytes are read whole, and can be edited as text. */
export const wholeBytes = 2 ** 20;
/** Of larger ones this much is read, unless they are images. */
export const headBytes = 64 * 2 ** 10;

export interface EntryMeta {
  namespace: string;
  key: string;
  kind: "value" | "counter";
  /** As HTTP has it, with its quotes: what `If-Match` takes. */
  etag: string;
  version: string;
  origin: string;
  updatedAt: string;
  expiresAt: string | null;
  contentType: string;
  contentEncoding: string | null;
  /** The raw JSON of `KV-Meta`. */
  meta: string | null;
}

export interface ShownEntry extends EntryMeta {
  /** Of the whole value. */
  size: number;
  /** The value, or its beginning when `whole` is false. */
  bytes: Uint8Array<ArrayBuffer>;
  whole: boolean;
}

/** Reads an entry from the cloud's database, caches aside: an edit must start from what is there. */
export async function readEntry(namespace: string, key: string, signal?: AbortSignal): Promise<ShownEntry> {
  const path = keyPath(namespace, key);
  const headers = { "kv-consistency": "local" };
  let response = await call(path, { headers, signal });
  const length = Number(response.headers.get("content-length"));
  const contentType = response.headers.get("content-type") ?? "application/octet-stream";
  // The start of a compressed value cannot be unpacked by itself, so those are read whole.
  const partly = length > wholeBytes && !isImage(contentType) && !response.headers.has("content-encoding");
  if (partly) {
    await response.body?.cancel();
    response = await call(path, { headers: { ...headers, range: `bytes=0-${headBytes - 1}` }, signal });
  }
  const bytes = await bytesOf(response);
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return {
    ...metaOf(namespace, key, response.headers),
    size: Number(total ?? bytes.length),
    bytes,
    whole: total === undefined || Number(total) === bytes.length,
  };
}

/** The entry, or null when the key holds none. */
export async function readOrNull(namespace: string, key: string): Promise<ShownEntry | null> {
  try {
    return await readEntry(namespace, key);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    const encoding = response.headers.get("content-encoding");
    if (encoding === null) throw new ApiError(0, { title: "The connection broke while the value was read" });
    throw new ApiError(0, {
      code: "unreachable-key",
      title: "The value cannot be unpacked",
      detail: `It is stored as Content-Encoding: ${encoding}, but its bytes are not. npx skykv get fetches them as they are.`,
    });
  }
}

function metaOf(namespace: string, key: string, headers: Headers): EntryMeta {
  return {
    namespace,
    key,
    kind: headers.get("kv-kind") === "counter" ? "counter" : "value",
    etag: headers.get("etag") ?? "",
    version: headers.get("kv-version") ?? "",
    origin: headers.get("kv-origin") ?? "",
    updatedAt: headers.get("kv-updated-at") ?? "",
    expiresAt: headers.get("kv-expires-at"),
    contentType: headers.get("content-type") ?? "application/octet-stream",
    contentEncoding: headers.get("content-encoding"),
    meta: headers.get("kv-meta"),
  };
}

export function isImage(contentType: string): boolean {
  return /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml|x-icon|vnd\.microsoft\.icon)\b/i.test(contentType);
}

/** What a write demands of the entry that is there: this entity tag, or null: none at all. */
export type Expected = string | null;

const condition = (expected: Expected): Record<string, string> =>
  expected === null ? { "if-none-match": "*" } : { "if-match": expected };

export interface Write {
  body: BodyInit;
  contentType: string;
  /** Raw JSON, or null for none: a PUT replaces the metadata as well. */
  meta: string | null;
  expiry: Expiry;
}

/** `default`: what the namespace says. Seconds otherwise. */
export type Expiry = "keep" | "default" | "none" | number;

const expiryQuery = (expiry: Expiry): Record<string, string> => {
  if (expiry === "keep") return { keep_ttl: "1" };
  return expiry === "default" ? {} : { ttl: String(expiry) };
};

export async function writeEntry(namespace: string, key: string, expected: Expected, write: Write): Promise<void> {
  const headers: Record<string, string> = { "content-type": write.contentType, ...condition(expected) };
  if (write.meta !== null) headers["kv-meta"] = asciiJson(write.meta);
  await call(keyPath(namespace, key), { method: "PUT", query: expiryQuery(write.expiry), headers, body: write.body });
}

/** A JSON text as a header takes it: on one line, and what is not ASCII as escapes, which mean the same. */
function asciiJson(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export async function touchEntry(namespace: string, key: string, expected: Expected, expiry: Expiry): Promise<void> {
  const query = expiryQuery(expiry);
  await call(`${keyPath(namespace, key)}:touch`, { method: "POST", query, headers: condition(expected) });
}

export async function incrementEntry(namespace: string, key: string, by: number): Promise<void> {
  const headers = { "content-type": "application/json" };
  await call(`${keyPath(namespace, key)}:increment`, { method: "POST", headers, body: JSON.stringify({ by }) });
}

export async function deleteEntry(namespace: string, key: string, expected: Expected): Promise<void> {
  await call(keyPath(namespace, key), { method: "DELETE", headers: condition(expected) });
}

/** Hands the value to the browser as a file. */
export async function downloadEntry(namespace: string, key: string): Promise<void> {
  const response = await call(keyPath(namespace, key));
  // Never the stored type: opened in a tab, an HTML value would be a page of this origin.
  const url = URL.createObjectURL(new Blob([await bytesOf(response)], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = key.replace(/^.*\/(?=[^/])/, "").replaceAll("/", "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
