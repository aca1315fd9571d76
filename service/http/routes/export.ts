import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { z } from "@hono/zod-openapi";
import { pack } from "tar-stream";
import { counterValue, type Entry, isLive, type Stored } from "../../kv/entry.ts";
import { pathOf } from "../../kv/path.ts";
import { formatVersion } from "../../kv/version.ts";
import { access } from "../access.ts";
import { watchCursor } from "../cursors.ts";
import { commonHeaders } from "../exchange.ts";
import type { Namespace } from "../namespaces.ts";
import { readBlob } from "../operations.ts";
import { defaultContentType, encodeValue, entryJson, timestamp } from "../render.ts";
import { parseQuery, refuseHeaders, sessionOf } from "../request.ts";
import {
  type exportEnd,
  type exportEntry,
  type exportHeader,
  exportLine,
  exportQuery,
  sessionHeader,
} from "../schemas.ts";
import type { Service } from "../service.ts";
import { checkText } from "./list.ts";
import { type App, route } from "./route.ts";

/** Entries that are read at once, each with up to 64 KiB of value. */
const pageSize = 250;

/** Names of our own records in tar headers (POSIX pax wants a vendor's name in front). */
export const pax = {
  meta: "SKYKV.meta",
  type: "SKYKV.content_type",
  encoding: "SKYKV.content_encoding",
  version: "SKYKV.version",
  expires: "SKYKV.expires_at",
  counter: "SKYKV.counter",
};
/** In the place of a time, for what never expires: without a record the namespace's default would apply. */
export const never = "never";

export function exportRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "post",
      path: "/v1/export",
      tags: ["transfer"],
      summary: "Streams the entries of a namespace",
      description:
        "JSON Lines: a header with a watch cursor from before the first read, entries in byte order of their keys, and a line of type `end`, without which the stream was cut: go on with `after`. Or a tar archive of the raw values.",
      request: { query: exportQuery, headers: z.object(sessionHeader) },
      responses: {
        200: {
          description: "Entries",
          content: {
            "application/jsonl": { schema: exportLine },
            "application/x-tar": { schema: { type: "string", format: "binary" } },
          },
        },
      },
    },
    async ({ exchange, query }) => {
      const asked = parseQuery(exportQuery, query);
      refuseHeaders((name) => exchange.req.headers[name] as string | undefined, {
        "idempotency-key": "an export only reads; one that was cut goes on with ?after=",
      });
      const { namespace } = await access(service, exchange, "read", asked.namespace);
      const prefix = asked.prefix ?? "";
      checkText(prefix, "prefix");
      if (asked.after !== undefined) checkText(asked.after, "after");
      await service.sessions.prepareAll(sessionOf(exchange.req.headers["kv-session"] as string | undefined));
      const cursor = watchCursor(service.cloud, service.store.incarnation, await service.feed.end());
      const entries = allEntries(service, namespace, prefix, asked.after ?? null);
      const { res } = exchange;
      const headers = commonHeaders(exchange);
      if (asked.format === "tar") {
        res.writeHead(200, { ...headers, "Content-Type": "application/x-tar" });
        await pipeline(tarOf(service, entries), res);
        return null;
      }
      res.writeHead(200, { ...headers, "Content-Type": "application/jsonl" });
      const header: z.input<typeof exportHeader> = {
        type: "header",
        format: "skykv/1",
        namespace: namespace.name,
        prefix,
        cursor,
        exported_at: timestamp(service.now()),
      };
      res.write(line(header));
      let count = 0;
      for await (const { key, stored } of entries) {
        const json = entryJson(key, stored, service.now());
        if (json === null) continue;
        const bytes = await bytesOf(service, stored);
        if (bytes === null) continue;
        count++;
        const parts = counterParts(stored.entry);
        if (!res.write(line({ type: "entry", ...json, ...encodeValue(bytes), ...parts }))) await drained(res);
        if (res.destroyed) return null;
      }
      const end: z.input<typeof exportEnd> = { type: "end", entries: count };
      res.end(line(end));
      return null;
    },
  );
}

/** Everything that a counter is, where it is one. */
function counterParts(entry: Entry): Pick<z.input<typeof exportEntry>, "counter"> {
  if (entry.kind !== "counter") return {};
  const cells = Object.entries(entry.cells).map(([origin, { time, sum }]) => {
    return [origin, { version: formatVersion({ time, origin }), sum }];
  });
  const epoch = entry.epoch.origin === "" ? null : formatVersion(entry.epoch);
  return { counter: { epoch, cells: Object.fromEntries(cells) } };
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

async function drained(res: NodeJS.WritableStream & { readonly destroyed: boolean }): Promise<void> {
  const ended = new AbortController();
  const close = () => ended.abort();
  res.once("close", close);
  await once(res, "drain", { signal: ended.signal }).catch(() => {});
  res.off("close", close);
}

/** Entries in byte order, with their values, as they are when their turn comes. */
async function* allEntries(service: Service, { name, epoch }: Namespace, prefix: string, from: string | null) {
  for (let after = from; ; ) {
    const request = { namespace: name, epoch, prefix, delimiter: null, after, limit: pageSize, values: true };
    const { items: page } = await service.store.list({ ...request, now: service.now() });
    for (const item of page) {
      if (!("key" in item)) continue;
      after = item.key;
      const { entry } = item.stored;
      const isLeftOut = entry.kind === "value" && entry.body === null && entry.blob === null;
      const stored = isLeftOut ? (await service.reader.read(pathOf(name, item.key))).stored : item.stored;
      if (stored !== null && isLive(stored.entry, service.now())) yield { key: item.key, stored };
    }
    if (page.length < pageSize) return;
  }
}

/** Null for a value whose entry was replaced while it was read. */
async function bytesOf(service: Service, { entry }: Stored): Promise<Uint8Array | null> {
  if (entry.kind === "counter") return Buffer.from(String(counterValue(entry)));
  if (entry.kind === "tombstone") return null;
  return entry.body ?? (entry.blob === null ? null : readBlob(service, entry.blob));
}

function tarOf(service: Service, entries: AsyncIterable<{ key: string; stored: Stored }>) {
  const archive = pack();
  const fill = async () => {
    for await (const { key, stored } of entries) {
      const json = entryJson(key, stored, service.now());
      const bytes = json === null ? null : await bytesOf(service, stored);
      if (json === null || bytes === null) continue;
      const records: Record<string, string> = { path: key, [pax.version]: json.version };
      if (json.content_type !== defaultContentType) records[pax.type] = json.content_type;
      if (json.content_encoding !== null) records[pax.encoding] = json.content_encoding;
      if (json.meta !== null) records[pax.meta] = JSON.stringify(json.meta);
      records[pax.expires] = json.expires_at ?? never;
      const { counter } = counterParts(stored.entry);
      if (counter !== undefined) records[pax.counter] = JSON.stringify(counter);
      const mtime = new Date(json.updated_at);
      await new Promise<void>((resolve, reject) => {
        // The name proper is short ASCII; the key, which may be any text, is in the pax record.
        const file = archive.entry({ name: "entry", size: bytes.length, mtime, mode: 0o644, pax: records }, (error) =>
          error ? reject(error) : resolve(),
        );
        file.end(bytes);
      });
    }
    archive.finalize();
  };
  fill().catch((error) => archive.destroy(error));
  return archive;
}
