import type { Ancestors, Cell, Entry, Stored } from "../kv/entry.ts";
import { type Marks, type MarksJson, marksFrom, marksJson } from "../kv/marks.ts";
import type { Path } from "../kv/path.ts";
import { type Version, zeroVersion } from "../kv/version.ts";
import type { CacheRecord } from "./port.ts";

/**
 * How a record is written in the shared cache:
 *
 *     epoch time   16 hex digits ┐
 *     version time 16 hex digits ├ its order: text that sorts as records do, the older first
 *     read at      12 hex digits ┘
 *     format        1 byte
 *     facts         4 bytes of length, then JSON
 *     body          the rest
 *
 * The order is compared by the server, also between records of two releases, so it can never change; what follows may,
 * with a new format. Its readAt lets a later reading of a state replace an earlier one, and lets counters' cells in that
 * came from a peer and left the newest one as it was.
 */
export const orderBytes = 44;

/**
 * Larger bodies are not kept in the shared cache: they would hold up the small ones behind them on the connection. A
 * record without facts takes their place, a miss for every reader, so that the older state does not stay there.
 */
export const maxBodyBytes = 64 * 1024;

/** 2: with what sessions need across clouds; a release that does not look at it must not serve the record. */
const format = 2;
const headBytes = orderBytes + 1 + 4;

/** What JSON can say of a record; times are hexadecimal, and those of version and epoch are in the order. */
type Facts = readonly [reading: Reading, state: StateFacts | null];

/** `horizon` and `complete` of the record. */
type Reading = readonly [horizon: number, complete: MarksJson | null];
type StateFacts = readonly [changed: number, marks: MarksJson | null, origin: string, seen: Times, kind: KindFacts];
type KindFacts =
  | readonly ["tombstone"]
  | readonly ["value", facts: ValueFacts]
  | readonly ["counter", epoch: string, cells: Cells];

type Times = Readonly<Record<string, string>>;
type Cells = Readonly<Record<string, readonly [time: string, sum: number]>>;
type ValueFacts = readonly [
  hasBody: boolean,
  blob: string | null,
  size: number,
  contentType: string | null,
  contentEncoding: string | null,
  meta: string | null,
  expiresAt: number | null,
];

/** The bytes to keep under the record's path. */
export function encodeRecord(record: CacheRecord): Buffer {
  const { stored, readAt } = record;
  const entry = stored?.entry;
  const version = entry?.version ?? zeroVersion;
  const epoch = entry?.kind === "counter" ? entry.epoch : version;
  const whole = entry?.kind === "value" ? entry.body : null;
  const withheld = whole !== null && whole.length > maxBodyBytes;
  const body = withheld ? null : whole;
  const facts = withheld ? "" : JSON.stringify(factsOf(record));
  const factsBytes = Buffer.byteLength(facts);

  const bytes = Buffer.allocUnsafe(headBytes + factsBytes + (body?.length ?? 0));
  bytes.write(hex(epoch.time, 16) + hex(version.time, 16) + hex(Math.floor(readAt), 12), 0, "latin1");
  bytes.writeUInt8(format, orderBytes);
  bytes.writeUInt32BE(factsBytes, orderBytes + 1);
  bytes.write(facts, headBytes, "utf8");
  if (body !== null) bytes.set(body, headBytes + factsBytes);
  return bytes;
}

/** The record in `bytes`; undefined when it was withheld, has another release's format or is damaged. */
export function decodeRecord(path: Path, bytes: Buffer): CacheRecord | undefined {
  if (bytes.length < headBytes || bytes[orderBytes] !== format) return undefined;
  const bodyAt = headBytes + bytes.readUInt32BE(orderBytes + 1);
  if (bodyAt === headBytes) return undefined;
  try {
    const order = bytes.toString("latin1", 0, orderBytes);
    const facts: Facts = JSON.parse(bytes.toString("utf8", headBytes, bodyAt));
    const readAt = Number.parseInt(order.slice(32), 16);
    const [[horizon, complete], state] = facts;
    const stored = state && storedOf(state, order, bytes.subarray(bodyAt));
    return { path, stored, readAt, horizon, ...(complete && { complete: marksFrom(complete) }) };
  } catch {
    return undefined;
  }
}

function factsOf({ stored, horizon, complete }: CacheRecord): Facts {
  return [[horizon, jsonOf(complete)], stored && stateFacts(stored)];
}

function stateFacts({ entry, changed, marks }: Stored): StateFacts {
  const seen = mapValues(entry.seen, (time) => hex(time));
  return [changed, jsonOf(marks), entry.version.origin, seen, kindFacts(entry)];
}

function kindFacts(entry: Entry): KindFacts {
  if (entry.kind === "tombstone") return ["tombstone"];
  if (entry.kind === "counter") {
    return ["counter", entry.epoch.origin, mapValues(entry.cells, ({ time, sum }) => [hex(time), sum] as const)];
  }
  const { body, blob, size, contentType, contentEncoding, meta, expiresAt } = entry;
  return ["value", [body !== null, blob, size, contentType, contentEncoding, meta, expiresAt]];
}

function storedOf([changed, marks, origin, times, kind]: StateFacts, order: string, bytes: Buffer): Stored {
  const version = { time: parse(order.slice(16, 32)), origin };
  const entry = entryOf(kind, version, mapValues(times, parse), order, bytes);
  return { changed, entry, ...(marks && { marks: marksFrom(marks) }) };
}

function entryOf(kind: KindFacts, version: Version, seen: Ancestors, order: string, bytes: Buffer): Entry {
  if (kind[0] === "tombstone") return { kind: "tombstone", version, seen };
  if (kind[0] === "counter") {
    const epoch = { time: parse(order.slice(0, 16)), origin: kind[1] };
    const cells = mapValues(kind[2], ([time, sum]): Cell => ({ time: parse(time), sum }));
    return { kind: "counter", version, seen, epoch, cells };
  }
  const [hasBody, blob, size, contentType, contentEncoding, meta, expiresAt] = kind[1];
  // A copy, because a small part of a reply keeps the whole piece that was read from the socket in memory.
  const body = hasBody ? new Uint8Array(bytes) : null;
  return { kind: "value", version, seen, body, blob, size, contentType, contentEncoding, meta, expiresAt };
}

function jsonOf(marks: Marks | undefined): MarksJson | null {
  return marks === undefined ? null : marksJson(marks);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  const mapped: Record<string, B> = {};
  for (const name in record) mapped[name] = map(record[name]!);
  return mapped;
}

function hex(value: bigint | number, digits = 1): string {
  return value.toString(16).padStart(digits, "0");
}

function parse(digits: string): bigint {
  return BigInt(`0x${digits}`);
}
