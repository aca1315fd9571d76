import { Problem } from "./problems.ts";

/** Bytes `start` to `end`, both inclusive. */
export type Range = { readonly start: number; readonly end: number };

/**
 * A single byte range of RFC 9110. Null when there is none to obey: no header, another unit, several ranges or a malformed
 * one, which a server may ignore. "outside" when it lies behind the end.
 */
export function parseRange(header: string | undefined, size: number): Range | "outside" | null {
  const match = header === undefined ? null : /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/.exec(header.trim());
  if (match === null) return null;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "outside" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return null;
  return start >= size ? "outside" : { start, end };
}

export function unsatisfiable(size: number): Problem {
  return new Problem(
    "range-not-satisfiable",
    `the value has ${size} bytes`,
    { limit: size },
    { "Content-Range": `bytes */${size}` },
  );
}
