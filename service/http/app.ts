import { getRequestListener, RequestError } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import { entryRoutes } from "./entries.ts";
import { type Exchange, exchangeOf, logUnexpected, problemHeaders, remember, sendProblem } from "./exchange.ts";
import { Problem, problemOf } from "./problems.ts";
import { batchRoutes } from "./routes/batch.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { conflictRoutes } from "./routes/conflicts.ts";
import { deletePrefixRoutes } from "./routes/delete-prefix.ts";
import { documentEntryRoutes } from "./routes/entries.ts";
import { exportRoutes } from "./routes/export.ts";
import { importRoutes } from "./routes/import.ts";
import { keyRoutes } from "./routes/keys.ts";
import { listRoutes } from "./routes/list.ts";
import { namespaceRoutes } from "./routes/namespaces.ts";
import { operationsRoutes } from "./routes/operations.ts";
import type { App, Env } from "./routes/route.ts";
import { watchRoutes } from "./routes/watch.ts";
import type { Service } from "./service.ts";

/** All routes: entries by themselves, the rest by Hono. */
export function createHandler(service: Service): (exchange: Exchange) => void {
  const answerEntry = entryRoutes(service);
  const errorHandler = (error: unknown) => {
    throw error instanceof RequestError
      ? new Problem("bad-request", `the target or Host is none: ${error.message}`)
      : error;
  };
  const listener = getRequestListener(createApp(service).fetch, {
    overrideGlobalObjects: false,
    errorHandler,
    // HTTP/1.0 knows no Host.
    hostname: "localhost",
  });
  const origins = new Set(service.corsOrigins);
  return (exchange) => {
    const { req, res } = exchange;
    const { origin } = req.headers;
    // In absolute form, as proxies may send it, the target names the same as the path in it.
    if (!req.url!.startsWith("/")) req.url = req.url!.replace(/^https?:\/\/[^/?#]+(?=[/?])/i, "");
    // Also without an origin: a cache must not give that answer to a page.
    if (origins.size > 0) res.setHeader("Vary", "Origin");
    if (origin !== undefined && origins.has(origin) && answerCors(exchange, origin)) return;
    if (answerEntry(exchange)) return;
    remember(exchange);
    listener(req, res).catch((error) => sendProblem(exchange, error));
  };
}

export function createApp(service: Service): App {
  const app = new OpenAPIHono<Env>();
  documentEntryRoutes(app);
  listRoutes(app, service);
  deletePrefixRoutes(app, service);
  batchRoutes(app, service);
  watchRoutes(app, service);
  namespaceRoutes(app, service);
  keyRoutes(app, service);
  exportRoutes(app, service);
  importRoutes(app, service);
  conflictRoutes(app, service);
  operationsRoutes(app, service);
  clusterRoutes(app, service);
  app.notFound((c) => {
    const allowed = methodsOf(app, c.req.path);
    if (allowed.length > 0) {
      throw new Problem(
        "method-not-allowed",
        `${c.req.method} is not a method of this route`,
        {},
        { Allow: allowed.join(", ") },
      );
    }
    throw new Problem("not-found", "there is no such route; /openapi.json lists them");
  });
  app.onError((error, c) => {
    const exchange = exchangeOf(c.env.incoming);
    const problem = problemOf(error);
    logUnexpected(exchange, problem, error);
    if (exchange.res.headersSent) {
      exchange.res.destroy();
      return new Response(null);
    }
    const { status } = problem;
    return new Response(JSON.stringify(problem.body(exchange.id)), {
      status,
      headers: problemHeaders(exchange, problem),
    });
  });
  return app;
}

/** Methods that the path has, for `Allow`. */
function methodsOf(app: App, path: string): string[] {
  const methods = ["GET", "HEAD", "PUT", "POST", "DELETE"];
  return methods.filter((method) => app.router.match(method === "HEAD" ? "GET" : method, path)[0].length > 0);
}

const exposed =
  "ETag, KV-Version, KV-Updated-At, KV-Expires-At, KV-Origin, KV-Kind, KV-Meta, KV-Session, KV-Durability, KV-Request-Id, RateLimit, RateLimit-Policy, Retry-After";
const accepted =
  "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Range, KV-Meta, KV-Session, KV-Consistency, KV-Durability, Idempotency-Key, Last-Event-ID, X-Request-Id";

/** Headers for pages of a configured origin; true when the request was a preflight and is answered. */
function answerCors({ req, res }: Exchange, origin: string): boolean {
  res.setHeader("Access-Control-Allow-Origin", origin);
  if (req.method !== "OPTIONS") {
    res.setHeader("Access-Control-Expose-Headers", exposed);
    return false;
  }
  res.writeHead(204, {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
    "Access-Control-Allow-Headers": accepted,
    "Access-Control-Max-Age": "600",
  });
  res.end();
  return true;
}
