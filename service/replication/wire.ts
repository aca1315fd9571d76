import type { Carried } from "../kv/carried.ts";
import type { Ancestors, Cell, Entry } from "../kv/entry.ts";
import { type Mark, type Marks, type MarksJson, marksJson, noMarks } from "../kv/marks.ts";

/**
 * An entry as JSON, without the bytes of its value, which travel beside it. Times are hexadecimal, because they do not
 * fit JSON's numbers. Fields that are not listed here belong to newer releases: they are kept and passed on.
 */
export type WireEntry = {
  readonly path: string;
  readonly kind: "v" | "t" | "c";
  readonly time: string;
  readonly origin: string;
  readonly seen?: Times | undefined;
  /** By which transactions it entered the clouds that it comes from. */
  readonly marks?: MarksJson | undefined;
  /** Bytes that travel beside the JSON; missing when there are none to send. */
  readonly length?: number | undefined;
  readonly size?: number | undefined;
  readonly blob?: string | undefined;
  readonly type?: string | undefined;
  readonly encoding?: string | undefined;
  readonly meta?: string | undefined;
  readonly expires?: number | undefined;
  /** What a counter was born over; missing for zero. */
  readonly epoch?: readonly [time: string, origin: string] | undefined;
  readonly cells?: Readonly<Record<string, readonly [time: string, sum: number]>> | undefined;
};

type Times = Readonly<Record<string, string>>;

/** `xid` is what the release before sent in the place of `marks`. */
const known = new Set(
  "path kind time origin seen xid marks length size blob type encoding meta expires epoch cells".split(" "),
);

/** What arrived is not what {@link toWire} makes. Says which part. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

export function toWire({ path, entry, marks, extra }: Carried): WireEntry {
  const { version, seen } = entry;
  const common = {
    ...extra,
    path,
    time: hex(version.time),
    origin: version.origin,
    seen: Object.keys(seen).length === 0 ? undefined : mapValues(seen, hex),
    marks: Object.keys(marks).length === 0 ? undefined : marksJson(marks),
  };
  if (entry.kind === "tombstone") return { ...common, kind: "t" };
  if (entry.kind === "counter") {
    const epoch = entry.epoch.time === 0n ? undefined : ([hex(entry.epoch.time), entry.epoch.origin] as const);
    return { ...common, kind: "c", epoch, cells: mapValues(entry.cells, ({ time, sum }) => [hex(time), sum] as const) };
  }
  return {
    ...common,
    kind: "v",
    length: entry.body?.length,
    size: entry.size,
    blob: entry.blob ?? undefined,
    type: entry.contentType ?? undefined,
    encoding: entry.contentEncoding ?? undefined,
    meta: entry.meta ?? undefined,
    expires: entry.expiresAt ?? undefined,
  };
}

/** Throws a {@link MalformedError}: what comes from another cloud may come from another release, or from nobody we know. */
export function fromWire(wire: WireEntry, body: Uint8Array | null): Carried {
  const path = text(wire.path, "path");
  if (!/^[a-z0-9.-][a-z0-9._-]{0,63}\/./su.test(path)) throw new MalformedError("expected a path");
  const unknown = Object.keys(wire).filter((name) => !known.has(name));
  return {
    path,
    entry: entryFrom(wire, body),
    marks: wire.marks === undefined ? noMarks : marksFrom(wire.marks),
    extra:
      unknown.length === 0 ? null : Object.fromEntries(unknown.map((name) => [name, wire[name as keyof WireEntry]])),
  };
}

function marksFrom(json: MarksJson): Marks {
  return mapValues(record(json, "marks"), (mark): Mark => {
    if (!Array.isArray(mark)) throw new MalformedError("expected pairs in `marks`");
    return { since: count(mark[0], "marks"), transaction: count(mark[1], "marks") };
  });
}

function entryFrom(wire: WireEntry, body: Uint8Array | null): Entry {
  const version = { time: time(wire.time), origin: cloud(wire.origin) };
  const seen: Ancestors = wire.seen === undefined ? {} : mapValues(record(wire.seen, "seen"), time);
  if (wire.kind === "t") return { kind: "tombstone", version, seen };
  if (wire.kind === "c") {
    const epoch =
      wire.epoch === undefined ? { time: 0n, origin: "" } : { time: time(wire.epoch[0]), origin: cloud(wire.epoch[1]) };
    const cells = mapValues(record(wire.cells, "cells"), ([at, sum]): Cell => {
      if (!Number.isSafeInteger(sum)) throw new MalformedError("expected a sum in `cells`");
      return { time: time(at), sum };
    });
    if (Object.keys(cells).length === 0) throw new MalformedError("expected a cell in `cells`");
    return { kind: "counter", version, seen, epoch, cells };
  }
  if (wire.kind !== "v") throw new MalformedError("expected v, t or c as `kind`");
  const blob = optional(wire.blob, "blob");
  if (blob !== null && !/^[0-9a-f]{64}$/.test(blob)) throw new MalformedError("expected a SHA-256 in hex as `blob`");
  if ((body === null) === (blob === null)) throw new MalformedError("expected either bytes or a blob");
  const size = count(wire.size, "size");
  if (body !== null && body.length !== size) throw new MalformedError("expected as many bytes as `size` says");
  return {
    kind: "value",
    version,
    seen,
    body,
    blob,
    size,
    contentType: optional(wire.type, "type"),
    contentEncoding: optional(wire.encoding, "encoding"),
    meta: optional(wire.meta, "meta"),
    expiresAt: wire.expires === undefined ? null : count(wire.expires, "expires"),
  };
}

export function text(value: unknown, name: string): string {
  // The database would refuse a NUL, for the whole batch, and store half a surrogate pair as another character.
  if (typeof value !== "string" || value.includes("\0") || !value.isWellFormed())
    throw new MalformedError(`expected a text as \`${name}\``);
  return value;
}

function optional(value: unknown, name: string): string | null {
  return value === undefined ? null : text(value, name);
}

export function count(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new MalformedError(`expected a count as \`${name}\``);
  return value as number;
}

export function cloud(value: unknown): string {
  if (typeof value !== "string" || !/^[a-z0-9-]{1,32}$/.test(value))
    throw new MalformedError("expected a cloud's name");
  return value;
}

/** 63 bits: what the database's numbers hold. */
export function time(value: unknown): bigint {
  if (typeof value !== "string" || !/^[0-7]?[0-9a-f]{1,15}$/.test(value)) throw new MalformedError("expected a time");
  return BigInt(`0x${value}`);
}

function record<T>(value: Readonly<Record<string, T>> | undefined, name: string): Readonly<Record<string, T>> {
  if (typeof value !== "object" || value === null) throw new MalformedError(`expected an object as \`${name}\``);
  for (const key of Object.keys(value)) cloud(key);
  return value;
}

export function hex(value: bigint): string {
  return value.toString(16);
}

function mapValues<A, B>(values: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  const mapped: Record<string, B> = {};
  for (const name in values) mapped[name] = map(values[name]!);
  return mapped;
}
