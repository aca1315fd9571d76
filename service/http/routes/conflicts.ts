/** Writes that lost to a concurrent write of another cloud: what there is, and their values. */
import { pipeline } from "node:stream/promises";
import { z } from "@hono/zod-openapi";
import { milliseconds } from "../../kv/clock.ts";
import { counterValue, type Value } from "../../kv/entry.ts";
import { keyOf, pathOf } from "../../kv/path.ts";
import { formatVersion, parseVersion } from "../../kv/version.ts";
import type { KeptConflict } from "../../store/member.ts";
import { access } from "../access.ts";
import { commonHeaders } from "../exchange.ts";
import { Problem } from "../problems.ts";
import { defaultContentType, encodeValue, stateHeaders, timestamp } from "../render.ts";
import { parseQuery } from "../request.ts";
import { conflict, conflictQuery, namespaceName, version } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, json, route } from "./route.ts";

/** Conflicts in one answer, and the bytes of a value up to which it is shown. */
const maxConflicts = 1000;
const maxShownBytes = 64 * 1024;

export function conflictRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/v1/conflicts/{ns}",
      tags: ["operations"],
      summary: "Writes that lost to a concurrent write in another cloud",
      description:
        "The newest first, up to 1000; values above 64 KiB are left out, and read by `version`. Kept for 7 days, in the clouds that saw both. A cloud by itself has none: the row's lock orders its writes.",
      request: { params: z.object({ ns: namespaceName }) },
      responses: { 200: json(z.object({ conflicts: z.array(conflict) }).openapi("Conflicts")) },
    },
    async ({ exchange, param }) => {
      await access(service, exchange, "admin", param("ns"));
      const kept = (await service.peers?.store.conflicts(pathOf(param("ns"), ""), maxConflicts)) ?? [];
      return { status: 200, json: { conflicts: kept.map(conflictJson) } };
    },
  );
  route(
    app,
    {
      method: "get",
      path: "/v1/conflicts/{ns}/{version}",
      tags: ["operations"],
      summary: "The value of a write that lost",
      description: "404 when no such write is kept in this cloud, or when it was a deletion or an increment.",
      request: { params: z.object({ ns: namespaceName, version }), query: conflictQuery },
      responses: {
        200: { description: "The value", content: { "*/*": { schema: z.string().openapi({ format: "binary" }) } } },
      },
    },
    async ({ exchange, param, query }) => {
      await access(service, exchange, "admin", param("ns"));
      const { key } = parseQuery(conflictQuery, query);
      const lost = parseVersion(param("version"));
      if (lost === null) throw new Problem("bad-parameter", "expected a version as the list of conflicts shows it");
      const kept = (await service.peers?.store.conflict(pathOf(param("ns"), key), lost)) ?? null;
      if (kept?.entry.kind !== "value") throw new Problem("not-found", "no value of this version is kept here");
      const { entry } = kept;
      const bytes = entry.blob === null ? null : await service.blobs.open(entry.blob);
      if (bytes === null && entry.body === null) throw new Error("the value's bytes are not there");
      const { res } = exchange;
      res.writeHead(200, { ...commonHeaders(exchange), ...headersOf(entry) });
      if (bytes === null) res.end(entry.body);
      else await pipeline(bytes, res);
      return null;
    },
  );
}

/** Strangers' bytes on the console's origin: nothing that a browser would run. */
function headersOf(entry: Value): Record<string, string> {
  const state = stateHeaders(entry);
  const headers: Record<string, string> = {
    "Content-Type": entry.contentType ?? defaultContentType,
    "Content-Length": String(entry.size),
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
  };
  if (entry.contentEncoding !== null) headers["Content-Encoding"] = entry.contentEncoding;
  if (entry.meta !== null) headers["KV-Meta"] = entry.meta;
  for (let i = 0; i < state.length; i += 2) headers[state[i]!] = state[i + 1]!;
  return headers;
}

/** A state that lost, in JSON. Values above 64 KiB are left out. */
function conflictJson({ carried: { path, entry }, at }: KeptConflict): z.input<typeof conflict> {
  const value = entry.kind === "value" ? entry : null;
  const shown = value?.body && value.size <= maxShownBytes ? encodeValue(value.body) : {};
  return {
    key: keyOf(path),
    kind: entry.kind,
    version: formatVersion(entry.version),
    origin: entry.version.origin,
    updated_at: timestamp(milliseconds(entry.version.time)),
    lost_at: timestamp(at),
    size: value?.size ?? 0,
    ...(entry.kind === "counter" && { value: String(counterValue(entry)) }),
    ...shown,
  };
}
