import { z } from "@hono/zod-openapi";
import { hybridTime } from "../../kv/clock.ts";
import type { Stored } from "../../kv/entry.ts";
import { raise } from "../../kv/marks.ts";
import { pathOf } from "../../kv/path.ts";
import { bothSeen, formatSession, type Seen, seenOf } from "../../kv/session.ts";
import type { ListAnswer, ListRequest } from "../../store/port.ts";
import { type Access, access } from "../access.ts";
import { listCursor, listPosition } from "../cursors.ts";
import { entryWithValue, ValueBudget } from "../operations.ts";
import { Problem } from "../problems.ts";
import { entryJson } from "../render.ts";
import { parseQuery, sessionOf } from "../request.ts";
import { limits, listQuery, namespaceName, page, sessionHeader } from "../schemas.ts";
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
      request: { params, query: listQuery, headers: z.object(sessionHeader) },
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
      await service.sessions.prepareAll(session);
      const { items: found, ...listing } = await service.store.list(request);
      const shown = found.slice(0, limit);
      const last = shown.at(-1);
      const more = found.length > limit && last !== undefined;
      const listed = shown.filter((item) => "key" in item);
      const seen = seenInList(service, listing, listed);
      const { entries, more: seenSince } = asked.values
        ? await withValues(service, who, listed, seen)
        : { entries: listed.map(({ key, stored }) => entryJson(key, stored, request.now)), more: seen };
      const answer = {
        entries,
        prefixes: shown.flatMap((item) => ("prefix" in item ? [item.prefix] : [])),
        cursor: more ? listCursor(list, "key" in last ? last.key : last.prefix) : null,
      };
      const token = formatSession(service.sessions.after(session, seenSince));
      return { status: 200, json: answer, headers: { "KV-Session": token } };
    },
  );
}

type ListedEntry = { readonly key: string; readonly stored: Stored };

/** Also what is missing was seen: a later read must not find what was deleted before, here or in another cloud. */
export function seenInList(
  { sessions: { here }, now }: Service,
  { seen, reached }: Omit<ListAnswer, "items">,
  listed: readonly ListedEntry[],
): Seen {
  const marks = raise(reached, { [here.cloud]: { since: here.since, transaction: seen } });
  return listed.reduce((all, { stored }) => bothSeen(all, seenOf(stored, here)), {
    marks,
    transaction: seen,
    // Of a deletion only its time is known: it was before now.
    newest: hybridTime(now()),
  });
}

/** Entries as they are now: newer than the page where they changed since, left out where they went. */
async function withValues(service: Service, who: Access, listed: readonly ListedEntry[], seen: Seen) {
  const budget = new ValueBudget();
  const entries: unknown[] = [];
  let more = seen;
  for (let at = 0; at < listed.length; at += valueWindow) {
    const keys = listed.slice(at, at + valueWindow).map(({ key }) => key);
    const reads = await Promise.all(keys.map((key) => service.reader.read(pathOf(who.namespace.name, key))));
    for (const [i, { stored }] of reads.entries()) {
      more = bothSeen(more, seenOf(stored, service.sessions.here));
      const entry = await entryWithValue(service, keys[i]!, stored, budget);
      if (entry !== null) entries.push(entry);
    }
  }
  return { entries, more };
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
