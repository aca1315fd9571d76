import { z } from "@hono/zod-openapi";
import { unconditional } from "../../kv/decide.ts";
import { pathOf } from "../../kv/path.ts";
import type { ListRequest } from "../../store/port.ts";
import { type Access, access, limitHeaders } from "../access.ts";
import { listCursor, listPosition } from "../cursors.ts";
import { entryWithValue, ValueBudget } from "../operations.ts";
import { Problem } from "../problems.ts";
import { entryJson, sessionAfter } from "../render.ts";
import { parseQuery, sessionOf } from "../request.ts";
import { deleteProgress, deleteQuery, limits, listQuery, namespaceName, page } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, json, route } from "./route.ts";

const defaultLimit = 100;
/** Values that are fetched at once; each may have a megabyte. */
const valueWindow = 32;
const params = z.object({ ns: namespaceName });

export function listRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/v1/kv/{ns}",
      tags: ["entries"],
      summary: "Keys in byte order, by prefix, folded at a delimiter, page by page",
      description:
        "A cursor goes on behind the last key, whatever changed since: each key that is there all the while is listed once.",
      request: { params, query: listQuery },
      responses: { 200: json(page, "One page. `cursor` is null on the last one") },
    },
    async ({ exchange, param, query }) => {
      const who = await access(service, exchange, "read", param("ns"));
      const { prefix = "", delimiter = null, limit = defaultLimit, ...asked } = parseQuery(listQuery, query);
      checkText(prefix, "prefix");
      if (delimiter !== null) checkText(delimiter, "delimiter");
      const session = sessionOf(exchange.req.headers["kv-session"] as string | undefined);
      const list = { namespace: who.namespace.name, prefix, delimiter };
      const after = asked.cursor === undefined ? null : listPosition(asked.cursor, list);
      const request: ListRequest = {
        ...list,
        epoch: who.namespace.epoch,
        after,
        limit: limit + 1,
        values: false,
        now: service.now(),
      };
      const found = await service.store.list(request);
      const shown = found.slice(0, limit);
      const last = shown.at(-1);
      const more = found.length > limit && last !== undefined;
      const listed = shown.filter((item) => "key" in item);
      const answer = {
        entries: asked.values
          ? await withValues(service, who, listed)
          : listed.map(({ key, stored }) => entryJson(key, stored, request.now)),
        prefixes: shown.flatMap((item) => ("prefix" in item ? [item.prefix] : [])),
        cursor: more ? listCursor(list, "key" in last ? last.key : last.prefix) : null,
      };
      const changed = listed.reduce((most, { stored }) => Math.max(most, stored.changed), 0);
      const token = sessionAfter(session, service.cloud, service.store.incarnation, changed);
      return { status: 200, json: answer, headers: { ...headersOf(who), "KV-Session": token } };
    },
  );
  route(
    app,
    {
      method: "delete",
      path: "/v1/kv/{ns}",
      tags: ["entries"],
      summary: "Deletes all keys with a prefix",
      description:
        "Answers with JSON Lines: progress, then one line of type `end`. A stream without it was cut: ask again, the rest is deleted then.",
      request: { params, query: deleteQuery },
      responses: { 200: { description: "Progress", content: { "application/jsonl": { schema: deleteProgress } } } },
    },
    async ({ exchange, param, query }) => {
      const who = await access(service, exchange, "write", param("ns"));
      const { prefix } = parseQuery(deleteQuery, query);
      checkText(prefix, "prefix");
      if (who.namespace.settings.require_condition) {
        throw new Problem(
          "condition-required",
          "the namespace takes conditional writes only; delete the keys one by one with If-Match",
        );
      }
      const { res } = exchange;
      res.writeHead(200, {
        "Content-Type": "application/jsonl",
        "Cache-Control": "no-store",
        "KV-Request-Id": exchange.id,
        ...headersOf(who),
      });
      res.flushHeaders();
      let deleted = 0;
      for (let after: string | null = null; !res.destroyed; ) {
        const { name: namespace, epoch } = who.namespace;
        const found = await service.store.list({
          namespace,
          epoch,
          prefix,
          delimiter: null,
          after,
          limit: limits.page,
          values: false,
          now: service.now(),
        });
        const keys = found.flatMap((item) => ("key" in item ? [item.key] : []));
        await Promise.all(
          keys.map((key) => {
            const operation = { kind: "delete", conditions: unconditional } as const;
            return service.writer.write({
              steps: [{ path: pathOf(namespace, key), epoch, operation }],
              allOrNothing: true,
              receipt: null,
            });
          }),
        );
        deleted += keys.length;
        if (keys.length < limits.page) break;
        after = keys.at(-1)!;
        res.write(`${JSON.stringify({ type: "progress", deleted })}\n`);
      }
      res.end(`${JSON.stringify({ type: "end", deleted })}\n`);
      return null;
    },
  );
}

type ListedEntry = { readonly key: string };

/** Entries as they are now: newer than the page where they changed since, left out where they went. */
async function withValues(service: Service, who: Access, listed: readonly ListedEntry[]) {
  const budget = new ValueBudget();
  const entries: unknown[] = [];
  for (let at = 0; at < listed.length; at += valueWindow) {
    const keys = listed.slice(at, at + valueWindow).map(({ key }) => key);
    const reads = await Promise.all(keys.map((key) => service.reader.read(pathOf(who.namespace.name, key))));
    for (const [i, { stored }] of reads.entries()) {
      const entry = await entryWithValue(service, keys[i]!, stored, budget);
      if (entry !== null) entries.push(entry);
    }
  }
  return entries;
}

/** Prefixes and delimiters are parts of keys: anything else can match nothing, which would only confuse. */
export function checkText(text: string, name: string): void {
  if (Buffer.byteLength(text) > limits.keyBytes) {
    const actual = Buffer.byteLength(text);
    throw new Problem("bad-parameter", `${name} may have ${limits.keyBytes} bytes of UTF-8, found ${actual}`, {
      limit: limits.keyBytes,
      actual,
    });
  }
  if (text.includes("\0") || !text.isWellFormed() || text.includes("\ufffd"))
    throw new Problem("bad-parameter", `expected ${name} in UTF-8 without U+0000`);
  if (name === "delimiter" && text.includes("\u{10ffff}"))
    throw new Problem("bad-parameter", "expected a delimiter without U+10FFFF");
}

function headersOf(who: Access): Record<string, string> {
  const flat = limitHeaders(who);
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])));
}
