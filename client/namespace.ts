import {
  dateOf,
  Entry,
  entryOfJson,
  factsOfHeaders,
  StreamEntry,
  tagOfHeaders,
  ValueEntry,
  type WireEntry,
} from "./entry.ts";
import { fromProblem, type Problem, SkyKVError } from "./errors.ts";
import { type ExportOptions, exportEntries, exportStream } from "./export.ts";
import {
  type Call,
  type CallOptions,
  type Consistency,
  type Durability,
  discard,
  linesOf,
  parseLine,
  readBytes,
  readJson,
  type Transport,
} from "./http.ts";
import {
  type ImportOptions,
  type ImportRecord,
  type ImportResult,
  importRecords,
  importUnits,
  type UnitOptions,
} from "./import.ts";
import { Listing } from "./listing.ts";
import {
  batchesOf,
  type Conditions,
  demandedAbsence,
  type Expiry,
  type Operation,
  type OperationResult,
  type PutFields,
  resultOfJson,
  transactionBody,
  type WireResult,
} from "./operation.ts";
import { bodyOf, collect, Json, json, type Value } from "./value.ts";
import { type WatchEvent, type WatchOptions, watch } from "./watch.ts";
import { asciiJson, expiryQuery, isUnroutable, keyPath, randomKey, tagList } from "./wire.ts";

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
  /** Entries in one request, 1-1000; 1000 unless told. */
  limit?: number | undefined;
  /** `cursor` of an earlier page: go on behind it. */
  cursor?: string | undefined;
};

/** What a write made. */
export type Written = {
  readonly version: string;
  /** For `ifMatch`, without quotes. */
  readonly etag: string;
  /** Null: never. */
  readonly expiresAt: Date | null;
};

/** Entries in one answer, at most. */
const maxPage = 1000;

/** The entries of one namespace. Made by `kv.namespace(name)`; making one sends nothing. */
export class Namespace {
  readonly name: string;
  readonly #transport: Transport;

  constructor(transport: Transport, name: string) {
    // The service knows no others, and `.` or `..` would lead a request elsewhere.
    if (!/^(?!\.{1,2}$)[a-z0-9.-][a-z0-9._-]{0,63}$/.test(name)) {
      throw new TypeError(
        `expected a namespace of 1-64 of a-z 0-9 . _ -, not starting with _, found ${JSON.stringify(name)}`,
      );
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
  async get(
    key: string,
    options: ReadOptions & { ifNoneMatch?: string } = {},
  ): Promise<ValueEntry | "unchanged" | null> {
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
    const read = (response: Response) => new Entry(factsOfHeaders(key, response));
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
      const bytes = value instanceof Json ? value : await collect(value);
      const { contentType = bodyOf(value).contentType } = options;
      const result = await this.#one({ ...options, op: "put", key, value: bytes, contentType }, options);
      return {
        version: result.version!,
        etag: result.etag!,
        expiresAt: result.expiresAt,
        created: result.status === 201,
      };
    }
    const { contentType, contentEncoding, meta } = options;
    const call = this.#write("PUT", `/${keyPath(key)}`, options, {
      "content-type": contentType,
      "content-encoding": contentEncoding,
      "kv-meta": meta && asciiJson(meta),
      "if-match": tagList(options.ifMatch),
      "if-none-match": tagList(demandedAbsence(options)),
    });
    const request = { ...call, query: expiryQuery(options), body: bodyOf(value) };
    return this.#transport.send(request, options, async (response) => {
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
    const request: Call = {
      method: "GET",
      path: this.#path(),
      headers: this.#readHeaders(options),
      repeatable: true,
    };
    const query = {
      prefix: options.prefix,
      delimiter: options.delimiter,
      limit: String(options.limit ?? maxPage),
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
   * 1000, or than 8 MiB, are sent in several requests, one after the other. A request that writes a key twice is not
   * retried: its repetition could not be told from a second one.
   */
  async batch(operations: readonly Operation[], options: ReadOptions & WriteOptions = {}): Promise<OperationResult[]> {
    const results: OperationResult[] = [];
    let number = 0;
    for (const { body, writes, distinct } of batchesOf(operations)) {
      // Requests differ, and so must what names them.
      const given = options.idempotencyKey && `${options.idempotencyKey}${++number > 1 ? `.${number}` : ""}`;
      const idempotencyKey = writes ? (given ?? (distinct ? randomKey() : undefined)) : undefined;
      const headers = {
        ...this.#readHeaders(options),
        ...this.#writeHeaders(options),
        "idempotency-key": idempotencyKey,
      };
      const repeatable = !writes || idempotencyKey !== undefined;
      const call: Call = { method: "POST", path: `${this.#path()}:batch`, headers, body: bodyOf(body), repeatable };
      results.push(...(await this.#results(call, options)));
    }
    return results;
  }

  /**
   * Does up to 1000 operations as one: all, or none when a condition fails or a key to touch is absent. Then it throws,
   * with `index` and `key` of the first operation at fault. A key may occur once. Needs a namespace with a home cloud,
   * or a service without peers.
   */
  transact(operations: readonly Operation[], options: ReadOptions & WriteOptions = {}): Promise<OperationResult[]> {
    const call = this.#write("POST", ":transact", options, this.#readHeaders(options));
    return this.#results({ ...call, body: bodyOf(transactionBody(operations)) }, options);
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
    options: Omit<WriteOptions, "idempotencyKey"> & { onProgress?: ((deleted: number) => void) | undefined } = {},
  ): Promise<number> {
    if (prefix === "") throw new TypeError("expected a prefix; to delete everything, delete the namespace");
    const headers = this.#writeHeaders(options);
    const request: Call = { method: "DELETE", path: this.#path(), query: { prefix }, headers, repeatable: true };
    const unbounded = { ...options, timeout: options.timeout ?? Number.POSITIVE_INFINITY };
    let before = 0;
    return this.#transport.send(request, unbounded, async (response) => {
      let deleted = 0;
      try {
        for await (const line of linesOf(response)) {
          const progress = parseLine<{ type: string; deleted: number; session?: string; problem?: Problem }>(line);
          deleted = progress.deleted;
          // The headers were sent before anything was deleted.
          if (progress.session !== undefined) this.#transport.session.accept(progress.session);
          options.onProgress?.(before + deleted);
          if (progress.problem) throw fromProblem(progress.problem, Number(progress.problem.status));
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

  /**
   * An export as bytes: JSON Lines, which goes on by itself after a break and fails when something is missing, or a tar
   * of raw values, which does not go on.
   */
  exportStream(
    options: ExportOptions & { format?: "jsonl" | "tar" | undefined } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return exportStream(this.#transport, this.name, options);
  }

  /**
   * Writes many records fast, in the order given, holding a bounded number of them in memory. After a break it goes on
   * behind the last record that the service has committed; the few after that may be written twice.
   */
  import(
    records: Iterable<ImportRecord> | AsyncIterable<ImportRecord>,
    options: ImportOptions = {},
  ): Promise<ImportResult> {
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

  #read(method: "GET" | "HEAD", key: string, options: ReadOptions & { ifNoneMatch?: string }): Call {
    const headers = { ...this.#readHeaders(options), "if-none-match": tagList(options.ifNoneMatch) };
    return { method, path: `${this.#path()}/${keyPath(key)}`, headers, repeatable: true };
  }

  #writeHeaders({ durability = this.#transport.options.durability }: WriteOptions) {
    return { "kv-durability": durability };
  }

  #write(method: "PUT" | "POST" | "DELETE", path: string, options: WriteOptions, headers: Call["headers"] = {}): Call {
    const { idempotencyKey = randomKey() } = options;
    const all = { ...this.#writeHeaders(options), "idempotency-key": idempotencyKey, ...headers };
    return { method, path: `${this.#path()}${path}`, headers: all, repeatable: true };
  }

  async #results(call: Call, options: ReadOptions): Promise<OperationResult[]> {
    const { results } = await this.#transport.send(call, options, readJson<{ results: WireResult[] }>);
    const filled = results.map(async (wire) => {
      // The answer was full before this value.
      if (!wire.entry?.omitted || isUnroutable(wire.key)) return resultOfJson(wire);
      return { ...resultOfJson(wire), entry: await this.get(wire.key, options) };
    });
    return Promise.all(filled);
  }

  async #one(operation: Operation, options: ReadOptions & WriteOptions): Promise<OperationResult> {
    const [result] = await this.batch([operation], options);
    if (!result) throw new SkyKVError("unexpected-answer", "expected a result for each operation, found none");
    if (result.error) throw result.error;
    return result;
  }
}

/** Null for an error that says "no such entry"; a namespace that does not exist is another matter. */
function absent(error: unknown): null {
  if (error instanceof SkyKVError && error.code === "not-found") return null;
  throw error;
}

function writtenOfHeaders({ headers }: Response): Written {
  return {
    version: headers.get("kv-version") ?? "",
    etag: tagOfHeaders(headers),
    expiresAt: dateOf(headers.get("kv-expires-at")),
  };
}
