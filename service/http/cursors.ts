import type { FeedPosition } from "../store/port.ts";
import { Problem } from "./problems.ts";

/**
 * Cursors are opaque to clients: JSON in base64url that starts with what it is a position in. A forged one can only name
 * another position; what may be read there is decided by the request's scope, not by the cursor.
 */
function encode(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

function decode(text: string): unknown[] {
  try {
    const bytes = Buffer.from(text, "base64url");
    const parts: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (Array.isArray(parts) && encode(parts) === text) return parts;
  } catch {
    // Falls through to the one problem for everything that is not ours.
  }
  throw new Problem("bad-cursor", "expected a cursor from an earlier answer, unchanged; start again without one");
}

type ListOf = { readonly namespace: string; readonly prefix: string; readonly delimiter: string | null };

/** A position in a list: behind `after`, a key or a folded prefix. */
export function listCursor(list: ListOf, after: string): string {
  return encode(["list", list.namespace, list.prefix, list.delimiter, after]);
}

/** Throws the problem of a cursor that is none, or of another list. */
export function listPosition(text: string, list: ListOf): string {
  const [kind, namespace, prefix, delimiter, after] = decode(text);
  const isSame =
    kind === "list" && namespace === list.namespace && prefix === list.prefix && delimiter === list.delimiter;
  if (!isSame || typeof after !== "string" || !after.startsWith(list.prefix) || after.includes("\0")) {
    throw new Problem(
      "bad-cursor",
      "expected a cursor of this list: namespace, prefix and delimiter must be those it came with",
    );
  }
  return after;
}

/** A position in a cloud's feed. A restored database is another feed. */
export function watchCursor(cloud: string, incarnation: string, { xid, id, at }: FeedPosition): string {
  return encode(["watch", cloud, incarnation, xid, id, at]);
}

/** Null when the cursor belongs to another cloud or an earlier incarnation. Throws the problem of one that is none. */
export function watchPosition(text: string, cloud: string, incarnation: string): FeedPosition | null {
  const [kind, ofCloud, ofIncarnation, xid, id, at] = decode(text);
  const numbers = [xid, id, at] as number[];
  if (kind !== "watch" || typeof ofCloud !== "string" || !numbers.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new Problem("bad-cursor", "expected a cursor of a watch; start again without one");
  }
  return ofCloud === cloud && ofIncarnation === incarnation
    ? { xid: numbers[0]!, id: numbers[1]!, at: numbers[2]! }
    : null;
}
