import type { Ancestors, Cell, Stored } from "../kv/entry.ts";
import type { Path } from "../kv/path.ts";
import { zeroVersion } from "../kv/version.ts";
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

const format = 1;
const headBytes = orderBytes + 1 + 4;

/** What JSON can say of a record; times are hexadecimal, and those of version and epoch are in the order. */
type Facts =
  | readonly ["none", horizon: number]
  | readonly ["tombstone", horizon: number, changed: number, origin: string, seen: Times]
  | readonly ["value", horizon: number, changed: number, origin: string, seen: Times, facts: ValueFacts]
  | readonly ["counter", horizon: number, changed: number, origin: string, seen: Times, epoch: string, cells: Cells];

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
export function encodeRecord({ stored, readAt, horizon }: CacheRecord): Buffer {
  const entry = stored?.entry;
  const version = entry?.version ?? zeroVersion;
  const epoch = entry?.kind === "counter" ? entry.epoch : version;
  const whole = entry?.kind === "value" ? entry.body : null;
  const withheld = whole !== null && whole.length > maxBodyBytes;
  const body = withheld ? null : whole;
  const facts = withheld ? "" : JSON.stringify(factsOf(stored, horizon));
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
    return { path, stored: storedOf(facts, order, bytes.subarray(bodyAt)), readAt, horizon: facts[1] };
  } catch {
    return undefined;
  }
}

function factsOf(stored: Stored | null, horizon: number): Facts {
  if (stored === null) return ["none", horizon];
  const { entry, changed } = stored;
  const { origin } = entry.version;
  const seen = mapValues(entry.seen, (time) => hex(time));
  if (entry.kind === "tombstone") return ["tombstone", horizon, changed, origin, seen];
  if (entry.kind === "counter") {
    const cells = mapValues(entry.cells, ({ time, sum }) => [hex(time), sum] as const);
    return ["counter", horizon, changed, origin, seen, entry.epoch.origin, cells];
  }
  const { body, blob, size, contentType, contentEncoding, meta, expiresAt } = entry;
  const facts = [body !== null, blob, size, contentType, contentEncoding, meta, expiresAt] as const;
  return ["value", horizon, changed, origin, seen, facts];
}

function storedOf(facts: Facts, order: string, bytes: Buffer): Stored | null {
  if (facts[0] === "none") return null;
  const [kind, , changed, origin, times] = facts;
  const version = { time: parse(order.slice(16, 32)), origin };
  const seen: Ancestors = mapValues(times, parse);
  if (kind === "tombstone") return { changed, entry: { kind, version, seen } };
  if (kind === "counter") {
    const epoch = { time: parse(order.slice(0, 16)), origin: facts[5] };
    const cells = mapValues(facts[6], ([time, sum]): Cell => ({ time: parse(time), sum }));
    return { changed, entry: { kind, version, seen, epoch, cells } };
  }
  const [hasBody, blob, size, contentType, contentEncoding, meta, expiresAt] = facts[5];
  // A copy, because a small part of a reply keeps the whole piece that was read from the socket in memory.
  const body = hasBody ? new Uint8Array(bytes) : null;
  return { changed, entry: { kind, version, seen, body, blob, size, contentType, contentEncoding, meta, expiresAt } };
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
