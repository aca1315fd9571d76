const encoder = new TextEncoder();
// A byte order mark belongs to the value.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes in JSON: as text, or where they are not valid UTF-8 as base64. */
export type Encoded = { value: string; encoding: "utf8" | "base64" };

export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Bytes that are no UTF-8 become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

export function encodeValue(value: string | Uint8Array): Encoded {
  if (typeof value === "string") return { value: wellFormed(value), encoding: "utf8" };
  try {
    return { value: strict.decode(value), encoding: "utf8" };
  } catch {
    return { value: toBase64(value), encoding: "base64" };
  }
}

export function decodeValue(value: string, encoding: "utf8" | "base64" = "utf8"): Uint8Array<ArrayBuffer> {
  return encoding === "utf8" ? encoder.encode(value) : fromBase64(value);
}

/** A lone surrogate has no bytes: sent as it is, another text would arrive. */
export function wellFormed(text: string): string {
  if (!text.isWellFormed())
    throw new TypeError("expected well-formed text, found a lone surrogate: send the bytes as a Uint8Array");
  return text;
}

/** Arguments that every engine takes in one call. */
const maxArguments = 0x2000;

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += maxArguments) {
    text += String.fromCharCode(...bytes.subarray(at, at + maxArguments));
  }
  return btoa(text);
}

function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
