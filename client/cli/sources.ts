import { JsonSplitter } from "./json-splitter.ts";

type Chunks = AsyncIterable<Uint8Array>;

export type RecordOptions = {
  /** Fields of a record whose values, joined by `/`, are its key. Empty: records are `{key, value}`. */
  keyFields: readonly string[];
  /** What all keys begin with. */
  keyPrefix: string;
};

/** No line, record or member is longer: the largest value as base64, with room. */
const maxUnitBytes = 64 * 2 ** 20;

const lineFeed = 10;

/** Lines that are not blank, each with its line feed. */
export async function* linesOf(chunks: Chunks): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      const line = Buffer.concat([...rest, bytes.subarray(start, end + 1)]);
      rest = [];
      size = 0;
      start = end + 1;
      if (!isBlank(line)) yield line;
    }
    rest.push(bytes.subarray(start));
    size += bytes.length - start;
    if (size > maxUnitBytes) throw tooLong("a line");
  }
  const last = Buffer.concat([...rest, Buffer.from("\n")]);
  if (!isBlank(last)) yield last;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));
}

/** Lines of an import from lines of JSON. */
export async function* fromJsonLines(chunks: Chunks, options: RecordOptions): AsyncGenerator<Uint8Array, void> {
  const asTheyAre = options.keyFields.length === 0 && options.keyPrefix === "";
  let number = 0;
  for await (const line of linesOf(chunks)) {
    number++;
    yield asTheyAre ? line : lineOfRecord(line.toString().trim(), null, `line ${number}`, options);
  }
}

/** Lines of an import from one JSON array of records, or one object of names and values. */
export async function* fromJson(chunks: Chunks, options: RecordOptions): AsyncGenerator<Uint8Array, void> {
  const splitter = new JsonSplitter(maxUnitBytes);
  let number = 0;
  for await (const chunk of chunks) {
    for (const { name, text } of splitter.feed(chunk)) yield lineOfRecord(text, name, `record ${++number}`, options);
  }
  splitter.end();
}

/**
 * The text of a record is kept as it is, so that no number loses digits; it is parsed only to see its key and that it
 * is JSON.
 */
function lineOfRecord(
  text: string,
  name: string | null,
  where: string,
  { keyFields, keyPrefix }: RecordOptions,
): Uint8Array {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${(error as Error).message}`);
  }
  if (keyFields.length === 0 && name === null) {
    const { key } = Object(record);
    if (typeof key !== "string")
      throw new Error(`${where} has no key: expected {"key": …, "value": …}, or say --key-field`);
    // A line of an import already. Only white space can hold line feeds in JSON.
    if (keyPrefix === "") return Buffer.from(`${text.replace(/[\r\n]/g, " ")}\n`);
    return Buffer.from(`${JSON.stringify({ ...Object(record), key: keyPrefix + key })}\n`);
  }
  const key =
    keyPrefix + (keyFields.length > 0 ? keyFields.map((field) => keyPart(record, field, where)).join("/") : name);
  return Buffer.from(`${JSON.stringify({ key, value: text, content_type: "application/json" })}\n`);
}

function keyPart(record: unknown, field: string, where: string): string {
  const value: unknown = Object(record)[field];
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number" && (!Number.isInteger(value) || Number.isSafeInteger(value))) return String(value);
  const found =
    typeof value === "number"
      ? "a number that JavaScript cannot hold exactly"
      : value === undefined
        ? "nothing"
        : JSON.stringify(value);
  throw new Error(`${where}: expected text or a number in the field ${field}, found ${found.slice(0, 80)}`);
}

const block = 512;

/** Members of a tar archive, each with the extension headers before it and its padding. */
export async function* fromTar(chunks: Chunks): AsyncGenerator<Uint8Array, void> {
  const reader = new BlockReader(chunks);
  let unit: Buffer[] = [];
  for (;;) {
    const header = await reader.read(block);
    if (header === null) throw new Error("the archive ends without the empty block that ends an archive: it is cut");
    if (header.every((byte) => byte === 0)) break;
    if (header.toString("latin1", 257, 262) !== "ustar")
      throw new Error("expected a tar archive (ustar, pax or GNU), found something else");
    const size = sizeOf(header);
    const content = await reader.read(Math.ceil(size / block) * block);
    if (content === null) throw new Error("the archive ends within a member: it is cut");
    unit.push(header, content);
    // Extensions (pax, GNU long names) describe the member that follows.
    if ("xgLK".includes(String.fromCharCode(header[156]!))) continue;
    yield Buffer.concat(unit);
    unit = [];
  }
  await reader.drain();
}

function sizeOf(header: Buffer): number {
  const size = Number.parseInt(header.toString("latin1", 124, 136).replaceAll("\0", " ").trim() || "0", 8);
  if (!(size >= 0 && size <= maxUnitBytes)) throw tooLong("a member of the archive");
  return size;
}

/** Takes a stream in pieces of given sizes. */
class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer[] = [];
  #size = 0;

  constructor(chunks: Chunks) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Null when the stream ends before. */
  async read(size: number): Promise<Buffer | null> {
    while (this.#size < size) {
      const { done, value } = await this.#chunks.next();
      if (done) return null;
      this.#held.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      this.#size += value.byteLength;
    }
    const all = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [all.subarray(size)];
    this.#size -= size;
    return all.subarray(0, size);
  }

  /** Reads on to the end, so that who writes the stream does not find it closed. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }
}

function tooLong(what: string): Error {
  return new Error(`${what} is longer than ${maxUnitBytes} bytes; no value may be as large`);
}
