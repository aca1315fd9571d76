import { z } from "@hono/zod-openapi";
import { identify } from "../access.ts";
import { forbidden, may } from "../auth.ts";
import type { Exchange } from "../exchange.ts";
import { type Namespace, namespaceOf } from "../namespaces.ts";
import { Problem } from "../problems.ts";
import { timestamp } from "../render.ts";
import { durabilityOf, parse, parseJson, parseQuery, readBody } from "../request.ts";
import { namespaceName, namespace as namespaceSchema, namespaces, settings } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, json, route } from "./route.ts";

const params = z.object({ ns: namespaceName });
const tags = ["namespaces"];
const path = "/v1/namespaces/{ns}";
const none = z.strictObject({});
const deleteQuery = z.strictObject({
  force: z
    .enum(["0", "1"])
    .transform((text) => text === "1")
    .optional(),
});

export function namespaceRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/v1/namespaces",
      tags,
      summary: "Namespaces that the credential is `admin` of, with their sizes",
      responses: { 200: json(namespaces) },
    },
    async ({ exchange, query }) => {
      const principal = await identify(service, exchange);
      if (!principal.scopes.some(({ verb }) => verb === "admin")) throw forbidden("admin", "*");
      parseQuery(none, query);
      const all = await service.store.namespaces();
      const own = all.filter(({ name }) => may(principal, "admin", name));
      return { status: 200, json: { namespaces: own.map((record) => namespaceJson(namespaceOf(record), record)) } };
    },
  );
  route(
    app,
    {
      method: "get",
      path,
      tags,
      summary: "One namespace",
      request: { params },
      responses: { 200: json(namespaceSchema) },
    },
    async ({ exchange, param, query }) => {
      await admin(service, exchange, param("ns"));
      parseQuery(none, query);
      const namespace = await service.namespaces.get(param("ns"));
      return { status: 200, json: namespaceJson(namespace, await sizeOf(service, namespace.name)) };
    },
  );
  route(
    app,
    {
      method: "put",
      path,
      tags,
      summary: "Makes a namespace, or replaces its settings",
      description: "Fields that are not sent take their defaults. Processes hear of a change within 5 s.",
      request: { params, body: { ...json(settings), required: false } },
      responses: { 200: json(namespaceSchema, "Settings replaced"), 201: json(namespaceSchema, "Made") },
    },
    async ({ exchange, param, query }) => {
      const name = param("ns");
      await admin(service, exchange, name);
      parseQuery(none, query);
      const parsed = namespaceName.safeParse(name);
      if (!parsed.success) throw new Problem("bad-parameter", parsed.error.issues[0]!.message);
      const body = (await readBody(exchange.req, 16_384, 16_384, "the settings")) as Buffer;
      const values = parse(settings, body.length === 0 ? {} : parseJson(body), "bad-body");
      durabilityOf(values.default_durability);
      if (values.home !== null && values.home !== service.cloud) {
        throw new Problem(
          "bad-body",
          `home: expected null or a cloud of the cluster (${service.cloud}), found ${values.home}`,
        );
      }
      const { created, record } = await service.store.putNamespace(name, values, service.clock.next());
      const namespace = service.namespaces.remember(record);
      return {
        status: created ? 201 : 200,
        json: namespaceJson(namespace, created ? { entries: 0, bytes: 0 } : await sizeOf(service, name)),
      };
    },
  );
  route(
    app,
    {
      method: "delete",
      path,
      tags,
      summary: "Deletes a namespace",
      description: "409 unless it is empty or `?force=1`: then its entries vanish at once.",
      request: { params, query: deleteQuery },
      responses: { 204: { description: "Deleted" } },
    },
    async ({ exchange, param, query }) => {
      const name = param("ns");
      await admin(service, exchange, name);
      const { force = false } = parseQuery(deleteQuery, query);
      const outcome = await service.store.deleteNamespace(name, force, service.clock.next());
      service.namespaces.forget(name);
      if (outcome === "not-found") throw new Problem("namespace-not-found", `there is no namespace ${name}`);
      if (outcome === "not-empty")
        throw new Problem("namespace-not-empty", "the namespace holds entries; delete them first, or add ?force=1");
      return { status: 204 };
    },
  );
}

async function admin(service: Service, exchange: Exchange, name: string): Promise<void> {
  const principal = await identify(service, exchange);
  if (!may(principal, "admin", name)) throw forbidden("admin", name);
}

async function sizeOf(service: Service, name: string) {
  const all = await service.store.namespaces();
  return all.find((record) => record.name === name) ?? { entries: 0, bytes: 0 };
}

function namespaceJson(
  { name, createdAt, settings: values }: Namespace,
  { entries, bytes }: { readonly entries: number; readonly bytes: number },
) {
  return { name, created_at: timestamp(createdAt), ...values, entries, bytes };
}
