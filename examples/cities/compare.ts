import type { ValueEntry } from "../../client/client.ts";

/**
 * Compares an export with what it should hold, byte by byte: all keys in byte order, each with its value, and no
 * others. Throws at the first difference. Returns the number of bytes that were compared.
 */
export async function compare(
  expected: ReadonlyMap<string, string>,
  exported: AsyncIterable<ValueEntry>,
): Promise<number> {
  let bytes = 0;
  let entries = 0;
  let last = Buffer.alloc(0);
  for await (const { key, value } of exported) {
    const keyBytes = Buffer.from(key);
    if (Buffer.compare(last, keyBytes) >= 0) throw new Error(`expected ${key} before ${last} in the export`);
    const text = expected.get(key);
    if (text === undefined) throw new Error(`expected no entry ${key} in the export, found one`);
    if (Buffer.compare(Buffer.from(text), value) !== 0) {
      throw new Error(`expected ${text} in ${key} of the export, found ${Buffer.from(value)}`);
    }
    last = keyBytes;
    entries++;
    bytes += value.length;
  }
  if (entries !== expected.size) throw new Error(`expected ${expected.size} entries in the export, found ${entries}`);
  return bytes;
}
