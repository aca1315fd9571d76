import { decodeText, decodeValue } from "./bytes.ts";

/** A JSON object of at most 1 KiB that is kept with an entry. */
export type Meta = { readonly [name: string]: unknown };

/** `epoch`: the write that the counter was born over; `cells`: by cloud its last increment and the sum of all of them. */
export type CounterParts = {
  readonly epoch: string | null;
  readonly cells: Readonly<Record<string, { readonly version: string; readonly sum: number }>>;
};

/** What is known of an entry without its value. */
export class Entry {
  readonly key: string;
  readonly kind: "value" | "counter";
  /** Names the write: greater in text order is newer. */
  readonly version: string;
  /** Names the state, for `ifMatch`: the version, but for counters. Without quotes. */
  readonly etag: string;
  /** The cloud that took the write. */
  readonly origin: string;
  readonly updatedAt: Date;
  /** Null: never. */
  readonly expiresAt: Date | null;
  /** Bytes of the value as stored; null where a proxy hid it. */
  readonly size: number | null;
  readonly contentType: string;
  readonly contentEncoding: string | null;
  readonly meta: Meta | null;
  /** Of a counter in an export: what its sum is made of, which an import with `versions: "keep"` needs; otherwise null. */
  readonly counter: CounterParts | null;

  constructor(facts: EntryFacts) {
    this.key = facts.key;
    this.kind = facts.kind;
    this.version = facts.version;
    this.etag = facts.etag;
    this.origin = facts.origin;
    this.updatedAt = facts.updatedAt;
    this.expiresAt = facts.expiresAt;
    this.size = facts.size;
    this.contentType = facts.contentType;
    this.contentEncoding = facts.contentEncoding;
    this.meta = facts.meta;
    this.counter = facts.counter;
  }
}

/** An entry with its value in memory. */
export class ValueEntry extends Entry {
  readonly value: Uint8Array<ArrayBuffer>;

  constructor(facts: EntryFacts, value: Uint8Array<ArrayBuffer>) {
    super(facts);
    this.value = value;
  }

  /** The value as UTF-8; bytes that are none become U+FFFD. */
  text(): string {
    return decodeText(this.value);
  }

  /** The value parsed as JSON. Integers beyond ±2^53 lose digits, as JavaScript numbers do: take {@link text} for those. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }
}

/** An entry whose value is still to be read. */
export class StreamEntry extends Entry {
  /** Read it to its end or cancel it: until then it holds a connection. */
  readonly value: ReadableStream<Uint8Array<ArrayBuffer>>;

  constructor(facts: EntryFacts, value: ReadableStream<Uint8Array<ArrayBuffer>>) {
    super(facts);
    this.value = value;
  }
}

type EntryFacts = { readonly [name in keyof Entry]: Entry[name] };

/** An entry as the service writes it in JSON. */
export type WireEntry = {
  key: string;
  kind: "value" | "counter";
  version: string;
  etag: string;
  origin: string;
  updated_at: string;
  expires_at: string | null;
  size: number;
  content_type: string;
  content_encoding: string | null;
  meta: Meta | null;
  value?: string;
  encoding?: "utf8" | "base64";
  omitted?: true;
  counter?: CounterParts;
};

/** A {@link ValueEntry} when the JSON holds the value. */
export function entryOfJson(wire: WireEntry): Entry | ValueEntry {
  const facts = {
    key: wire.key,
    kind: wire.kind,
    version: wire.version,
    etag: wire.etag,
    origin: wire.origin,
    updatedAt: new Date(wire.updated_at),
    expiresAt: dateOf(wire.expires_at),
    size: wire.size,
    contentType: wire.content_type,
    contentEncoding: wire.content_encoding,
    meta: wire.meta,
    counter: wire.counter ?? null,
  };
  return wire.value === undefined ? new Entry(facts) : new ValueEntry(facts, decodeValue(wire.value, wire.encoding));
}

/** The facts about an entry that are in the headers of an answer. */
export function factsOfHeaders(key: string, { headers }: Response): EntryFacts {
  const meta = headers.get("kv-meta");
  const size = headers.get("content-length");
  return {
    key,
    kind: headers.get("kv-kind") === "counter" ? "counter" : "value",
    version: headers.get("kv-version") ?? "",
    etag: tagOfHeaders(headers),
    origin: headers.get("kv-origin") ?? "",
    updatedAt: new Date(headers.get("kv-updated-at") ?? Number.NaN),
    expiresAt: dateOf(headers.get("kv-expires-at")),
    size: size === null ? null : Number(size),
    contentType: headers.get("content-type") ?? "application/octet-stream",
    contentEncoding: headers.get("content-encoding"),
    meta: meta === null ? null : (JSON.parse(meta) as Meta),
    counter: null,
  };
}

/** Without quotes and without the mark of weakness: a proxy that adds it does not change the state that the tag names. */
export function tagOfHeaders(headers: Headers): string {
  return (headers.get("etag") ?? "").replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}

export function dateOf(text: string | null | undefined): Date | null {
  return text == null ? null : new Date(text);
}
