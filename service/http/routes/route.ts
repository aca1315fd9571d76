import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { commonHeaders, type Exchange, exchangeOf } from "../exchange.ts";
import { problemType } from "../problems.ts";
import { problem } from "../schemas.ts";

export type Env = { Bindings: HttpBindings };
export type App = OpenAPIHono<Env>;

/** What a handler works with: Node's request and response, the parameters of the path, the raw query. */
export type Call = { readonly exchange: Exchange; readonly param: (name: string) => string; readonly query: string };

/** A JSON answer, or null when the handler has answered on Node's response itself (streams). */
export type Answer = {
  readonly status: number;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
} | null;

/**
 * Adds a route to the app and to the OpenAPI document. `path` is OpenAPI's; `:verb` behind a parameter is an action
 * (`/v1/kv/{ns}:batch`).
 */
export function route(app: App, config: RouteConfig, handle: (call: Call) => Promise<Answer> | Answer): void {
  app.openAPIRegistry.registerPath(withProblems(config));
  const action = /\{(\w+)\}:([\w-]+)$/.exec(config.path);
  const pattern = action
    ? config.path.replace(action[0], `:target{[^/:]+:${action[2]}}`)
    : config.path.replace(/\{(\w+)\}/g, (_, name) => `:${name}{[^/:]+}`);
  app.on(config.method.toUpperCase(), pattern, async (c: Context<Env>) => {
    const exchange = exchangeOf(c.env.incoming);
    exchange.route = config.path;
    const url = exchange.req.url!;
    const question = url.indexOf("?");
    const param = (name: string) =>
      action?.[1] === name ? c.req.param("target")!.slice(0, -action[2]!.length - 1) : (c.req.param(name) ?? "");
    const answer = await handle({ exchange, param, query: question === -1 ? "" : url.slice(question + 1) });
    if (answer === null) return RESPONSE_ALREADY_SENT;
    const headers = { ...commonHeaders(exchange), ...answer.headers };
    if (answer.json === undefined) return new Response(null, { status: answer.status, headers });
    return new Response(JSON.stringify(answer.json), {
      status: answer.status,
      headers: { ...headers, "Content-Type": "application/json" },
    });
  });
}

/** Every route may answer with a problem. */
export function withProblems(config: RouteConfig): RouteConfig {
  const content = { [problemType]: { schema: problem } };
  return {
    ...config,
    responses: {
      ...config.responses,
      "4XX": { description: "The request was refused: see `code` and `detail`.", content },
      "5XX": {
        description: "The service cannot answer now: see `code`; `Retry-After` says when to try again.",
        content,
      },
    },
  };
}

/** A JSON body or answer in the document. */
export function json(schema: RouteConfig["responses"][string] extends never ? never : unknown, description = "") {
  return { description, content: { "application/json": { schema: schema as never } } };
}
