import type { Ancestors, Cell, Entry, Stored } from "../../kv/entry.ts";
import { type Marks, type MarksJson, marksFrom } from "../../kv/marks.ts";
import type { Row } from "./connection.ts";

/** Values above it are read by themselves, so that a batch of reads stays small. */
export const batchedValueBytes = 64 * 1024;

/** Columns that {@link storedFrom} reads, in its order. `value` is the expression for the bytes. */
export function storedColumns(value: string): string {
  return `path, changed, hlc, origin, kind, size, ${value}, blob, content_type, content_encoding, meta, expires_at, seen, epoch_hlc, epoch_origin, cells, marks`;
}
/** How many they are. */
export const storedWidth = 17;

export function marksOf(json: string): Marks {
  return marksFrom(JSON.parse(json) as MarksJson);
}
export const noValue = "null::bytea";
export const smallValue = `case when size <= ${batchedValueBytes} then value end`;

/** Reads the columns of {@link storedColumns} that start at `at`. Values that were left out have a null body. */
export function storedFrom(row: Row, at = 0): Stored {
  const version = { time: BigInt(row[at + 2]!), origin: row[at + 3]! };
  const seen = row[at + 12] == null ? {} : bigints(row[at + 12]!);
  const changed = Number(row[at + 1]);
  const state = row[at + 16] == null ? { changed } : { changed, marks: marksOf(row[at + 16]!) };
  const kind = row[at + 4];
  if (kind === "t") return { ...state, entry: { kind: "tombstone", version, seen } };
  if (kind === "c") {
    const epoch = { time: BigInt(row[at + 13]!), origin: row[at + 14]! };
    return { ...state, entry: { kind: "counter", version, seen, epoch, cells: cellsFrom(row[at + 15]!) } };
  }
  const entry: Entry = {
    kind: "value",
    version,
    seen,
    size: Number(row[at + 5]),
    body: row[at + 6] == null ? null : Buffer.from(row[at + 6]!.slice(2), "hex"),
    blob: row[at + 7] ?? null,
    contentType: row[at + 8] ?? null,
    contentEncoding: row[at + 9] ?? null,
    meta: row[at + 10] ?? null,
    expiresAt: row[at + 11] == null ? null : Number(row[at + 11]),
  };
  return { ...state, entry };
}

/** Times are texts in JSON: they do not fit its numbers. */
export function bigints(json: string): Record<string, bigint> {
  return Object.fromEntries(Object.entries(JSON.parse(json) as Record<string, string>).map(([k, v]) => [k, BigInt(v)]));
}

export function seenJson(seen: Ancestors): string | null {
  const entries = Object.entries(seen);
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries.map(([k, v]) => [k, String(v)])));
}

export function cellsJson(cells: Readonly<Record<string, Cell>>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(cells).map(([origin, cell]) => [origin, { t: String(cell.time), n: cell.sum }])),
  );
}

function cellsFrom(json: string): Record<string, Cell> {
  const cells = JSON.parse(json) as Record<string, { t: string; n: number }>;
  return Object.fromEntries(Object.entries(cells).map(([origin, { t, n }]) => [origin, { time: BigInt(t), sum: n }]));
}
