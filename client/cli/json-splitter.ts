/** A part of a JSON document: an element of its array, or a member of its object with the member's name. */
export type Part = { readonly name: string | null; readonly text: string };

const [quote, backslash, comma, colon, openBracket, closeBracket, openBrace, closeBrace] = Buffer.from(
  '"\\,:[]{}',
) as unknown as number[];

/**
 * Parts a JSON array or object into the texts of what it holds, chunk by chunk, so that a document of any size is never
 * in memory as a whole. It looks at brackets, quotes and commas only: whether each text is JSON is for its reader.
 */
export class JsonSplitter {
  readonly #maxBytes: number;
  #depth = 0;
  #isObject = false;
  #isOver = false;
  #inString = false;
  #isEscaped = false;
  #name: string | null = null;
  /** The part that is being read, as far as earlier chunks hold it; null between parts. */
  #begun: Buffer[] | null = null;
  #begunBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *feed(chunk: Uint8Array): Generator<Part, void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    const text = (end: number): string => {
      if (this.#begun === null) return "";
      const whole = Buffer.concat([...this.#begun, bytes.subarray(start, end)])
        .toString()
        .trim();
      this.#begun = null;
      this.#begunBytes = 0;
      return whole;
    };
    const begin = (at: number) => {
      if (this.#begun !== null) return;
      this.#begun = [];
      start = at;
    };
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === backslash) this.#isEscaped = true;
        else if (byte === quote) this.#inString = false;
        continue;
      }
      if (byte === 32 || byte === 9 || byte === 10 || byte === 13) continue;
      if (this.#isOver) throw new Error("expected the end of the file after the JSON document, found more");
      if (this.#depth === 0) {
        this.#open(byte, bytes.subarray(at, at + 20));
        continue;
      }
      if (byte === closeBracket || byte === closeBrace) {
        if (this.#depth === 1) {
          this.#isOver = true;
          if (this.#begun !== null) yield this.#part(text(at));
          else if (this.#name !== null)
            throw new Error(`expected a value for ${JSON.stringify(this.#name)}, found none`);
        }
        this.#depth--;
        continue;
      }
      if (this.#depth === 1 && byte === comma) {
        yield this.#part(text(at));
        continue;
      }
      if (this.#depth === 1 && byte === colon && this.#isObject && this.#name === null) {
        this.#name = nameOf(text(at));
        continue;
      }
      begin(at);
      if (byte === quote) this.#inString = true;
      else if (byte === openBracket || byte === openBrace) this.#depth++;
    }
    const begun = this.#begun as Buffer[] | null;
    if (begun === null) return;
    begun.push(Buffer.from(bytes.subarray(start)));
    this.#begunBytes += bytes.length - start;
    if (this.#begunBytes > this.#maxBytes)
      throw new Error(`a part of the document is longer than ${this.#maxBytes} bytes`);
  }

  /** Throws when the document is not complete. */
  end(): void {
    if (!this.#isOver) throw new Error("the file ends within its JSON document");
  }

  #open(byte: number, found: Buffer): void {
    if (byte !== openBracket && byte !== openBrace) {
      throw new Error(`expected a JSON array or object, found ${JSON.stringify(found.toString())}`);
    }
    this.#isObject = byte === openBrace;
    this.#depth = 1;
  }

  #part(text: string): Part {
    if (text === "") throw new Error("expected a value before a comma, found none");
    if (this.#isObject && this.#name === null)
      throw new Error(`expected a name and a colon, found ${text.slice(0, 80)}`);
    const part = { name: this.#name, text };
    this.#name = null;
    return part;
  }
}

function nameOf(text: string): string {
  const name: unknown = JSON.parse(text);
  if (typeof name !== "string") throw new Error(`expected a name in quotes, found ${text.slice(0, 80)}`);
  return name;
}
