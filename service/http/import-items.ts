/** What an import reads: lines of JSON, or files of a tar archive, one by one. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { z } from "@hono/zod-openapi";
import { extract } from "tar-stream";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import { encodeValue } from "./render.ts";
import { chunksOf, parse } from "./request.ts";
import { never, pax } from "./routes/export.ts";
import { importLine, limits } from "./schemas.ts";

/** A line with the largest value in base64 and its facts. */
const maxLine = Math.ceil((limits.valueBytes * 4) / 3) + 64 * 1024;

/** An entry to write, as a client sent it. */
export type Line = z.output<typeof importLine>;
/** Where it stood, how large it is, and how to read it: throws the problem of a malformed one. */
export type Item = { readonly line: number; readonly bytes: number; readonly read: () => Line };

/** Lines of the body; headers and ends of exports and empty lines are passed over. */
export async function* lineItems(req: IncomingMessage): AsyncGenerator<Item> {
  let number = 0;
  for await (const bytes of linesOf(req)) {
    number++;
    const text = bytes.toString();
    if (text.trim() === "" || /^\{"type":"(?:header|end)"/.test(text)) continue;
    yield { line: number, bytes: bytes.length, read: () => parse(importLine, parseLine(bytes), "bad-body") };
  }
}

function parseLine(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Problem("bad-body", "expected a line of JSON in UTF-8");
  }
}

async function* linesOf(req: IncomingMessage): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(req)) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      yield parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      parts = [];
      length = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > maxLine) throw new Problem("too-large", `a line may have ${maxLine} bytes`, { limit: maxLine });
  }
  if (length > 0) yield Buffer.concat(parts);
}

/** Files of a tar archive; what an export wrote beside the bytes is in pax records. */
export async function* tarItems(req: IncomingMessage, namespace: Namespace): AsyncGenerator<Item> {
  try {
    yield* filesOf(req, namespace);
  } catch (error) {
    throw error instanceof Problem
      ? error
      : new Problem("bad-body", `expected a tar archive: ${(error as Error).message}`);
  }
}

async function* filesOf(req: IncomingMessage, { settings }: Namespace): AsyncGenerator<Item> {
  const archive = extract();
  // Whichever of both breaks ends the other: what is left of a body whose archive is none must be thrown away.
  const source = Readable.from(chunksOf(req));
  source.on("error", (error) => archive.destroy(error)).pipe(archive);
  archive.on("close", () => source.destroy());
  let number = 0;
  for await (const file of archive) {
    const { header } = file;
    number++;
    const chunks: Buffer[] = [];
    const limit = settings.max_value_bytes;
    const isTooLarge = (header.size ?? 0) > limit;
    for await (const chunk of file) if (!isTooLarge) chunks.push(chunk as Buffer);
    if (header.type !== "file") continue;
    const records = (header.pax ?? {}) as Record<string, string>;
    const body = Buffer.concat(chunks);
    const read = (): Line => {
      if (isTooLarge)
        throw new Problem("too-large", `a value in this namespace may have ${limit} bytes, found ${header.size}`, {
          limit,
          actual: header.size,
        });
      return parse(
        importLine,
        {
          key: records.path ?? header.name,
          ...encodeValue(body),
          ...(records[pax.type] && { content_type: records[pax.type] }),
          ...(records[pax.encoding] && { content_encoding: records[pax.encoding] }),
          ...(records[pax.meta] && { meta: parseLine(Buffer.from(records[pax.meta]!)) }),
          ...(records[pax.version] && { version: records[pax.version] }),
          ...(records[pax.expires] && { expires_at: records[pax.expires] === never ? null : records[pax.expires] }),
          ...(records[pax.counter] && { kind: "counter", counter: parseLine(Buffer.from(records[pax.counter]!)) }),
        },
        "bad-body",
      );
    };
    yield { line: number, bytes: body.length, read };
  }
}
