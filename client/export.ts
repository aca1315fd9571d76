import { encodeText } from "./bytes.ts";
import { entryOfJson, ValueEntry, type WireEntry } from "./entry.ts";
import { isTransient, SkyKVError } from "./errors.ts";
import { type Call, type CallOptions, linesOf, parseLine, pauseAfter, sleep, type Transport } from "./http.ts";

export type ExportOptions = CallOptions & {
  prefix?: string | undefined;
  /** Only what comes behind this key: goes on with an export that was cut. */
  after?: string | undefined;
};

/** A line of an export: what it says, and its text without the line feed. */
export type ExportLine = { readonly text: string } & (
  | { readonly type: "header"; readonly cursor: string }
  | { readonly type: "entry"; readonly entry: WireEntry }
  | { readonly type: "end"; readonly entries: number }
);

/** Breaks in a row, without an entry in between, after which an export or import gives up. */
export const maxBreaks = 8;

/** See `Namespace.export`. */
export async function* exportEntries(
  transport: Transport,
  namespace: string,
  options: ExportOptions,
): AsyncGenerator<ValueEntry, void> {
  for await (const line of exportLines(transport, namespace, options)) {
    if (line.type !== "entry") continue;
    const entry = entryOfJson(line.entry);
    if (!(entry instanceof ValueEntry))
      throw new SkyKVError("unexpected-answer", `expected an export with values, found none for ${entry.key}`);
    yield entry;
  }
}

/**
 * The lines of an export: one header, the entries, one end with their number. When the connection breaks it goes on
 * behind the last key; the header stays the first one, so that a watch from its cursor misses nothing.
 */
export async function* exportLines(
  transport: Transport,
  namespace: string,
  options: ExportOptions,
): AsyncGenerator<ExportLine, void> {
  let { after } = options;
  let entries = 0;
  let begun = false;
  for (let breaks = 0; ; breaks++) {
    let received = 0;
    try {
      const response = await transport.send(
        exportRequest(namespace, { ...options, after }, "jsonl"),
        options,
        (response) => response,
      );
      for await (const text of linesOf(response)) {
        const line = lineOf(text);
        if (line.type === "header") {
          if (!begun) yield line;
          begun = true;
        } else if (line.type === "entry") {
          yield line;
          after = line.entry.key;
          entries++;
          received++;
          breaks = 0;
        } else {
          if (line.entries !== received) {
            throw new SkyKVError(
              "unexpected-answer",
              `expected ${line.entries} entries, found ${received}: the export is not complete`,
            );
          }
          yield { type: "end", entries, text: JSON.stringify({ type: "end", entries }) };
          return;
        }
      }
      throw new SkyKVError("unreachable", "the export ended before its last line");
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (!isTransient(error) || breaks >= maxBreaks) throw error;
      await sleep(pauseAfter(breaks, error), options.signal);
    }
  }
}

/** See `Namespace.exportStream`. */
export async function exportStream(
  transport: Transport,
  namespace: string,
  options: ExportOptions & { format?: "jsonl" | "tar" | undefined },
): Promise<ReadableStream<Uint8Array>> {
  if (options.format === "tar") {
    return transport.send(exportRequest(namespace, options, "tar"), options, (response) => response.body!);
  }
  const lines = exportLines(transport, namespace, options);
  return new ReadableStream({
    async pull(controller) {
      const next = await lines.next();
      if (next.done) controller.close();
      else controller.enqueue(encodeText(`${next.value.text}\n`));
    },
    async cancel() {
      await lines.return();
    },
  });
}

function exportRequest(namespace: string, { prefix, after }: ExportOptions, format: string): Call {
  return { method: "POST", path: "/v1/export", query: { namespace, prefix, after, format }, repeatable: true };
}

type WireLine = { type: "header"; cursor: string } | ({ type: "entry" } & WireEntry) | { type: "end"; entries: number };

function lineOf(text: string): ExportLine {
  const line = parseLine<WireLine>(text);
  return line.type === "entry" ? { type: "entry", entry: line, text } : { ...line, text };
}
