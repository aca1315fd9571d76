import { encodeText, encodeValue, wellFormed } from "./bytes.ts";

/**
 * What can be stored: bytes, in any of the forms that `fetch` knows. Nothing is parsed or converted; for JSON say so
 * with {@link json}.
 *
 * A `ReadableStream` is sent as it comes, without being held in memory, and can be read once only: a request that
 * sends one is never retried. A function that opens the stream anew for each attempt can be, and so can a `Blob`.
 * (Browsers do not stream uploads: there a stream is first collected in a `Blob`.)
 */
export type Value =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | (() => ReadableStream<Uint8Array>)
  | Json;

/** A value that is written as JSON text, with the content type `application/json`. Made by {@link json}. */
export class Json {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Marks a value to be written as JSON: `users.put("42", json({ name: "Ada" }))`.
 * Integers beyond ±2^53 are not what JavaScript numbers can hold: write such documents as the text they came in.
 */
export function json(value: unknown): Json {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`expected something that JSON can express, found ${typeof value}`);
  return new Json(text);
}

/** A value on its way into a request. */
export type Body = {
  /** What `fetch` sends; called once for each attempt. */
  open(): NonNullable<RequestInit["body"]>;
  /** Whether {@link open} can be called again. */
  readonly replayable: boolean;
  readonly streams: boolean;
  readonly contentType: string;
};

/** The content types of values whose caller does not name one. */
const types = { text: "text/plain; charset=utf-8", json: "application/json", bytes: "application/octet-stream" };

export function bodyOf(value: Value): Body {
  const whole = (content: NonNullable<RequestInit["body"]>, contentType: string): Body => ({
    open: () => content,
    replayable: true,
    streams: false,
    contentType,
  });
  if (typeof value === "string") return whole(wellFormed(value), types.text);
  if (value instanceof Json) return whole(value.text, types.json);
  if (value instanceof Blob) return whole(value, value.type || types.bytes);
  if (typeof value === "function") return { open: value, replayable: true, streams: true, contentType: types.bytes };
  if (value instanceof ReadableStream)
    return { open: () => value, replayable: false, streams: true, contentType: types.bytes };
  return whole(value as Uint8Array<ArrayBuffer>, types.bytes);
}

/** A value inside of JSON, with the content type that fits it; bytes have the service's default. */
export function wireValue(value: string | Uint8Array | Json) {
  if (value instanceof Json) return { ...encodeValue(value.text), content_type: types.json };
  return { ...encodeValue(value), content_type: typeof value === "string" ? types.text : undefined };
}

/** The whole value in memory, for where it travels inside of JSON. */
export async function collect(value: Value): Promise<Uint8Array> {
  if (typeof value === "string") return encodeText(wellFormed(value));
  if (value instanceof Json) return encodeText(value.text);
  if (value instanceof Uint8Array) return value;
  return new Uint8Array(await new Response(bodyOf(value).open()).arrayBuffer());
}
