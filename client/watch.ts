import { decodeValue } from "./bytes.ts";
import { dateOf } from "./entry.ts";
import { isTransient, SkyKVError } from "./errors.ts";
import { type Call, discard, linesOf, parseLine, pauseAfter, sleep, type Transport } from "./http.ts";

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
  const { signal, prefix } = options;
  const values = options.values ? "1" : undefined;
  let cursor = options.since ?? null;
  let snapshot = options.snapshot === true && cursor === null;
  for (let failures = 0; ; failures++) {
    let given = false;
    let failure: unknown = null;
    try {
      const query = { prefix, values, ...(snapshot ? { snapshot: "1" } : cursor !== null && { since: cursor }) };
      const call: Call = { method: "GET", path, query, repeatable: false };
      const response = await transport.send(call, { signal }, (response) => response);
      for await (const frame of framesOf(response)) {
        failures = 0;
        // Half a snapshot cannot be resumed: its ids say where it began. The other ids come without an event too.
        if (!snapshot) cursor = frame.id ?? cursor;
        const event = eventOf(frame, snapshot);
        if (event === null) continue;
        if (event.type === "live") {
          snapshot = false;
          cursor = event.cursor;
        }
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
    // What was deleted since the half that was given would stay unknown.
    if (snapshot && given) yield { type: "reset" };
    await sleep(pauseAfter(failures, failure), signal);
  }
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

/** Null for frames without an event, and for kinds that this release does not know. */
function eventOf({ event, id, data }: Frame, snapshot: boolean): Exclude<WatchEvent, { type: "reset" }> | null {
  if (data === null) return null;
  if (event === "live") return { type: "live", cursor: parseLine<{ cursor: string }>(data).cursor };
  if (event !== "put" && event !== "delete") return null;
  const wire = parseLine<WireEvent>(data);
  const { key, version, origin } = wire;
  if (event === "delete") return { type: "delete", key, version, origin, cursor: id ?? "" };
  return {
    type: "put",
    key,
    version,
    origin,
    contentType: wire.content_type,
    size: wire.size,
    expiresAt: dateOf(wire.expires_at),
    value: wire.value === undefined ? null : decodeValue(wire.value, wire.encoding),
    cursor: snapshot ? null : id,
  };
}

/** A server-sent event, or an id alone: libraries drop those, but they keep a quiet watch's cursor young. */
type Frame = { event: string; id: string | null; data: string | null };

/** Frames until the stream ends; what follows the last empty line is torn and dropped. Throws when it breaks. */
async function* framesOf(response: Response): AsyncGenerator<Frame, void> {
  const type = response.headers.get("content-type");
  if (!type?.startsWith("text/event-stream")) {
    await discard(response);
    throw new SkyKVError("unexpected-answer", `expected text/event-stream, found ${type}`);
  }
  const empty: Frame = { event: "message", id: null, data: null };
  let frame = { ...empty };
  for await (const line of linesOf(response)) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*?))?\r?$/.exec(line)!;
    if (line === "" || line === "\r") {
      yield frame;
      frame = { ...empty };
    } else if (field === "event") frame.event = value;
    else if (field === "id") frame.id = value;
    else if (field === "data") frame.data = frame.data === null ? value : `${frame.data}\n${value}`;
  }
}
