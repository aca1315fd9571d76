import { wellFormed } from "./bytes.ts";
import { dateOf, type Entry, entryOfJson, Entry as EntryFacts, factsOfHeaders, StreamEntry, tagOfHeaders, ValueEntry, type WireEntry } from "./entry.ts";
import { type Problem, SkyKVError } from "./errors.ts";
import { type ExportOptions, exportEntries, exportStream } from "./export.ts";
import {
  type CallOptions,
  type Consistency,
  discard,
  type Durability,
  linesOf,
  type Request,
  readBytes,
  readJson,
  type Transport,
} from "./http.ts";
import { type ImportOptions, type ImportRecord, type ImportResult, importRecords, importUnits, type UnitOptions } from "./import.ts";
import {
  type Conditions,
  demandedAbsence,
  type Expiry,
  type Operation,
  type OperationResult,
  type PutFields,
  resultOfJson,
  type WireResult,
  wireOperation,
} from "./operation.ts";
import { bodyOf, collect, Json, json, type Value } from "./value.ts";
import { type WatchEvent, type WatchOptions, watch } from "./watch.ts";

export type ReadOptions = CallOptions & { consistency?: Consistency | undefined };

export type WriteOptions = CallOptions & {
  durability?: Durability | undefined;
  /**
   * 1-255 visible ASCII characters that name this write: whoever sends it again within 24 hours gets the first answer.
   * Every write has one anyway, made up for its own retries; give one to retry across a crash of your program.
   */
  idempotencyKey?: string | undefined;
};

export type PutOptions = WriteOptions & PutFields;

export type ListOptions = ReadOptions & {
  prefix?: string | undefined;
  /** Keys that hold it after the prefix are folded into `prefixes` of a page. At most 16 characters. */
  delimiter?: string | undefined;
  /** With values; each entry is then a {@link ValueEntry}. */
  values?: boolean | undefined;
  /** Entries in one request, 1-1000. */
  limit?: number | undefined;
  /** `cursor` of an earlier page: go on behind it. */
  cursor?: string | undefined;
};

export type Page<E extends Entry = Entry> = {
  readonly entries: readonly E[];
  readonly prefixes: readonly string[];
  /** Where the next page begins; null on the last one. */
  readonly cursor: string | null;
};

/** What a write made. */
export type Written = {
  readonly version: string;
  /** For `ifMatch`, without quotes. */
  readonly etag: string;
  /** Null: never. */
  readonly expiresAt: Date | null;
};

/**
 * The entries of one namespace, in byte order of their keys: `for await (const entry of users.list())`, or page by page
 * with {@link pages}.
 */
export class Listing<E extends Entry> implements AsyncIterable<E> {
  readonly #next: (cursor: string | undefined) => Promise<Page<E>>;
  readonly #cursor: string | undefined;

  constructor(next: (cursor: string | undefined) => Promise<Page<E>>, cursor: string | undefined) {
    this.#next = next;
    this.#cursor = cursor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void> {
    for await (const page of this.pages()) yield* page.entries;
  }

  async *pages(): AsyncGenerator<Page<E>, void> {
    let cursor = this.#cursor;
    do {
      const page: Page<E> = await this.#next(cursor);
      yield page;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }
}

/** Operations in one batch, and bytes of its JSON, with room below the service's 10 MiB. */
const maxBatch = { operations: 1000, bytes: 8 * 2 ** 20 };

/** The entries of one namespace. Made by `kv.namespace(name)`; making one sends nothing. */
export class Namespace {
  readonly name: string;
  readonly #transport: Transport;

  constructor(transport: Transport, name: string) {
    // The service knows no others, and `.` or `..` would lead a request elsewhere.
    if (!/^(?!\.{1,2}$)[a-z0-9.-][a-z0-9._-]{0,63}$/.test(name)) {
      throw new TypeError(`expected a namespace of 1-64 of a-z 0-9 . _ -, not starting with _, found ${JSON.stringify(name)}`);
    }
    this.name = name;
    this.#transport = transport;
  }

  /**
   * The entry with its value in memory, or null when there is none: `(await users.get("42"))?.text()`.
   * With `ifNoneMatch`, `"unchanged"` when the entry still has that entity tag.
   */
  get(key: string, options?: ReadOptions): Promise<ValueEntry | null>;
  get(key: string, options: ReadOptions & { ifNoneMatch: string }): Promise<ValueEntry | "unchanged" | null>;
  async get(key: string, options: ReadOptions & { ifNoneMatch?: string } = {}): Promise<ValueEntry | "unchanged" | null> {
    if (isUnroutable(key)) {
      const entry = await this.#one({ op: "get", key }, options).then(({ entry }) => entry, absent);
      return entry && entry.etag === options.ifNoneMatch ? "unchanged" : entry;
    }
    const request = this.#read("GET", key, options);
    return this.#transport
      .send(request, options, async (response) => {
        if (response.status === 304) return "unchanged" as const;
        return new ValueEntry(factsOfHeaders(key, response), await readBytes(response));
      })
      .catch(absent);
  }

  /** The value as text, or null when there is no entry. */
  async getText(key: string, options?: ReadOptions): Promise<string | null> {
    return (await this.get(key, options))?.text() ?? null;
  }

  /** The value parsed as JSON, or null when there is no entry. See {@link ValueEntry.json} for large integers. */
  async getJson<T = unknown>(key: string, options?: ReadOptions): Promise<T | null> {
    const entry = await this.get(key, options);
    return entry ? entry.json<T>() : null;
  }

  /** The entry with its value as a stream, for values that need not be in memory as a whole; null when there is none. */
  async getStream(key: string, options: ReadOptions = {}): Promise<StreamEntry | null> {
    if (isUnroutable(key)) {
      const entry = await this.get(key, options);
      return entry && new StreamEntry(entry, new Blob([entry.value]).stream());
    }
    return this.#transport
      .send(this.#read("GET", key, options), options, (response) => {
        return new StreamEntry(factsOfHeaders(key, response), response.body ?? new Blob([]).stream());
      })
      .catch(absent);
  }

  /** What is known of the entry without its value; null when there is none. */
  async head(key: string, options: ReadOptions = {}): Promise<Entry | null> {
    if (isUnroutable(key)) return this.get(key, options);
    const read = (response: Response) => new EntryFacts(factsOfHeaders(key, response));
    return this.#transport.send(this.#read("HEAD", key, options), options, read).catch(absent);
  }

  /**
   * Writes a value; what it had of meta, content type and expiry goes, unless it is given again.
   *
   * Retried when that is safe: a retry carries the same Idempotency-Key, so it is never a second write. A
   * `ReadableStream` can be read once only and is not retried; a function that opens one, or a `Blob`, is.
   */
  async put(key: string, value: Value, options: PutOptions = {}): Promise<Written & { readonly created: boolean }> {
    if (isUnroutable(key)) {
      const { signal, timeout, durability, idempotencyKey, ...fields } = options;
      const operation = { op: "put", key, value: value instanceof Json ? value : await collect(value), ...fields } as const;
      const result = await this.#one({ ...operation, contentType: fields.contentType ?? bodyOf(value).contentType }, options);
      return { ...writtenOfResult(result), created: result.status === 201 };
    }
    const { contentType, contentEncoding, meta } = options;
    const request = this.#write("PUT", `/${keyPath(key)}`, options, {
      "content-type": contentType,
      "content-encoding": contentEncoding,
      "kv-meta": meta && asciiJson(meta),
      "if-match": tagList(options.ifMatch),
      "if-none-match": tagList(demandedAbsence(options)),
    });
    return this.#transport.send({ ...request, query: expiryQuery(options), body: bodyOf(value) }, options, async (response) => {
      await discard(response);
      return { ...writtenOfHeaders(response), created: response.status === 201 };
    });
  }

  /** Writes a value as JSON text: `put(key, json(value), options)`. */
  putJson(key: string, value: unknown, options?: PutOptions): Promise<Written & { readonly created: boolean }> {
    return this.put(key, json(value), options);
  }

  /** Deletes an entry; fine when there is none, unless a condition demands one. */
  async delete(key: string, options: WriteOptions & Conditions = {}): Promise<void> {
    if (isUnroutable(key)) {
      await this.#one({ op: "delete", key, ifMatch: options.ifMatch, ifNoneMatch: options.ifNoneMatch }, options);
      return;
    }
    const conditions = { "if-match": tagList(options.ifMatch), "if-none-match": tagList(options.ifNoneMatch) };
    await this.#transport.send(this.#write("DELETE", `/${keyPath(key)}`, options, conditions), options, discard);
  }

  /** Gives the entry a new expiry: same value, new version. Null when there is no entry. */
  async touch(key: string, options: WriteOptions & Expiry & Conditions): Promise<Written | null> {
    const conditions = { "if-match": tagList(options.ifMatch), "if-none-match": tagList(options.ifNoneMatch) };
    const request = this.#write("POST", `/${keyPath(key)}:touch`, options, conditions);
    return this.#transport
      .send({ ...request, query: expiryQuery(options) }, options, async (response) => {
        await discard(response);
        return writtenOfHeaders(response);
      })
      .catch(absent);
  }

  /**
   * Adds to a counter, which begins at 0, and gives the sum. Increments in several clouds at the same time all count.
   * `by` is an integer, negative to subtract; sums stay within ±2^53-1.
   */
  increment(key: string, by = 1, options: WriteOptions = {}): Promise<number> {
    const request = this.#write("POST", `/${keyPath(key)}:increment`, options);
    return this.#transport.send({ ...request, body: bodyOf(json({ by })) }, options, async (response) => {
      return (await readJson<{ value: number }>(response)).value;
    });
  }

  /** The entries in byte order of their keys; see {@link Listing}. Sends nothing until it is iterated. */
  list(options: ListOptions & { values: true }): Listing<ValueEntry>;
  list(options?: ListOptions): Listing<Entry>;
  list(options: ListOptions = {}): Listing<Entry> {
    const request: Request = { method: "GET", path: this.#path(), headers: this.#readHeaders(options), repeatable: true };
    const query = {
      prefix: options.prefix,
      delimiter: options.delimiter,
      limit: options.limit?.toString(),
      values: options.values ? "1" : undefined,
    };
    return new Listing(async (cursor) => {
      const wire = await this.#transport.send({ ...request, query: { ...query, cursor } }, options, (response) => {
        return readJson<{ entries: WireEntry[]; prefixes: string[]; cursor: string | null }>(response);
      });
      const entries: Entry[] = [];
      for (const entry of wire.entries) {
        // The answer was full before this value: an entry that has gone since is gone.
        const found = entry.omitted ? await this.get(entry.key, options) : entryOfJson(entry);
        if (found) entries.push(found);
      }
      return { entries, prefixes: wire.prefixes, cursor: wire.cursor };
    }, options.cursor);
  }

  /**
   * Does many operations, each by itself: one that fails does not stop the others, and says so in its result. More than
   * 1000, or than 8 MiB, are sent in several requests, one after the other.
   */
  async batch(operations: readonly Operation[], options: ReadOptions & WriteOptions = {}): Promise<OperationResult[]> {
    const results: OperationResult[] = [];
    for (const [index, body] of [...batchBodies(operations)].entries()) {
      // Requests differ, and so must what names them.
      const idempotencyKey = options.idempotencyKey && index > 0 ? `${options.idempotencyKey}.${index}` : options.idempotencyKey;
      results.push(...(await this.#operate("batch", body, { ...options, idempotencyKey })));
    }
    return results;
  }

  /**
   * Does up to 1000 operations as one: all, or none when a condition fails or a key to touch is absent. Then it throws,
   * with `index` and `key` of the first operation at fault. A key may occur once. Needs a namespace with a home cloud,
   * or a service without peers.
   */
  async transact(operations: readonly Operation[], options: ReadOptions & WriteOptions = {}): Promise<OperationResult[]> {
    return this.#operate("transact", `{"operations":[${operations.map((one) => JSON.stringify(wireOperation(one))).join(",")}]}`, options);
  }

  /**
   * Changes as they happen, until the loop is left or `signal` ends it. Resumes where it was after any break.
   *
   * ```ts
   * for await (const event of users.watch({ prefix: "team-a/", snapshot: true })) {
   *   if (event.type === "put") replica.set(event.key, event.version);
   *   else if (event.type === "delete") replica.delete(event.key);
   *   else if (event.type === "reset") replica.clear();
   * }
   * ```
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void> {
    return watch(this.#transport, `${this.#path()}:watch`, options);
  }

  /** Deletes all entries whose keys begin with `prefix`, which is not empty; gives their number. */
  async deletePrefix(
    prefix: string,
    options: WriteOptions & { onProgress?: ((deleted: number) => void) | undefined } = {},
  ): Promise<number> {
    if (prefix === "") throw new TypeError("expected a prefix; to delete everything, delete the namespace");
    const { durability = this.#transport.options.durability } = options;
    const headers = { "kv-durability": durability };
    const request: Request = { method: "DELETE", path: this.#path(), query: { prefix }, headers, repeatable: true };
    let before = 0;
    return this.#transport.send(request, { ...options, timeout: options.timeout ?? Number.POSITIVE_INFINITY }, async (response) => {
      let deleted = 0;
      try {
        for await (const line of linesOf(response)) {
          const progress = JSON.parse(line) as { type: string; deleted: number };
          deleted = progress.deleted;
          options.onProgress?.(before + deleted);
          if (progress.type === "end") return before + deleted;
        }
      } finally {
        // What a broken attempt has deleted, the next one does not find.
        before += deleted;
      }
      throw new SkyKVError("unreachable", "the answer to a deletion by prefix ended before its last line");
    });
  }

  /**
   * All entries with their values, in key order. Goes on behind the last key when the connection breaks, and throws
   * when the service says that something is missing. What it gives can be given to `import`.
   */
  export(options: ExportOptions = {}): AsyncGenerator<ValueEntry, void> {
    return exportEntries(this.#transport, this.name, options);
  }

  /** An export as the service sends it: JSON Lines, or a tar of raw values. Does not resume by itself. */
  exportStream(options: ExportOptions & { format?: "jsonl" | "tar" | undefined } = {}): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return exportStream(this.#transport, this.name, options);
  }

  /**
   * Writes many records fast, in the order given, holding a bounded number of them in memory. After a break it goes on
   * behind the last record that the service has committed; the few after that may be written twice.
   */
  import(records: Iterable<ImportRecord> | AsyncIterable<ImportRecord>, options: ImportOptions = {}): Promise<ImportResult> {
    return importRecords(this.#transport, this.name, records, options);
  }

  /** {@link import} of what is already encoded: lines of JSON, or members of a tar archive. */
  importUnits(units: AsyncIterable<Uint8Array>, options: UnitOptions = {}): Promise<ImportResult> {
    return importUnits(this.#transport, this.name, units, options);
  }

  #path(): string {
    return `/v1/kv/${this.name}`;
  }

  #readHeaders({ consistency = this.#transport.options.consistency }: ReadOptions) {
    return { "kv-consistency": consistency };
  }

  #read(method: "GET" | "HEAD", key: string, options: ReadOptions & { ifNoneMatch?: string }): Request {
    const headers = { ...this.#readHeaders(options), "if-none-match": tagList(options.ifNoneMatch) };
    return { method, path: `${this.#path()}/${keyPath(key)}`, headers, repeatable: true };
  }

  #write(method: "PUT" | "POST" | "DELETE", path: string, options: WriteOptions, headers: Request["headers"] = {}): Request {
    const { durability = this.#transport.options.durability, idempotencyKey = randomKey() } = options;
    const all = { "kv-durability": durability, "idempotency-key": idempotencyKey, ...headers };
    return { method, path: `${this.#path()}${path}`, headers: all, repeatable: true };
  }

  async #operate(verb: "batch" | "transact", body: string, options: ReadOptions & WriteOptions): Promise<OperationResult[]> {
    const request = this.#write("POST", `:${verb}`, options, this.#readHeaders(options));
    const { results } = await this.#transport.send({ ...request, body: bodyOf(new Json(body)) }, options, (response) => {
      return readJson<{ results: WireResult[] }>(response);
    });
    return Promise.all(
      results.map(async (wire) => {
        if (!wire.entry?.omitted || isUnroutable(wire.key)) return resultOfJson(wire);
        return { ...resultOfJson(wire), entry: await this.get(wire.key, options) };
      }),
    );
  }

  async #one(operation: Operation, options: ReadOptions & WriteOptions): Promise<OperationResult> {
    const [result] = await this.batch([operation], options);
    if (!result) throw new SkyKVError("unexpected-answer", "expected a result for each operation, found none");
    if (result.error) throw result.error;
    return result;
  }
}

/** Keys that no URL can name, because its normalisation takes them for steps in a path; they travel by batch. */
function isUnroutable(key: string): boolean {
  return key === "." || key === "..";
}

/** A key in a URL: slashes stay, for the eye, where no normalisation would touch what is between them. */
export function keyPath(key: string): string {
  if (key === "") throw new TypeError("expected a key of at least one character, found an empty one");
  const segments = wellFormed(key).split("/");
  const fragile = segments.some((segment) => segment === "" || segment === "." || segment === "..");
  return fragile ? encodeURIComponent(key) : segments.map(encodeURIComponent).join("/");
}

/** Null for an error that says "no such entry"; a namespace that does not exist is another matter. */
function absent(error: unknown): null {
  if (error instanceof SkyKVError && error.status === 404 && error.code !== "namespace-not-found") return null;
  throw error;
}

function tagList(tags: string | readonly string[] | undefined): string | undefined {
  if (tags === undefined || tags === "*") return tags;
  return (typeof tags === "string" ? [tags] : tags).map((tag) => `"${tag}"`).join(", ");
}

function expiryQuery({ ttl, keepTtl }: Expiry) {
  // Not in exponents, and to the millisecond.
  const seconds = typeof ttl === "number" ? ttl.toFixed(3).replace(/\.?0+$/, "") : ttl;
  return { ttl: seconds, keep_ttl: keepTtl ? "1" : undefined };
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function writtenOfHeaders({ headers }: Response): Written {
  return {
    version: headers.get("kv-version") ?? "",
    etag: tagOfHeaders(headers),
    expiresAt: dateOf(headers.get("kv-expires-at")),
  };
}

function writtenOfResult({ version, etag, expiresAt }: OperationResult): Written {
  return { version: version ?? "", etag: etag ?? "", expiresAt };
}

function* batchBodies(operations: readonly Operation[]): Generator<string> {
  let parts: string[] = [];
  let size = 0;
  const body = () => `{"operations":[${parts.join(",")}]}`;
  for (const operation of operations) {
    const part = JSON.stringify(wireOperation(operation));
    // A code unit is at most three bytes of UTF-8.
    if (parts.length === maxBatch.operations || (parts.length > 0 && size + part.length * 3 > maxBatch.bytes)) {
      yield body();
      parts = [];
      size = 0;
    }
    parts.push(part);
    size += part.length * 3;
  }
  if (parts.length > 0) yield body();
}

/** 128 random bits. Not `crypto.randomUUID`, which browsers keep from pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
