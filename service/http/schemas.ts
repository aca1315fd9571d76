/**
 * The shapes of the HTTP API: what validates requests is what the OpenAPI document shows.
 * JSON names are snake_case. Unknown fields and parameters are refused, so that a typing error is not silence.
 */
import { z } from "@hono/zod-openapi";
import { keyFault, maxKeyBytes, namespacePattern } from "../kv/path.ts";
import { maxSessionBytes } from "../kv/session.ts";

/** Bounds on what a stranger can send; `docs/api.md` lists them. */
export const limits = {
  keyBytes: maxKeyBytes,
  metaBytes: 1024,
  /** Default of a namespace's `max_value_bytes`, and its upper bound. */
  valueBytes: 25 * 2 ** 20,
  /** Larger values are streamed to the blobs port. */
  inlineBytes: 2 ** 20,
  jsonBytes: 10 * 2 ** 20,
  operations: 1000,
  page: 1000,
  /** Values in one answer; the rest are marked `omitted`. */
  answerBytes: 8 * 2 ** 20,
  watchValueBytes: 64 * 2 ** 10,
  ttlSeconds: 10 * 365 * 86400,
  waitSeconds: 60,
  tagCount: 64,
  contentTypeBytes: 255,
} as const;

const timestamp = z.string().datetime({ precision: 3 }).openapi({ example: "2026-11-21T09:30:00.000Z" });
export const version = z
  .string()
  .regex(/^[0-9a-f]{16}-[a-z0-9-]{1,32}$/)
  .openapi({ example: "019aa3b1c5e20000-aws" });
/** Entity tags as `tagOf` makes them: a version, or of a counter its epoch and 16 digits over its cells. */
const tag = z
  .string()
  .regex(/^[0-9a-f]{16}-[a-z0-9-]{1,49}$/, "expected an entity tag of an earlier answer, without quotes")
  .openapi({ example: "019aa3b1c5e20000-aws" });
const cursor = z.string().min(1).max(2048).openapi({ description: "Opaque; from an earlier answer." });

export const namespaceName = z
  .string()
  .regex(namespacePattern, "expected 1-64 of a-z 0-9 . _ -, not starting with _")
  .openapi("NamespaceName", { example: "default" });

export const key = z
  .string()
  .refine((text) => keyFault(text) === null, `expected 1-${maxKeyBytes} bytes of UTF-8 without U+0000`)
  .openapi("Key", { example: "users/42", minLength: 1, maxLength: maxKeyBytes });

/** `?ttl=`: decimal seconds or `none`. In milliseconds after parsing; null for `none`. */
export const ttl = z
  .string()
  .regex(/^(none|\d{1,9}(\.\d{1,3})?)$/, "expected decimal seconds with at most 3 places, or none")
  .transform((text) => (text === "none" ? null : Math.round(Number(text) * 1000)))
  .refine(
    (ms) => ms === null || (ms > 0 && ms <= limits.ttlSeconds * 1000),
    "expected more than 0 and at most ten years",
  )
  .openapi({ type: "string", example: "3600" });

const flag = z.enum(["0", "1"]).transform((text) => text === "1");

/** Query of PUT, DELETE and the actions of one entry. */
export const writeQuery = z
  .strictObject({
    ttl: ttl.optional(),
    keep_ttl: flag.optional().openapi({ description: "Keep the current expiry." }),
    if_version: z
      .union([tag, z.literal("none")])
      .optional()
      .openapi({
        description:
          'An entity tag without quotes: `If-Match: "V"` for proxies that touch entity tags; `none` creates only.',
      }),
  })
  .refine((query) => !(query.ttl !== undefined && query.keep_ttl), "ttl and keep_ttl exclude each other")
  .openapi("WriteQuery");
export const conditionQuery = z.strictObject({ if_version: writeQuery.shape.if_version }).openapi("ConditionQuery");

export const encoding = z.enum(["utf8", "base64"]).openapi("Encoding", {
  description: "How `value` holds the bytes: as text, or where they are not valid UTF-8 as base64.",
});

export const meta = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => JSON.stringify(value).length <= limits.metaBytes,
    `expected at most ${limits.metaBytes} bytes of JSON`,
  )
  .openapi("Meta", { description: "A JSON object that is kept with the entry." });

const tags = z
  .union([z.literal("*"), z.string().min(1).max(100), z.array(z.string().min(1).max(100)).min(1).max(limits.tagCount)])
  .openapi("Tags", { description: "`*`, or versions or counters' entity tags without quotes." });

const valueFields = {
  value: z.string(),
  encoding: encoding.default("utf8"),
  content_type: z
    .string()
    .min(1)
    .max(limits.contentTypeBytes)
    .regex(/^[\x20-\x7e]+$/)
    .nullish(),
  content_encoding: z
    .string()
    .min(1)
    .max(limits.contentTypeBytes)
    .regex(/^[\x20-\x7e]+$/)
    .nullish(),
  meta: meta.nullish(),
};
const ttlFields = {
  ttl: z
    .union([z.number().positive().max(limits.ttlSeconds), z.literal("none")])
    .optional()
    .openapi({ description: "Seconds, to the millisecond." }),
  keep_ttl: z.boolean().optional(),
};
const conditionFields = { if_match: tags.optional(), if_none_match: tags.optional() };

/** One operation of a batch or a transaction. */
export const operation = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("get"), key }).openapi("GetOperation"),
    z
      .strictObject({ op: z.literal("put"), key, ...valueFields, ...ttlFields, ...conditionFields })
      .openapi("PutOperation"),
    z.strictObject({ op: z.literal("delete"), key, ...conditionFields }).openapi("DeleteOperation"),
    z.strictObject({ op: z.literal("touch"), key, ...ttlFields, ...conditionFields }).openapi("TouchOperation"),
    z.strictObject({ op: z.literal("increment"), key, by: z.number().int().default(1) }).openapi("IncrementOperation"),
    z.strictObject({ op: z.literal("check"), key, ...conditionFields }).openapi("CheckOperation"),
  ])
  .openapi("Operation");
export type OperationInput = z.infer<typeof operation>;

export const operations = z
  .strictObject({ operations: z.array(operation).min(1).max(limits.operations) })
  .openapi("Operations");

/** An entry in JSON: in batches, transactions, lists, watches and exports. */
export const entry = z
  .object({
    key,
    kind: z.enum(["value", "counter"]),
    version,
    etag: z.string().openapi({ description: "Without quotes; for values the version." }),
    origin: z.string(),
    updated_at: timestamp,
    expires_at: timestamp.nullable(),
    size: z.number().int(),
    content_type: z.string(),
    content_encoding: z.string().nullable(),
    meta: meta.nullable(),
    value: z.string().optional(),
    encoding: encoding.optional(),
    omitted: z.literal(true).optional().openapi({ description: "The answer was full: fetch this value by itself." }),
  })
  .openapi("Entry");

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string().optional().openapi({ description: "The request id." }),
  })
  .openapi("Problem");

export const operationResult = z
  .object({
    op: z.string(),
    key,
    status: z.number().int().openapi({ description: "What the operation by itself would have answered." }),
    entry: entry.optional().openapi({ description: "Of a get that found something." }),
    version: version.optional(),
    etag: z.string().optional(),
    expires_at: timestamp.nullable().optional(),
    value: z.number().int().optional().openapi({ description: "Of an increment." }),
    problem: problem.optional(),
  })
  .openapi("OperationResult");
export const results = z.object({ results: z.array(operationResult) }).openapi("Results");

export const listQuery = z
  .strictObject({
    prefix: z.string().max(maxKeyBytes).optional(),
    delimiter: z
      .string()
      .min(1)
      .max(16)
      .optional()
      .openapi({ description: "Keys that hold it after the prefix are folded into `prefixes`." }),
    cursor: cursor.optional(),
    limit: z
      .string()
      .regex(/^\d{1,6}$/, `expected an integer from 1 to ${limits.page}`)
      .transform(Number)
      .pipe(z.number().int().min(1).max(limits.page))
      .optional()
      .openapi({ type: "integer", minimum: 1, maximum: limits.page }),
    values: flag.optional(),
  })
  .openapi("ListQuery");
export const page = z
  .object({ entries: z.array(entry), prefixes: z.array(z.string()), cursor: cursor.nullable() })
  .openapi("Page");

export const deleteQuery = z.strictObject({ prefix: z.string().min(1).max(maxKeyBytes) }).openapi("DeletePrefixQuery");

/** A header, in the document: {@link idempotencyKeyOf} reads it. */
export const idempotencyKey = z
  .string()
  .max(255)
  .optional()
  .openapi({ description: "A retry with it gets the first answer (24 h)." });

/** Request header of all routes that read or write entries. */
export const sessionHeader = {
  "kv-session": z.string().max(maxSessionBytes).optional().openapi({
    description:
      "From an earlier answer, of any cloud: what it has seen, this answer has seen too. What the cloud lacks of that it waits for (2 s), then asks of the cloud that has it; else 503 `session-behind`.",
  }),
};
/** A header, in the document: `durabilityOf` reads it. */
export const durability = z.enum(["local", "peer", "all"]).optional().openapi({
  description:
    "Where the write must be committed before the answer: in this cloud, in one other cloud too, or in all members. Without it the namespace's default. 504 `unconfirmed`: written here, perhaps not there.",
});

const sessionSoFar = z.string().openapi({
  description: "The `KV-Session` that covers all that was written so far: the headers left before it was known.",
});

/** Lines of the answer to a deletion by prefix; without a last one of type `end` it was cut. */
export const deleteProgress = z
  .object({
    type: z.enum(["progress", "error", "end"]),
    deleted: z.number().int(),
    session: sessionSoFar,
    problem: problem.optional(),
  })
  .openapi("DeleteProgress");

export const watchQuery = z
  .strictObject({
    prefix: z.string().max(maxKeyBytes).optional(),
    since: cursor.optional(),
    snapshot: flag.optional(),
    values: flag.optional(),
    wait: z
      .string()
      .regex(/^\d{0,2}$/, `expected seconds from 0 to ${limits.waitSeconds}`)
      .transform((text) => (text === "" ? 30 : Number(text)))
      .pipe(z.number().min(0).max(limits.waitSeconds))
      .optional()
      .openapi({
        type: "integer",
        minimum: 0,
        maximum: limits.waitSeconds,
        description: "Long poll: answers when there are changes, else after so many seconds; 30 when empty.",
      }),
  })
  .openapi("WatchQuery");
export const watchEvent = z
  .object({
    type: z.enum(["put", "delete"]),
    id: cursor,
    key,
    version,
    origin: z.string(),
    content_type: z.string().nullable(),
    size: z.number().int(),
    expires_at: timestamp.nullable(),
    value: z.string().optional(),
    encoding: encoding.optional(),
  })
  .openapi("WatchEvent");
export const watchPage = z.object({ events: z.array(watchEvent), cursor }).openapi("WatchPage");

const rateLimit = z
  .strictObject({
    requests: z.number().int().min(1).max(1_000_000),
    seconds: z.number().int().min(1).max(3600).default(1),
  })
  .openapi("RateLimit", { description: "At most `requests` in any `seconds`, with bursts up to `requests`." });

const homeName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .nullable();
export const moveHome = z
  .strictObject({
    to: homeName.openapi({ description: "The cloud that will decide all writes; null: every cloud takes writes." }),
    force: z.boolean().default(false).openapi({
      description:
        "Does not wait for the present home, which is gone for good. What it had taken and no other cloud has is lost. 409 `home-differs` while it answers the new one.",
    }),
  })
  .openapi("MoveHome");

/** Settings of a namespace. PUT replaces all: a field that is not sent takes its default. */
export const settings = z
  .strictObject({
    home: homeName.optional().openapi({
      description:
        "The cloud that decides all writes; null: every cloud takes writes. Chosen when the namespace is made, null unless sent. Later it is moved with `:move-home`; sent here, it must be what it is.",
    }),
    default_ttl: z
      .number()
      .positive()
      .max(limits.ttlSeconds)
      .nullable()
      .default(null)
      .openapi({ description: "Seconds." }),
    default_durability: z.enum(["local", "peer", "all"]).default("local"),
    max_value_bytes: z.number().int().min(1).max(limits.valueBytes).default(limits.valueBytes),
    rate_limit: rateLimit.nullable().default(null),
    require_condition: z.boolean().default(false),
    public_read: z.boolean().default(false),
    public_max_age: z
      .number()
      .int()
      .min(0)
      .max(86400)
      .default(0)
      .openapi({ description: "Seconds, for `Cache-Control` of public reads." }),
  })
  .openapi("NamespaceSettings");
export type Settings = Omit<z.infer<typeof settings>, "home">;
export const namespace = z
  .object({
    ...settings.shape,
    home: homeName.openapi({ description: "The cloud that decides all writes; null: every cloud takes writes." }),
    moving_to: homeName.openapi({
      description: "The cloud that will be the home. Until it is, writes are refused; null: no move is under way.",
    }),
    name: namespaceName,
    created_at: timestamp,
    entries: z.number().int(),
    bytes: z.number().int(),
  })
  .openapi("Namespace");
export const namespaces = z.object({ namespaces: z.array(namespace) }).openapi("Namespaces");

/** `verb:namespace` or `verb:prefix*`, for example `read:team-a` or `write:*`. */
export const scope = z
  .string()
  .regex(
    /^(read|write|admin):([a-z0-9._-]{1,64}|[a-z0-9._-]{0,63}\*)$/,
    "expected verb:namespace or verb:prefix*, verb one of read, write, admin",
  )
  .openapi("Scope", { example: "read:team-*" });
export const newKey = z
  .strictObject({
    name: z.string().min(1).max(100),
    scopes: z.array(scope).min(1).max(50),
    expires_at: z.string().datetime().nullable().default(null),
    rate_limit: rateLimit.nullable().default(null),
  })
  .openapi("NewApiKey");
export const apiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    revoked_at: timestamp.nullable(),
    rate_limit: rateLimit.nullable(),
  })
  .openapi("ApiKey");
export const createdKey = apiKey
  .extend({ key: z.string().openapi({ description: "The secret. Shown this once: only a hash is kept." }) })
  .openapi("CreatedApiKey");
export const apiKeys = z.object({ keys: z.array(apiKey) }).openapi("ApiKeys");

export const incrementBody = z.strictObject({ by: z.number().int().default(1) }).openapi("Increment");
export const incrementAnswer = z.object({ value: z.number().int() }).openapi("IncrementAnswer");

export const exportQuery = z
  .strictObject({
    namespace: namespaceName,
    prefix: z.string().max(maxKeyBytes).optional(),
    after: z.string().max(maxKeyBytes).optional().openapi({ description: "Resume behind this key." }),
    format: z.enum(["jsonl", "tar"]).optional(),
  })
  .openapi("ExportQuery");
/** First line of an export: a watch from `cursor` on misses nothing that the export does not hold. */
export const exportHeader = z
  .object({
    type: z.literal("header"),
    format: z.literal("skykv/1"),
    namespace: namespaceName,
    prefix: z.string(),
    cursor,
    exported_at: timestamp,
  })
  .openapi("ExportHeader");
/** What a counter's sum is made of; a restore needs it to merge. */
const counterParts = z
  .strictObject({
    epoch: version.nullable().openapi({ description: "The write that it was born over; null: nothing was there." }),
    cells: z
      .record(z.string().regex(/^[a-z0-9-]{1,32}$/), z.strictObject({ version, sum: z.number().int() }))
      .refine((cells) => Object.keys(cells).length > 0, "expected at least one cell")
      .openapi({ description: "By cloud: its last increment, and the sum of all of them." }),
  })
  .openapi("CounterParts");
export const exportEntry = entry
  .extend({ type: z.literal("entry"), counter: counterParts.optional() })
  .openapi("ExportEntry");
/** Last line: without it the stream was cut. */
export const exportEnd = z.object({ type: z.literal("end"), entries: z.number().int() }).openapi("ExportEnd");
export const exportLine = z.discriminatedUnion("type", [exportHeader, exportEntry, exportEnd]).openapi("ExportLine");

export const importQuery = z
  .strictObject({
    namespace: namespaceName,
    versions: z
      .enum(["new", "keep"])
      .optional()
      .openapi({ description: "`keep` merges the original versions (restore); needs `admin`." }),
    format: z.enum(["jsonl", "tar"]).optional(),
  })
  .openapi("ImportQuery");
/** One line of an import: what an export writes, or just a key and a value. Lines of type header and end are passed over. */
export const importLine = z
  .object({
    type: z.literal("entry").optional(),
    key,
    kind: z.enum(["value", "counter"]).default("value"),
    ...valueFields,
    version: version.optional(),
    expires_at: z
      .string()
      .datetime()
      .nullish()
      .openapi({ description: "null: never. Not sent: the namespace's default." }),
    counter: counterParts.optional(),
  })
  .openapi("ImportLine");
/** Lines of the answer to an import, one at least every second and a last one of type `end`. */
export const importProgress = z
  .object({
    type: z.enum(["progress", "error", "end"]),
    line: z.number().int().openapi({
      description:
        "Lines (files of a tar) read and committed so far; of an error, its line, or 0 when the whole import ended by it.",
    }),
    imported: z.number().int().optional(),
    failed: z.number().int().optional(),
    session: sessionSoFar.optional(),
    key: z.string().optional(),
    problem: problem.optional(),
  })
  .openapi("ImportProgress");

/** A state that lost to a concurrent write of another cloud. */
export const conflict = z
  .object({
    key,
    kind: z.enum(["value", "counter", "tombstone"]),
    version,
    origin: z.string(),
    updated_at: timestamp,
    lost_at: timestamp,
    size: z.number().int(),
    value: z.string().optional(),
    encoding: encoding.optional(),
  })
  .openapi("Conflict");

export const conflictQuery = z.strictObject({ key }).openapi("ConflictQuery");

export const drainBody = z
  .strictObject({
    cloud: z.string().openapi({ description: "The cloud that is asked; another one refuses" }),
    drained: z.boolean().openapi({ description: "Whether clients are to be kept away" }),
  })
  .openapi("Drain");

export const expelBody = z
  .strictObject({ cloud: z.string().openapi({ description: "The cloud that is lost for good" }) })
  .openapi("Expel");

export const memberBody = z
  .strictObject({ cloud: z.string().openapi({ description: "The cloud that becomes a member" }) })
  .openapi("NewMember");

export const arrival = z
  .object({
    cloud: z.string(),
    state: z.enum(["expected", "copying", "member"]).openapi({
      description:
        "expected: all clouds wait for it, start it; copying: it is there and lacks what the others have; member: it has it",
    }),
  })
  .openapi("Arrival");

export const cluster = z
  .object({
    cloud: z.string(),
    release: z.string(),
    incarnation: z.string(),
    clouds: z.array(
      z.object({
        name: z.string(),
        self: z.boolean(),
        ready: z.boolean(),
        expelled: z.boolean().openapi({ description: "It is no member any more, until it was seeded anew" }),
        lag_ms: z.number().openapi({ description: "Since it was last known to have everything that was written here" }),
        repaired_at: timestamp
          .nullable()
          .openapi({ description: "When both were last compared key by key; null while a repair is due" }),
      }),
    ),
    floor_age_ms: z.number().openapi({ description: "Deletions older than this may be forgotten" }),
    ready: z.boolean(),
    drained: z.boolean().openapi({ description: "An administrator keeps clients away from this cloud" }),
    database: z.object({ version: z.string(), clock_skew_ms: z.number(), horizon_age_ms: z.number() }),
    cache: z.object({ l1_entries: z.number().int(), l1_bytes: z.number().int(), l2: z.enum(["none", "up", "down"]) }),
    watchers: z.number().int(),
  })
  .openapi("Cluster");
