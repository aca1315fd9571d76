import { wellFormed } from "./bytes.ts";
import type { Expiry } from "./operation.ts";

/** Keys that no URL can name, because its normalisation takes them for steps in a path; they travel by batch. */
export function isUnroutable(key: string): boolean {
  return key === "." || key === "..";
}

/** A key in a URL: slashes stay, for the eye, where no normalisation would touch what is between them. */
export function keyPath(key: string): string {
  if (key === "") throw new TypeError("expected a key of at least one character, found an empty one");
  const segments = wellFormed(key).split("/");
  const fragile = segments.some((segment) => segment === "" || segment === "." || segment === "..");
  return fragile ? encodeURIComponent(key) : segments.map(encodeURIComponent).join("/");
}

/** Entity tags as `If-Match` and `If-None-Match` carry them. */
export function tagList(tags: string | readonly string[] | undefined): string | undefined {
  if (tags === undefined || tags === "*") return tags;
  return (typeof tags === "string" ? [tags] : tags).map((tag) => `"${tag}"`).join(", ");
}

export function expiryQuery({ ttl, keepTtl }: Expiry) {
  // Not in exponents, and to the millisecond.
  const seconds = typeof ttl === "number" ? ttl.toFixed(3).replace(/\.?0+$/, "") : ttl;
  return { ttl: seconds, keep_ttl: keepTtl ? "1" : undefined };
}

/** JSON that a header can carry. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** 128 random bits. Not `crypto.randomUUID`, which browsers keep from pages without TLS. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
