import type { Carried } from "../kv/carried.ts";
import type { CatalogPosition, CatalogRow, NamespaceRow } from "../kv/catalog.ts";
import type { Path } from "../kv/path.ts";
import type { Claim, DigestRow, MovingReceipt, News, Peer, Sender, Watermarks } from "../store/member.ts";
import { positionFromWire, positionToWire, rowFromWire, rowToWire } from "./catalog-wire.ts";
import { cloud, fromWire, MalformedError, toWire, type WireEntry } from "./wire.ts";

/**
 * What members say to each other. A message is a JSON text with the bytes of all values behind it:
 *
 *     length of the JSON    4 bytes, big endian
 *     JSON                  UTF-8
 *     values                in the order of the entries
 *
 * Every message names the release of the protocol that it was written in (`protocol`) and the lowest one that can read
 * it (`needs`): a newer release adds fields, which older ones pass over (in entries: keep), and raises `needs` only when
 * it cannot be understood without them.
 */
export const protocol = 1;

/** Whether the sender has been compared with every member since it began or was restored. */
export type Stage = "new" | "restored" | "whole";

/** Says who speaks, to whom, and what the cluster should know. Part of every request and every answer. */
export type Head = {
  readonly sender: Sender;
  /** Incarnation of the receiver that the sender speaks to; null: it has not heard of any. */
  readonly to: string | null;
  readonly stage: Stage;
  readonly news: News;
};

/** A half-open range of paths, [from, to); `to` null: to the end. */
export type Range = { readonly from: Path; readonly to: Path | null };
export type RangeSum = Range & { readonly count: number; readonly sum: bigint };

export type Request =
  | { readonly kind: "batch"; readonly entries: readonly Carried[] }
  /** `catalog` is the digest of the sender's catalog; null: its release keeps that to itself. */
  | { readonly kind: "heartbeat"; readonly claims: readonly Claim[]; readonly catalog: bigint | null }
  /** Anti-entropy. `now` is the sender's, so that both call the same entries expired. */
  | { readonly kind: "compare"; readonly now: number; readonly ranges: readonly RangeSum[] }
  | ({ readonly kind: "list"; readonly now: number } & Range)
  | { readonly kind: "fetch"; readonly paths: readonly Path[] }
  /** Takes rows of the catalog and gives others, those behind `after`; `digest` is of the sender's whole catalog. */
  | ({ readonly kind: "catalog"; readonly after: CatalogPosition | null } & CatalogPage)
  /** Takes a namespace's row and hands its home over to the cloud `to`, if that is the receiver's to do; null: tells only. */
  | { readonly kind: "home"; readonly row: NamespaceRow; readonly to: string | null }
  | { readonly kind: "receipts"; readonly name: string; readonly after: string | null }
  | { readonly kind: "members" };

/** A stretch of a catalog, and the digest of all of it. */
export type CatalogPage = { readonly rows: readonly CatalogRow[]; readonly digest: bigint };

/** What became of an entry: null when it is committed (or in quarantine), else why it must come again. */
export type Result = "unknown-namespace" | "no-blob" | "future" | "busy" | null;

/** Why a request was not done at all. */
export type Refusal = "malformed" | "protocol" | "stranger" | "incarnation" | "floor" | "recovering";

export type Answer =
  | { readonly kind: "refused"; readonly reason: Refusal }
  /** `quarantined`: which of the entries with a result of null are kept until their time; null: an older release. */
  | {
      readonly kind: "applied";
      readonly results: readonly Result[];
      readonly quarantined: readonly number[] | null;
    }
  | { readonly kind: "heard"; readonly catalog: bigint | null }
  | { readonly kind: "differ"; readonly ranges: readonly number[] }
  /** Complete up to (without) `end`; null: to the end of the range that was asked for. */
  | { readonly kind: "listed"; readonly rows: readonly DigestRow[]; readonly end: Path | null }
  /** In the order of the paths, from the first on; as many as fit. */
  | { readonly kind: "fetched"; readonly entries: readonly (Carried | null)[] }
  /** With the rows that were sent merged. No rows where the digests are equal by then. */
  | ({ readonly kind: "catalog" } & CatalogPage)
  /** The row as it is now, and below which transaction all lies that was decided before it; null: not known yet. */
  | {
      readonly kind: "home";
      readonly row: NamespaceRow;
      readonly stop: number | null;
      /** What the answering cloud has of others since then; null: it has not stopped, or its release does not say. */
      readonly complete: Watermarks["complete"] | null;
    }
  | { readonly kind: "receipts"; readonly receipts: readonly MovingReceipt[] }
  /** Whom the configuration of the process names, and which incarnations of them its cloud has heard of and expelled. */
  | {
      readonly kind: "members";
      readonly named: readonly string[];
      readonly known: readonly Pick<Peer, "peer" | "incarnatedAt" | "expelledUpTo">[];
    };

export type Message<Body extends Request | Answer> = { readonly head: Head; readonly body: Body };

/** The message needs a newer release than this one. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

export function encode(message: Message<Request | Answer>): Uint8Array {
  const { head, body } = message;
  const { sender, to, stage, news } = head;
  const values: Uint8Array[] = [];
  const wire = (entry: Carried | null) => {
    if (entry?.entry.kind === "value" && entry.entry.body !== null) values.push(entry.entry.body);
    return entry && toWire(entry);
  };
  const outer = {
    protocol,
    needs: 1,
    from: sender.peer,
    incarnation: sender.incarnation,
    since: sender.incarnatedAt,
    to,
    stage,
    floor: hex(news.floor),
    confirmed: hex(news.confirmed),
    yours: news.yours === null ? null : hex(news.yours),
    expelled: news.expelled,
    settled: news.settled,
  };
  // Entries have no bigints left, and are many: a replacer would be called for each of their fields.
  const json =
    "entries" in body
      ? JSON.stringify({ ...outer, body: { ...body, entries: body.entries.map(wire) } })
      : JSON.stringify({ ...outer, body: catalogToWire(body) }, (_, value) =>
          typeof value === "bigint" ? hex(value) : value,
        );
  const text = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...values]);
}

function catalogToWire(body: Request | Answer): unknown {
  if (body.kind === "home") return { ...body, row: rowToWire(body.row) };
  if (body.kind !== "catalog") return body;
  const after = "after" in body ? positionToWire(body.after) : undefined;
  return { ...body, rows: body.rows.map(rowToWire), after };
}

/** Throws a {@link MalformedError} or a {@link ProtocolError}. What arrives may come from any release, or from a stranger. */
export function decode<Body extends Request | Answer>(
  bytes: Uint8Array,
  read: (body: Fields, take: Take) => Body,
): Message<Body> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 4) throw new MalformedError("expected a message, found less than 4 bytes");
  let at = 4 + buffer.readUInt32BE(0);
  if (at > buffer.length) throw new MalformedError("expected a whole message, found a part");
  let json: Fields;
  try {
    json = JSON.parse(buffer.toString("utf8", 4, at));
  } catch {
    throw new MalformedError("expected JSON");
  }
  if (typeof json !== "object" || json === null) throw new MalformedError("expected an object");
  if (!(Number(json.needs) <= protocol)) throw new ProtocolError(`expected protocol ${protocol}, found ${json.needs}`);
  const take = (length: number) => {
    if (at + length > buffer.length) throw new MalformedError("expected the bytes of a value");
    at += length;
    // A copy: a small value in a cache would keep the whole message in memory.
    return Buffer.copyBytesFrom(buffer, at - length, length);
  };
  if (typeof json.body !== "object" || json.body === null) throw new MalformedError("expected a body");
  const sender = { peer: string(json.from), incarnation: string(json.incarnation), incarnatedAt: number(json.since) };
  const news = {
    floor: bigint(json.floor),
    confirmed: bigint(json.confirmed),
    yours: json.yours == null ? null : bigint(json.yours),
    // A release that knows nothing of expulsions says nothing of them, and so holds the floor when there was one.
    expelled: json.expelled === undefined ? {} : expulsions(json.expelled),
    settled: json.settled === true,
  };
  const to = json.to == null ? null : string(json.to);
  return { head: { sender, to, stage: stageFrom(json.stage), news }, body: read(json.body as Fields, take) };
}

/** Releases that say nothing of it take no part in comparisons while they are not whole. */
function stageFrom(value: unknown): Stage {
  return value === "new" || value === "restored" ? value : "whole";
}

type Fields = Readonly<Record<string, unknown>>;
type Take = (length: number) => Uint8Array;

/** What a message may hold of each: more is refused before anything is done. */
const maxItems = 10_000;

export function readRequest(body: Fields, take: Take): Request {
  switch (body.kind) {
    case "batch": {
      const entries = array(body.entries).map((entry) => entryFrom(entry, take));
      if (new Set(entries.map(({ path }) => path)).size !== entries.length)
        throw new MalformedError("expected each key once");
      return { kind: "batch", entries };
    }
    case "heartbeat":
      return {
        kind: "heartbeat",
        claims: array(body.claims).map((claim) => ({ shard: number(claim.shard), complete: number(claim.complete) })),
        catalog: body.catalog == null ? null : bigint(body.catalog),
      };
    case "compare":
      return {
        kind: "compare",
        now: number(body.now),
        ranges: array(body.ranges).map((range) => ({
          ...rangeFrom(range),
          count: number(range.count),
          sum: bigint(range.sum),
        })),
      };
    case "list":
      return { kind: "list", now: number(body.now), ...rangeFrom(body) };
    case "fetch":
      return { kind: "fetch", paths: array(body.paths).map(string) };
    case "catalog":
      return { kind: "catalog", after: positionFromWire(body.after), ...catalogPage(body) };
    case "home":
      return { kind: "home", row: namespaceRow(body.row), to: body.to == null ? null : string(body.to) };
    case "receipts":
      return { kind: "receipts", name: string(body.name), after: body.after == null ? null : scope(body.after) };
    case "members":
      return { kind: "members" };
    default:
      throw new ProtocolError(`expected a kind of request of protocol ${protocol}, found ${JSON.stringify(body.kind)}`);
  }
}

export function readAnswer(body: Fields, take: Take): Answer {
  switch (body.kind) {
    case "refused":
      return { kind: "refused", reason: string(body.reason) as Refusal };
    case "applied":
      return {
        kind: "applied",
        results: array(body.results).map((result) => (result === null ? null : string(result))) as Result[],
        quarantined: body.quarantined == null ? null : array(body.quarantined).map(number),
      };
    case "heard":
      return { kind: "heard", catalog: body.catalog == null ? null : bigint(body.catalog) };
    case "differ":
      return { kind: "differ", ranges: array(body.ranges).map(number) };
    case "listed":
      return {
        kind: "listed",
        rows: array(body.rows).map((row) => ({ path: string(row.path), digest: bigint(row.digest) })),
        end: body.end == null ? null : string(body.end),
      };
    case "fetched":
      return { kind: "fetched", entries: array(body.entries).map((entry) => entry && entryFrom(entry, take)) };
    case "catalog":
      return { kind: "catalog", ...catalogPage(body) };
    case "home":
      return {
        kind: "home",
        row: namespaceRow(body.row),
        stop: body.stop == null ? null : number(body.stop),
        complete: body.complete == null ? null : array(body.complete).map(watermarkFrom),
      };
    case "receipts":
      return { kind: "receipts", receipts: array(body.receipts).map(receiptFrom) };
    case "members":
      return {
        kind: "members",
        named: array(body.named).map(cloud),
        known: array(body.known).map((one) => ({
          peer: cloud(one.peer),
          incarnatedAt: number(one.incarnatedAt),
          expelledUpTo: one.expelledUpTo == null ? null : number(one.expelledUpTo),
        })),
      };
    default:
      throw new ProtocolError(`expected a kind of answer of protocol ${protocol}, found ${JSON.stringify(body.kind)}`);
  }
}

function entryFrom(entry: WireEntry, take: Take): Carried {
  if (typeof entry !== "object" || entry === null) throw new MalformedError("expected an entry");
  return fromWire(entry, entry.length === undefined ? null : take(number(entry.length)));
}

function catalogPage(body: Fields): CatalogPage {
  const rows = array(body.rows).map((row) => {
    if (typeof row !== "object" || row === null) throw new MalformedError("expected a row of the catalog");
    return rowFromWire(row);
  });
  return { rows, digest: bigint(body.digest) };
}

function namespaceRow(value: unknown): NamespaceRow {
  if (typeof value !== "object" || value === null) throw new MalformedError("expected a row of the catalog");
  const row = rowFromWire(value as Fields);
  if (row.kind !== "namespace") throw new MalformedError("expected the row of a namespace");
  return row;
}

function receiptFrom(value: Fields): MovingReceipt {
  const written = value.written as MovingReceipt["written"];
  if (written !== null && (typeof written !== "object" || Array.isArray(written)))
    throw new MalformedError("expected what was written by path");
  return {
    scope: scope(value.scope),
    fingerprint: scope(value.fingerprint),
    at: number(value.at),
    answer: value.answer,
    written,
  };
}

function watermarkFrom({ origin, shard, mark }: Fields): Watermarks["complete"][number] {
  const { since, transaction } = (mark ?? {}) as Fields;
  return {
    origin: cloud(origin),
    shard: number(shard),
    mark: { since: number(since), transaction: number(transaction) },
  };
}

/** SHA-256 in hexadecimal. */
function scope(value: unknown): string {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw new MalformedError("expected a digest");
  return value;
}

function rangeFrom(range: Fields): Range {
  return { from: string(range.from), to: range.to == null ? null : string(range.to) };
}

// biome-ignore lint/suspicious/noExplicitAny: what a stranger's JSON holds; every field is checked where it is read.
function array(value: unknown): any[] {
  if (!Array.isArray(value) || value.length > maxItems)
    throw new MalformedError(`expected a list of at most ${maxItems}`);
  return value;
}

function expulsions(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) throw new MalformedError("expected an object as `expelled`");
  return Object.fromEntries(Object.entries(value).map(([name, upTo]) => [cloud(name), number(upTo)]));
}

function string(value: unknown): string {
  if (typeof value !== "string" || value.includes("\0")) throw new MalformedError("expected a text");
  return value;
}

function number(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new MalformedError("expected a count");
  return value as number;
}

function bigint(value: unknown): bigint {
  if (typeof value !== "string" || !/^[0-9a-f]{1,16}$/.test(value))
    throw new MalformedError("expected a number in hexadecimal");
  return BigInt(`0x${value}`);
}

function hex(value: bigint): string {
  return value.toString(16);
}
