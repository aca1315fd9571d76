/** The OpenAPI document of the entry routes, which answer on Node's own request (see `http/entries.ts`). */
import { z } from "@hono/zod-openapi";
import {
  conditionQuery,
  durability,
  idempotencyKey,
  incrementAnswer,
  incrementBody,
  key,
  limits,
  namespaceName,
  sessionHeader,
  writeQuery,
} from "../schemas.ts";
import { type App, json, withProblems } from "./route.ts";

const params = z.object({ ns: namespaceName, key });
const tags = ["entries"];
const bytes = { content: { "*/*": { schema: z.string().openapi({ format: "binary" }) } } };
const text = z.string();

const stateHeaders = {
  ETag: { schema: { type: "string" as const }, description: "Identity of the state, the same in every cloud." },
  "KV-Version": { schema: { type: "string" as const }, description: "Hybrid logical time and origin." },
  "KV-Session": {
    schema: { type: "string" as const },
    description: "What was seen. Send it with later requests, to any cloud: no answer is older then.",
  },
};
const conditionHeaders = {
  "if-match": text.optional().openapi({ description: "`*` or strong entity tags: only if the entry is one of them." }),
  "if-none-match": text.optional().openapi({ description: "`*`: only if there is none." }),
};
const readHeaders = z.object({
  ...conditionHeaders,
  ...sessionHeader,
  range: text.optional().openapi({ description: "A single byte range." }),
  "kv-consistency": z
    .enum(["cached", "local", "strong"])
    .optional()
    .openapi({ description: "`cached` may be up to 5 s old." }),
});
const writeHeaders = z.object({
  ...conditionHeaders,
  ...sessionHeader,
  "kv-durability": durability,
  "idempotency-key": idempotencyKey,
});
const putHeaders = writeHeaders.extend({
  "content-type": text.max(limits.contentTypeBytes).optional(),
  "content-encoding": text.max(limits.contentTypeBytes).optional(),
  "kv-meta": text
    .max(limits.metaBytes)
    .optional()
    .openapi({ description: "A JSON object in ASCII, kept with the entry." }),
});

export function documentEntryRoutes(app: App): void {
  const path = "/v1/kv/{ns}/{key}";
  const add = (config: Parameters<typeof withProblems>[0]) => app.openAPIRegistry.registerPath(withProblems(config));
  const found = { description: "The value", headers: stateHeaders, ...bytes };
  const notModified = { description: "The entry is the one that If-None-Match names" };
  add({
    method: "get",
    path,
    tags,
    summary: "Reads an entry",
    description: "The key is the rest of the path, percent-decoded once; it may hold slashes.",
    request: { params, headers: readHeaders },
    responses: { 200: found, 206: { ...found, description: "A range of the value" }, 304: notModified },
  });
  add({
    method: "head",
    path,
    tags,
    summary: "Reads an entry's headers",
    request: { params, headers: readHeaders },
    responses: {
      200: { description: "The headers of a read", headers: stateHeaders },
      206: { description: "Of a range" },
      304: notModified,
    },
  });
  add({
    method: "put",
    path,
    tags,
    summary: "Writes an entry",
    description: "The body is the value, byte for byte. Without `ttl` the namespace's default applies.",
    request: { params, query: writeQuery, headers: putHeaders, body: bytes },
    responses: {
      200: { description: "Replaced", headers: stateHeaders },
      201: { description: "Created", headers: stateHeaders },
    },
  });
  add({
    method: "delete",
    path,
    tags,
    summary: "Deletes an entry",
    description: "204 also when there was none.",
    request: { params, query: conditionQuery, headers: writeHeaders },
    responses: { 204: { description: "Deleted", headers: stateHeaders } },
  });
  add({
    method: "post",
    path: `${path}:touch`,
    tags,
    summary: "Gives an entry a new expiry and version; the value stays",
    request: { params, query: writeQuery, headers: writeHeaders },
    responses: { 200: { description: "Touched", headers: stateHeaders } },
  });
  add({
    method: "post",
    path: `${path}:increment`,
    tags,
    summary: "Adds to a counter",
    description: "Creates it at zero. Increments of different clouds add up.",
    request: {
      params,
      query: conditionQuery,
      headers: writeHeaders,
      body: { ...json(incrementBody), required: false },
    },
    responses: { 200: { ...json(incrementAnswer, "The sum"), headers: stateHeaders } },
  });
}
