import { once } from "node:events";
import { encodeValue } from "../bytes.ts";
import { type Entry, ValueEntry, type WatchEvent } from "../client.ts";

/** Writes text to stdout, at the reader's pace. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

export function printJson(value: unknown): Promise<void> {
  return print(`${JSON.stringify(value)}\n`);
}

/** Text from strangers, for a line of a terminal: control characters would break lines or command the terminal. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Rows with aligned columns; the first one holds the titles. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return `${rows.map(line).join("\n")}\n`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** An entry in the words of the API, for `--json`. */
export function entryJson(entry: Entry): object {
  return {
    key: entry.key,
    kind: entry.kind,
    version: entry.version,
    etag: entry.etag,
    origin: entry.origin,
    updated_at: entry.updatedAt,
    expires_at: entry.expiresAt,
    size: entry.size,
    content_type: entry.contentType,
    content_encoding: entry.contentEncoding,
    meta: entry.meta,
    ...(entry instanceof ValueEntry && encodeValue(entry.value)),
  };
}

/** An event in the words of the API, for `--json`. */
export function eventJson(event: WatchEvent): object {
  if (event.type !== "put") return event;
  const { contentType, expiresAt, value, ...same } = event;
  return { ...same, content_type: contentType, expires_at: expiresAt, ...(value && encodeValue(value)) };
}
