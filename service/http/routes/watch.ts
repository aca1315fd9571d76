import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { z } from "@hono/zod-openapi";
import { counterValue, type Entry, isLive } from "../../kv/entry.ts";
import { isNews } from "../../kv/news.ts";
import { keyOf, type Path, pathOf } from "../../kv/path.ts";
import { formatVersion } from "../../kv/version.ts";
import type { Change, FeedPosition } from "../../store/port.ts";
import { access } from "../access.ts";
import { may } from "../auth.ts";
import { watchCursor, watchPosition } from "../cursors.ts";
import { commonHeaders, type Exchange } from "../exchange.ts";
import type { Namespace } from "../namespaces.ts";
import { Problem } from "../problems.ts";
import { defaultContentType, encodeValue, timestamp } from "../render.ts";
import { parseQuery } from "../request.ts";
import { limits, namespaceName, watchEvent, watchPage, watchQuery } from "../schemas.ts";
import type { Service } from "../service.ts";
import { checkText } from "./list.ts";
import { type App, route } from "./route.ts";

/** Milliseconds between signs of life; proxies give up on silence after a minute or less. */
const keepAlive = 15_000;
/** Milliseconds that a client is asked to wait before it comes back. */
const retry = 1000;
/** Bytes that may wait for a slow watcher; past it the stream ends, and the watcher resumes from its cursor. */
const maxBuffered = 4 * 2 ** 20;
/** Entries of a snapshot that are read at once, each with up to 64 KiB of value. */
const snapshotPage = 250;
/** Keys whose last sent state is remembered per watcher, to leave out what is not newer. */
const maxSent = 10_000;

type Event = z.input<typeof watchEvent>;

export function watchRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/v1/kv/{ns}:watch",
      tags: ["entries"],
      summary: "Changes as they happen: server-sent events, or a long poll with `wait`",
      description:
        "A stream of latest states: what lies between two may be left out; per key they only get newer. Every event's id is a cursor; Last-Event-ID or `since` goes on behind it. With `values=1` every put of up to 64 KiB carries its value.",
      request: {
        params: z.object({ ns: namespaceName }),
        query: watchQuery,
        headers: z.object({ "last-event-id": z.string().max(2048).optional() }),
      },
      responses: {
        200: {
          description: "Events",
          content: { "text/event-stream": { schema: watchEvent }, "application/json": { schema: watchPage } },
        },
      },
    },
    async ({ exchange, param, query }) => {
      if (exchange.req.method === "HEAD")
        throw new Problem("method-not-allowed", "a watch has no HEAD", {}, { Allow: "GET" });
      const { namespace } = await access(service, exchange, "read", param("ns"));
      const asked = parseQuery(watchQuery, query);
      const prefix = asked.prefix ?? "";
      checkText(prefix, "prefix");
      const watch = new Watch(service, namespace, prefix, asked.values ?? false);
      const since = (exchange.req.headers["last-event-id"] as string | undefined) ?? asked.since;
      let position =
        since === undefined ? await service.feed.end() : watchPosition(since, service.cloud, service.store.incarnation);
      if (position !== null && since !== undefined && (await service.feed.after(position)) === null) position = null;
      if (position === null) throw gone(namespace.name, asked);
      const snapshot = (asked.snapshot ?? false) && since === undefined;
      if (asked.wait === undefined) {
        await stream(service, exchange, watch, position, snapshot);
        return null;
      }
      if (snapshot)
        throw new Problem(
          "bad-parameter",
          "snapshot is for streams; list the keys, then long-poll from the cursor of a first poll with wait=0",
        );
      const page = await poll(service, exchange, watch, position, asked.wait);
      if (page === null) throw gone(namespace.name, asked);
      return { status: 200, json: page };
    },
  );
}

function gone(
  namespace: string,
  asked: { readonly prefix?: string | undefined; readonly values?: boolean | undefined },
): Problem {
  const query = new URLSearchParams({
    snapshot: "1",
    ...(asked.prefix && { prefix: asked.prefix }),
    ...(asked.values && { values: "1" }),
  });
  const restart = `/v1/kv/${namespace}:watch?${query}`;
  return new Problem("cursor-gone", "the cursor has expired or belongs to another cloud; start again with a snapshot", {
    restart,
  });
}

/** What one watcher has to be told of the changes in the feed. */
class Watch {
  readonly #service: Service;
  readonly #namespace: Namespace;
  readonly #start: Path;
  readonly #values: boolean;
  readonly #sent = new Map<Path, Entry>();

  constructor(service: Service, namespace: Namespace, prefix: string, values: boolean) {
    this.#service = service;
    this.#namespace = namespace;
    this.#start = pathOf(namespace.name, prefix);
    this.#values = values;
  }

  get prefix(): string {
    return keyOf(this.#start);
  }

  get namespace(): Namespace {
    return this.#namespace;
  }

  cursor(position: FeedPosition): string {
    return watchCursor(this.#service.cloud, this.#service.store.incarnation, position);
  }

  /** The event of a change, or null: another key, a state that was sent already, or one that has gone since. */
  async event({ path, position, stored }: Change): Promise<Event | null> {
    if (!path.startsWith(this.#start) || stored === null || !this.#isNews(path, stored.entry)) return null;
    let { entry } = stored;
    if (this.#values && entry.kind === "value" && entry.size <= limits.watchValueBytes) {
      // A change holds no value. The state that is read may be newer than the change: then it is the one that is told.
      const now = (await this.#service.reader.read(path)).stored;
      if (now === null || !this.#isNews(path, now.entry)) return null;
      entry = now.entry;
    }
    this.#sent.delete(path);
    this.#sent.set(path, entry.kind === "value" ? { ...entry, body: null } : entry);
    if (this.#sent.size > maxSent) this.#sent.delete(this.#sent.keys().next().value!);
    this.#service.metrics.watchEvents.inc();
    return this.#describe(path, entry, this.cursor(position));
  }

  /** Newer than what was sent of its key, in this life of the namespace. */
  #isNews(path: Path, entry: Entry): boolean {
    const sent = this.#sent.get(path);
    return entry.version.time > this.#namespace.epoch && (sent === undefined || isNews(sent, entry));
  }

  /** With its value, where that is wanted, small, and part of `entry`. */
  #describe(path: Path, entry: Entry, id: string): Event {
    const common = { id, key: keyOf(path), version: formatVersion(entry.version), origin: entry.version.origin };
    // What has expired before it could be told takes the place of what was told before it.
    if (!isLive(entry, this.#service.now()))
      return { type: "delete", ...common, content_type: null, size: 0, expires_at: null };
    const facts =
      entry.kind === "counter"
        ? { content_type: "text/plain; charset=utf-8", size: String(counterValue(entry)).length, expires_at: null }
        : {
            content_type: entry.contentType ?? defaultContentType,
            size: entry.size,
            expires_at: entry.expiresAt === null ? null : timestamp(entry.expiresAt),
          };
    const event = { type: "put" as const, ...common, ...facts };
    if (!this.#values) return event;
    if (entry.kind === "counter") return { ...event, value: String(counterValue(entry)), encoding: "utf8" };
    return entry.body === null || entry.size > limits.watchValueBytes
      ? event
      : { ...event, ...encodeValue(entry.body) };
  }

  /** Every live entry as a put event, in byte order. */
  async *snapshot(id: string): AsyncGenerator<Event> {
    const { name, epoch } = this.#namespace;
    for (let after: string | null = null; ; ) {
      const now = this.#service.now();
      const { items: page } = await this.#service.store.list({
        namespace: name,
        epoch,
        prefix: this.prefix,
        delimiter: null,
        after,
        limit: snapshotPage,
        values: this.#values,
        now,
      });
      for (const item of page) {
        if (!("key" in item)) continue;
        after = item.key;
        yield this.#describe(pathOf(name, item.key), item.stored.entry, id);
      }
      if (page.length < snapshotPage) return;
    }
  }
}

async function stream(
  service: Service,
  exchange: Exchange,
  watch: Watch,
  from: FeedPosition,
  snapshot: boolean,
): Promise<void> {
  const { req, res } = exchange;
  const ended = new AbortController();
  res.on("close", () => ended.abort());
  const { signal } = ended;
  const leave = service.feed.follow();
  // A stream has no end of its own: while draining, it is told to come back (to another process) and ends.
  const stopWatching = service.onDrain(() => {
    if (!res.writableEnded) res.end(`retry: ${retry}\n\n`);
    ended.abort();
  });
  try {
    res.writeHead(200, {
      "Content-Type": "text/event-stream",
      ...commonHeaders(exchange),
      "X-Accel-Buffering": "no",
    });
    // While a snapshot is under way there is no id to come back with: half of one cannot be resumed.
    const start = `id: ${watch.cursor(from)}\n`;
    res.write(`retry: ${retry}\n${snapshot ? "" : start}\n`);
    req.socket.setNoDelay(true);
    if (snapshot) {
      for await (const event of watch.snapshot(watch.cursor(from))) {
        if (signal.aborted) return;
        await write(res, frame(event, ""), signal);
      }
      res.write(`event: live\n${start}data: ${JSON.stringify({ cursor: watch.cursor(from) })}\n\n`);
    }
    let position = from;
    let quietSince = service.monotonic();
    while (!signal.aborted) {
      const window = await service.feed.after(position);
      if (window === null || !(await mayGoOn(service, exchange, watch.namespace))) break;
      position = window.to;
      let wrote = false;
      for (const change of window.changes) {
        const event = await watch.event(change);
        if (event === null) continue;
        res.write(frame(event));
        wrote = true;
        if (res.writableLength > maxBuffered) return;
      }
      const now = service.monotonic();
      if (wrote) quietSince = now;
      if (now - quietSince >= keepAlive) {
        // An id without data moves the client's cursor on, so that a quiet watch does not outlive its cursor.
        res.write(`id: ${watch.cursor(position)}\n: still here\n\n`);
        quietSince = now;
      }
      if (window.changes.length === 0)
        await service.feed.news(position, Math.max(1, keepAlive - (now - quietSince)), signal);
    }
  } finally {
    stopWatching();
    leave();
    res.end();
  }
}

/** Whether credential and namespace are still what they were when the watch began. Both are remembered for seconds. */
async function mayGoOn(service: Service, { req }: Exchange, { name, epoch }: Namespace): Promise<boolean> {
  const principal = await service.auth.find(req.headers.authorization!);
  if (principal === null || !may(principal, "read", name)) return false;
  const now = await service.namespaces.get(name).catch(() => null);
  return now?.epoch === epoch;
}

function frame(event: Event, id = `id: ${event.id}\n`): string {
  return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`;
}

/** Waits for the client where it is slower than we are: a snapshot may be larger than any buffer. */
async function write(res: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!res.write(text)) await once(res, "drain", { signal }).catch(() => {});
}

/** Events of one answer to a long poll. */
const pollEvents = 1000;

async function poll(service: Service, { res }: Exchange, watch: Watch, from: FeedPosition, wait: number) {
  const ended = new AbortController();
  res.on("close", () => ended.abort());
  const leave = service.feed.follow();
  const stopWatching = service.onDrain(() => ended.abort());
  const until = service.monotonic() + wait * 1000;
  const events: Event[] = [];
  let position = from;
  try {
    for (;;) {
      const window = await service.feed.after(position);
      if (window === null) return null;
      for (const change of window.changes) {
        const event = await watch.event(change);
        if (event !== null) events.push(event);
      }
      position = window.to;
      const left = until - service.monotonic();
      if (
        events.length >= pollEvents ||
        (window.changes.length === 0 && (events.length > 0 || left <= 0 || ended.signal.aborted))
      )
        break;
      if (window.changes.length === 0) await service.feed.news(position, left, ended.signal);
    }
  } finally {
    stopWatching();
    leave();
  }
  return { events, cursor: watch.cursor(position) };
}
