import { z } from "@hono/zod-openapi";
import type { ApiKeyRecord } from "../../store/port.ts";
import { identify } from "../access.ts";
import { forbidden, mayGrant, newApiKey, type Principal } from "../auth.ts";
import type { Exchange } from "../exchange.ts";
import { Problem } from "../problems.ts";
import { timestamp } from "../render.ts";
import { parse, parseJson, readBody, refuseHeaders } from "../request.ts";
import { apiKey, apiKeys, createdKey, newKey } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, json, route } from "./route.ts";

const params = z.object({ id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/) });
const tags = ["keys"];

export function keyRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "post",
      path: "/v1/keys",
      tags,
      summary: "Makes an API key",
      description:
        "Its scopes must lie within namespaces that the caller is `admin` of. The answer holds the secret, once.",
      request: { body: { ...json(newKey), required: true } },
      responses: { 201: json(createdKey) },
    },
    async ({ exchange }) => {
      const principal = await identify(service, exchange);
      refuseIdempotency(
        exchange,
        "the first answer holds a secret, which is not kept; list the keys and revoke what is lost",
      );
      const body = (await readBody(exchange.req, 16_384, 16_384, "the body")) as Buffer;
      const asked = parse(newKey, parseJson(body), "bad-body");
      const denied = asked.scopes.find((scope) => !mayGrant(principal, scope));
      if (denied !== undefined) throw forbidden("admin", denied.slice(denied.indexOf(":") + 1));
      const { id, hash, token } = newApiKey();
      const record: ApiKeyRecord = {
        id,
        hash,
        name: asked.name,
        scopes: asked.scopes,
        rateLimit: asked.rate_limit,
        createdAt: service.now(),
        expiresAt: asked.expires_at === null ? null : Date.parse(asked.expires_at),
        revokedAt: null,
      };
      await service.store.putApiKey(record, service.stamp());
      service.peers?.replication.announceCatalog();
      return { status: 201, json: { ...keyJson(record), key: token } };
    },
  );
  route(
    app,
    {
      method: "get",
      path: "/v1/keys",
      tags,
      summary: "API keys that the caller may manage",
      responses: { 200: json(apiKeys) },
    },
    async ({ exchange }) => {
      const principal = await identify(service, exchange);
      if (!principal.scopes.some(({ verb }) => verb === "admin")) throw forbidden("admin", "*");
      const keys = await service.store.apiKeys();
      return { status: 200, json: { keys: keys.filter((key) => manages(principal, key)).map(keyJson) } };
    },
  );
  route(
    app,
    {
      method: "get",
      path: "/v1/keys/{id}",
      tags,
      summary: "One API key",
      request: { params },
      responses: { 200: json(apiKey) },
    },
    async ({ exchange, param }) => {
      const principal = await identify(service, exchange);
      return { status: 200, json: keyJson(await managed(service, principal, param("id"))) };
    },
  );
  route(
    app,
    {
      method: "delete",
      path: "/v1/keys/{id}",
      tags,
      summary: "Revokes an API key for good",
      description:
        "Takes up to 5 s to reach every process of the cloud, and in other clouds as long as it takes to reach them: with a link milliseconds. No edit elsewhere undoes it.",
      request: { params },
      responses: { 204: { description: "Revoked" } },
    },
    async ({ exchange, param }) => {
      const principal = await identify(service, exchange);
      refuseIdempotency(exchange, "revoking a key once more changes nothing");
      const { id } = await managed(service, principal, param("id"));
      await service.store.revokeApiKey(id, service.now(), service.stamp());
      service.peers?.replication.announceCatalog();
      return { status: 204 };
    },
  );
}

function refuseIdempotency({ req }: Exchange, instead: string): void {
  refuseHeaders((name) => req.headers[name] as string | undefined, { "idempotency-key": instead });
}

/** A key may be seen and revoked by whoever could have made it. */
function manages(principal: Principal, key: ApiKeyRecord): boolean {
  return key.scopes.every((scope) => mayGrant(principal, scope));
}

async function managed(service: Service, principal: Principal, id: string): Promise<ApiKeyRecord> {
  const key = await service.store.apiKey(id);
  if (key !== null && manages(principal, key)) return key;
  if (!principal.scopes.some(({ verb }) => verb === "admin")) throw forbidden("admin", "*");
  throw new Problem("not-found", "there is no key with this id that the credential may manage");
}

function keyJson(key: ApiKeyRecord) {
  const time = (at: number | null) => (at === null ? null : timestamp(at));
  const { id, name, scopes, createdAt, expiresAt, revokedAt, rateLimit } = key;
  return {
    id,
    name,
    scopes,
    created_at: timestamp(createdAt),
    expires_at: time(expiresAt),
    revoked_at: time(revokedAt),
    rate_limit: rateLimit,
  };
}
