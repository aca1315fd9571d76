import { createParser, type EventSourceMessage } from "eventsource-parser";
import { decodeValue } from "./bytes.ts";
import { dateOf } from "./entry.ts";
import { isTransient, SkyKVError } from "./errors.ts";
import { type Call, chunksOf, discard, pauseAfter, readJson, sleep, type Transport } from "./http.ts";

export type WatchOptions = {
  prefix?: string | undefined;
  /** First every entry that there is, then `live`, then changes. Otherwise from now on, or from `since`. */
  snapshot?: boolean | undefined;
  /** `cursor` of an earlier event, or of an export: go on behind it. */
  since?: string | undefined;
  /** With values of up to 64 KiB. */
  values?: boolean | undefined;
  /** Ends the watch: the loop throws the signal's reason. Leaving the loop ends it too. */
  signal?: AbortSignal | undefined;
};

/**
 * A watch is a stream of latest states: states in between may be merged, and per key they only get newer. Between keys
 * there is no promise. Expiry makes no event: `expiresAt` tells.
 */
export type WatchEvent =
  | {
      readonly type: "put";
      readonly key: string;
      readonly version: string;
      readonly origin: string;
      readonly contentType: string | null;
      /** Bytes. */
      readonly size: number;
      readonly expiresAt: Date | null;
      /** With `values`, of values up to 64 KiB; otherwise null. */
      readonly value: Uint8Array<ArrayBuffer> | null;
      /** For `since`; null while the snapshot is not complete. */
      readonly cursor: string | null;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly version: string;
      readonly origin: string;
      readonly cursor: string;
    }
  /** The snapshot is complete; changes follow. */
  | { readonly type: "live"; readonly cursor: string }
  /** Changes may have been missed: forget what came before, a new snapshot follows. */
  | { readonly type: "reset" };

/** See `Namespace.watch`. */
export async function* watch(
  transport: Transport,
  path: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void> {
  const { signal } = options;
  const common = { prefix: options.prefix, values: options.values ? "1" : undefined };
  const request = (query: Call["query"]): Call => ({
    method: "GET",
    path,
    query: { ...common, ...query },
    repeatable: true,
  });

  let cursor = options.since ?? null;
  let snapshot = options.snapshot === true && cursor === null;
  // A cursor from the start: a break before the first event must not lose it.
  if (cursor === null && !snapshot) cursor = await currentCursor(transport, request({ wait: "0" }), signal);
  for (let failures = 0; ; failures++) {
    let given = false;
    let failure: unknown = null;
    try {
      const call = request(snapshot ? { snapshot: "1" } : { since: cursor! });
      const response = await transport.send({ ...call, repeatable: false }, { signal }, (response) => response);
      for await (const frame of framesOf(response)) {
        failures = 0;
        const event = eventOf(frame, snapshot);
        if (event === null) continue;
        if (event.type === "live") snapshot = false;
        cursor = event.cursor ?? cursor;
        given = true;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof SkyKVError && error.code === "cursor-gone" && !snapshot) {
        snapshot = true;
        yield { type: "reset" };
        continue;
      }
      if (!isTransient(error)) throw error;
      failure = error;
    }
    // Half a snapshot cannot be resumed, and what was deleted meanwhile would stay unknown.
    if (snapshot && given) yield { type: "reset" };
    await sleep(pauseAfter(failures, failure), signal);
  }
}

/** The cursor of now, from a long poll that does not wait. */
async function currentCursor(transport: Transport, request: Call, signal: AbortSignal | undefined): Promise<string> {
  return (await transport.send(request, { signal }, readJson<{ cursor: string }>)).cursor;
}

type WireEvent = {
  key: string;
  version: string;
  origin: string;
  content_type: string | null;
  size: number;
  expires_at: string | null;
  value?: string;
  encoding?: "utf8" | "base64";
};

/** Null for frames of kinds that this release does not know. */
function eventOf(frame: EventSourceMessage, snapshot: boolean): Exclude<WatchEvent, { type: "reset" }> | null {
  if (frame.event === "live") return { type: "live", cursor: (JSON.parse(frame.data) as { cursor: string }).cursor };
  if (frame.event !== "put" && frame.event !== "delete") return null;
  const wire = JSON.parse(frame.data) as WireEvent;
  const { key, version, origin } = wire;
  if (frame.event === "delete") return { type: "delete", key, version, origin, cursor: frame.id ?? "" };
  return {
    type: "put",
    key,
    version,
    origin,
    contentType: wire.content_type,
    size: wire.size,
    expiresAt: dateOf(wire.expires_at),
    value: wire.value === undefined ? null : decodeValue(wire.value, wire.encoding),
    cursor: snapshot ? null : (frame.id ?? null),
  };
}

/** Server-sent events, until the stream ends. Throws when it breaks. */
async function* framesOf(response: Response): AsyncGenerator<EventSourceMessage, void> {
  const type = response.headers.get("content-type");
  if (!type?.startsWith("text/event-stream")) {
    await discard(response);
    throw new SkyKVError("unexpected-answer", `expected text/event-stream, found ${type}`);
  }
  const decoder = new TextDecoder();
  const frames: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (frame) => frames.push(frame) });
  for await (const chunk of chunksOf(response)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* frames.splice(0);
  }
}
