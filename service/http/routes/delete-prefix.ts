import { z } from "@hono/zod-openapi";
import { unconditional } from "../../kv/decide.ts";
import { pathOf } from "../../kv/path.ts";
import { bothSeen, formatSession, nothingSeen, seenOf } from "../../kv/session.ts";
import { access } from "../access.ts";
import { durabilityOf, isConfirmed, unconfirmed } from "../durability.ts";
import { commonHeaders } from "../exchange.ts";
import { isDecidedHere, passToHome } from "../homes.ts";
import type { Namespace } from "../namespaces.ts";
import { Problem } from "../problems.ts";
import { parseQuery, refuseHeaders, sessionOf } from "../request.ts";
import {
  deleteProgress,
  deleteQuery,
  durability as durabilityHeader,
  limits,
  namespaceName,
  sessionHeader,
} from "../schemas.ts";
import type { Service } from "../service.ts";
import { stepOn } from "../writes.ts";
import { checkText, seenInList } from "./list.ts";
import { type App, route } from "./route.ts";

const refused = {
  "if-match": "delete the keys one by one with it",
  "if-none-match": "delete the keys one by one with it",
  "idempotency-key": "a deletion that was cut can be asked for again, and deletes what is left",
};

export function deletePrefixRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "delete",
      path: "/v1/kv/{ns}",
      tags: ["entries"],
      summary: "Deletes all keys with a prefix",
      description:
        "Answers with JSON Lines: progress, then one line of type `end`. One of type `error` ends it when other clouds do not confirm in time what was deleted so far. A stream without it was cut: ask again, the rest is deleted then. Conditions and an Idempotency-Key are refused (400).",
      request: {
        params: z.object({ ns: namespaceName }),
        query: deleteQuery,
        headers: z.object({ ...sessionHeader, "kv-durability": durabilityHeader }),
      },
      responses: { 200: { description: "Progress", content: { "application/jsonl": { schema: deleteProgress } } } },
    },
    async ({ exchange, param, query }) => {
      const { namespace } = await access(service, exchange, "write", param("ns"));
      if (!isDecidedHere(service, exchange, namespace)) {
        await passToHome(service, exchange, namespace);
        return null;
      }
      const { prefix } = parseQuery(deleteQuery, query);
      checkText(prefix, "prefix");
      const header = (name: string) => exchange.req.headers[name] as string | undefined;
      refuseHeaders(header, refused);
      const durability = durabilityOf(service, header("kv-durability"), namespace.settings.default_durability);
      const asked = sessionOf(header("kv-session"));
      if (namespace.settings.require_condition) {
        throw new Problem(
          "condition-required",
          "the namespace takes conditional writes only; delete the keys one by one with If-Match",
        );
      }
      // What it does not find it would not delete.
      await service.sessions.prepareAll(asked);
      if (asked !== null) service.sessions.observe(asked);
      let session = service.sessions.after(asked, nothingSeen);
      const { res } = exchange;
      res.writeHead(200, {
        ...commonHeaders(exchange),
        "Content-Type": "application/jsonl",
        "KV-Durability": durability,
      });
      res.flushHeaders();
      const line = (progress: Omit<z.input<typeof deleteProgress>, "session">) =>
        `${JSON.stringify({ ...progress, session: formatSession(session) })}\n`;
      let deleted = 0;
      for await (const page of deletePages(service, namespace, prefix)) {
        if (res.destroyed) return null;
        deleted += page.deleted;
        session = service.sessions.after(session, page.seen);
        if (!(await isConfirmed(service, durability, page.paths))) {
          const problem = unconfirmed(durability, {}).body(exchange.id) as never;
          res.write(line({ type: "error", deleted, problem }));
          break;
        }
        res.write(line({ type: page.isLast ? "end" : "progress", deleted }));
      }
      res.end();
      return null;
    },
  );
}

/** Deletes page by page. Yields the number of keys that were deleted, and what was seen and done for it. */
async function* deletePages(service: Service, namespace: Namespace, prefix: string) {
  for (let after: string | null = null; ; ) {
    const { items: found, ...listing } = await service.store.list({
      namespace: namespace.name,
      epoch: namespace.epoch,
      prefix,
      delimiter: null,
      after,
      limit: limits.page,
      values: false,
      now: service.now(),
    });
    const keys = found.flatMap((item) => ("key" in item ? [item.key] : []));
    const answers = await Promise.all(
      keys.map((key) => {
        const operation = { kind: "delete", conditions: unconditional } as const;
        const steps = [stepOn(namespace, key, operation)];
        return service.writer.write({ steps, allOrNothing: true, receipt: null });
      }),
    );
    const seen = answers.reduce(
      (all, { results }) => bothSeen(all, seenOf(results[0]!.stored, service.sessions.here)),
      seenInList(service, listing, []),
    );
    const isLast = keys.length < limits.page;
    yield { deleted: keys.length, paths: keys.map((key) => pathOf(namespace.name, key)), seen, isLast };
    if (isLast) return;
    after = keys.at(-1)!;
  }
}
