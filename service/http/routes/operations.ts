/** What operators ask: health, readiness, cluster, and the documents of the API. */
import { createRequire } from "node:module";
import { z } from "@hono/zod-openapi";
import { consoleFile } from "../../console/serve.ts";
import { milliseconds } from "../../kv/clock.ts";
import { isExpelled, type Peer } from "../../store/member.ts";
import { identify } from "../access.ts";
import { forbidden } from "../auth.ts";
import { docsPage } from "../docs.ts";
import { exchangeOf } from "../exchange.ts";
import { Problem } from "../problems.ts";
import { timestamp } from "../render.ts";
import { cluster, problem } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, json, route } from "./route.ts";

const release = (createRequire(import.meta.url)("../../package.json") as { version: string }).version;
const tags = ["operations"];
/** Milliseconds after which a peer that does not catch up counts as not ready. */
const maxLag = 30_000;
const status = z.object({ status: z.enum(["ok", "unavailable"]), reason: z.string().optional() }).openapi("Status");

export function operationsRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/health",
      tags,
      security: [],
      summary: "The process lives",
      responses: { 200: json(status) },
    },
    () => ({
      status: 200,
      json: { status: "ok" },
    }),
  );
  route(
    app,
    {
      method: "get",
      path: "/ready",
      tags,
      security: [],
      summary: "This cloud can serve: the database takes writes and the process is not shutting down",
      responses: {
        200: json(status),
        503: { description: "It cannot", content: { "application/json": { schema: status } } },
      },
    },
    () => {
      const reason = service.health.notReady();
      return reason === null
        ? { status: 200, json: { status: "ok" } }
        : { status: 503, json: { status: "unavailable", reason } };
    },
  );
  route(
    app,
    { method: "get", path: "/v1/cluster", tags, summary: "Clouds, lag and state", responses: { 200: json(cluster) } },
    async ({ exchange }) => {
      const principal = await identify(service, exchange);
      if (!principal.scopes.some(({ verb }) => verb === "admin")) throw forbidden("admin", "*");
      return { status: 200, json: await clusterJson(service) };
    },
  );
  let document: string | null = null;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(openApi(app));
    exchangeOf(c.env.incoming).route = "/openapi.json";
    return c.body(document, 200, { "Content-Type": "application/json", "Cache-Control": "no-cache" });
  });
  app.get("/docs", (c) => {
    exchangeOf(c.env.incoming).route = "/docs";
    return c.body(docsPage(openApi(app)), 200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "X-Content-Type-Options": "nosniff",
    });
  });
  app.get("/console", (c) => c.redirect("/console/", 308));
  app.get("/console/*", (c) => {
    const exchange = exchangeOf(c.env.incoming);
    exchange.route = "/console/*";
    const file = consoleFile(c.req.path.slice("/console".length));
    if (file === null) throw new Problem("not-found", "there is no such file in the console");
    if (c.req.header("if-none-match") === file.headers.etag) return c.body(null, 304, file.headers);
    return new Response(file.body as Uint8Array<ArrayBuffer>, { headers: file.headers });
  });
}

function peerJson(known: Peer): z.input<typeof cluster>["clouds"][number] {
  const { peer, incarnation, repair, settling, cleanAt, lag } = known;
  const expelled = isExpelled(known);
  return {
    name: peer,
    self: false,
    ready: incarnation !== null && !expelled && lag < maxLag,
    expelled,
    lag_ms: lag,
    repaired_at: repair !== null || settling !== null || cleanAt === null ? null : timestamp(cleanAt),
  };
}

export async function clusterJson({
  cloud,
  store,
  health,
  cache,
  shared,
  feed,
  peers,
  now,
}: Service): Promise<z.input<typeof cluster>> {
  const ready = health.notReady() === null;
  const { entries, bytes } = cache.size;
  const others = (await peers?.store.peers()) ?? [];
  const floor = await store.floor();
  return {
    cloud,
    release,
    incarnation: store.incarnation,
    clouds: [
      {
        name: cloud,
        self: true,
        ready,
        expelled: peers?.replication.isExpelled() ?? false,
        lag_ms: 0,
        repaired_at: null,
      },
      ...others.map(peerJson),
    ],
    floor_age_ms: now() - milliseconds(floor),
    ready,
    drained: health.drained(),
    database: { version: health.databaseVersion(), clock_skew_ms: health.skew(), horizon_age_ms: health.horizonAge() },
    cache: { l1_entries: entries, l1_bytes: bytes, l2: shared === null ? "none" : shared.state },
    watchers: feed.followers,
  };
}

export function openApi(app: App): Record<string, unknown> {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "An API key (skykv_…) or a token of the configured OIDC issuer.",
  });
  app.openAPIRegistry.register("Problem", problem);
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "SkyKV",
      version: release,
      description: "A key-value store that survives the loss of a whole cloud.",
      license: { name: "Apache-2.0" },
    },
    security: [{ bearer: [] }],
  }) as unknown as Record<string, unknown>;
}
