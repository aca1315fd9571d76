import { z } from "@hono/zod-openapi";
import { formatSession, nothingSeen, type Session, seenOf } from "../../kv/session.ts";
import { formatVersion } from "../../kv/version.ts";
import { access } from "../access.ts";
import { type Durability, durabilityOf, isConfirmed, unconfirmed } from "../durability.ts";
import { commonHeaders } from "../exchange.ts";
import { isDecidedHere, passToHome } from "../homes.ts";
import { type Item, lineItems, tarItems } from "../import-items.ts";
import { putStep, restoreStep } from "../import-steps.ts";
import type { Namespace } from "../namespaces.ts";
import { problemOf } from "../problems.ts";
import { refusalOf } from "../refusals.ts";
import { parseQuery, refuseHeaders, sessionOf } from "../request.ts";
import { durability as durabilityHeader, importLine, importProgress, importQuery, sessionHeader } from "../schemas.ts";
import type { Service } from "../service.ts";
import { type App, route } from "./route.ts";

/** Lines whose writes are under way at once: a few full commits. */
const window = 1024;
/** Bytes of values under way at once. */
const windowBytes = 16 * 2 ** 20;
/** Milliseconds between lines of progress. */
const progressInterval = 250;
/** Errors that are told one by one; the rest are only counted. */
const maxErrors = 1000;

const refused = {
  "if-match": "lines of an import are written whatever is there; a batch takes conditions",
  "if-none-match": "lines of an import are written whatever is there; a batch takes conditions",
  "idempotency-key":
    "send what follows the last `line` that the answer told of; with versions=keep all of it may be sent again",
};

export function importRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "post",
      path: "/v1/import",
      tags: ["transfer"],
      summary: "Writes a stream of entries",
      description:
        "JSON Lines as an export writes them, or just `{key, value}`; or a tar archive. The answer streams progress: `line` lines were read and everything in them is committed; after a break, send the rest. With `versions=keep` (needs `admin`) entries keep their versions and are merged. Conditions and an Idempotency-Key are refused (400).",
      request: {
        query: importQuery,
        headers: z.object({ ...sessionHeader, "kv-durability": durabilityHeader }),
        body: {
          content: {
            "application/jsonl": { schema: importLine },
            "application/x-tar": { schema: { type: "string", format: "binary" } as never },
          },
        },
      },
      responses: {
        200: {
          description: "Progress, errors by line, and a last line of type `end`",
          content: { "application/jsonl": { schema: importProgress } },
        },
      },
    },
    async ({ exchange, query }) => {
      const { req, res, id } = exchange;
      const asked = parseQuery(importQuery, query);
      const keep = asked.versions === "keep";
      const { namespace } = await access(service, exchange, keep ? ["write", "admin"] : "write", asked.namespace);
      if (!isDecidedHere(service, exchange, namespace)) {
        await passToHome(service, exchange, namespace);
        return null;
      }
      const header = (name: string) => req.headers[name] as string | undefined;
      refuseHeaders(header, refused);
      const durability = durabilityOf(service, header("kv-durability"), namespace.settings.default_durability);
      const session = sessionOf(header("kv-session"));
      if (session !== null) service.sessions.observe(session);
      const isTar =
        asked.format === "tar" || (asked.format === undefined && req.headers["content-type"] === "application/x-tar");
      res.writeHead(200, {
        ...commonHeaders(exchange),
        "Content-Type": "application/jsonl",
        "KV-Durability": durability,
      });
      res.flushHeaders();
      const say = (message: z.input<typeof importProgress>) => res.write(`${JSON.stringify(message)}\n`);
      const items = isTar ? tarItems(req, namespace) : lineItems(req);
      await new Import(service, namespace, keep, durability, service.sessions.after(session, nothingSeen), say)
        .run(items)
        .catch((error) => {
          const problem = problemOf(error);
          if (problem.code === "internal") exchange.log.error({ requestId: id, err: error }, "import failed");
          say({ type: "error", line: 0, problem: problem.body(id) as never });
        });
      res.end();
      return null;
    },
  );
}

type Say = (message: z.input<typeof importProgress>) => void;

class Import {
  readonly #service: Service;
  readonly #namespace: Namespace;
  readonly #keep: boolean;
  readonly #durability: Durability;
  readonly #say: Say;
  #session: Session;
  #imported = 0;
  #failed = 0;

  constructor(
    service: Service,
    namespace: Namespace,
    keep: boolean,
    durability: Durability,
    session: Session,
    say: Say,
  ) {
    this.#service = service;
    this.#namespace = namespace;
    this.#keep = keep;
    this.#durability = durability;
    this.#session = session;
    this.#say = say;
  }

  /** Writes in order of the lines, many at once; `line` in the progress is the number below which all are committed. */
  async run(items: AsyncIterable<Item>): Promise<void> {
    const underWay: {
      readonly line: number;
      readonly bytes: number;
      readonly done: Promise<void>;
      settled: boolean;
    }[] = [];
    let bytes = 0;
    let committed = 0;
    const advance = () => {
      for (let first = underWay[0]; first?.settled; first = underWay[0]) {
        underWay.shift();
        bytes -= first.bytes;
        committed = first.line;
      }
    };
    const settleHalf = async () => {
      await Promise.all(underWay.slice(0, Math.ceil(underWay.length / 2)).map(({ done }) => done));
      advance();
    };
    const telling = setInterval(() => {
      advance();
      this.#tell("progress", committed);
    }, progressInterval);
    try {
      for await (const item of items) {
        const job = { line: item.line, bytes: item.bytes, done: this.#write(item), settled: false };
        job.done.then(
          () => (job.settled = true),
          () => {}, // Awaited later; until then a failure must not count as unhandled.
        );
        underWay.push(job);
        bytes += item.bytes;
        while (underWay.length >= window || (bytes > windowBytes && underWay.length > 0)) await settleHalf();
      }
      while (underWay.length > 0) await settleHalf();
    } finally {
      clearInterval(telling);
      await Promise.allSettled(underWay.map(({ done }) => done));
    }
    this.#tell("end", committed);
  }

  #tell(type: "progress" | "end", line: number): void {
    const session = formatSession(this.#session);
    this.#say({ type, line, imported: this.#imported, failed: this.#failed, session });
  }

  async #write(item: Item): Promise<void> {
    let key: string | undefined;
    try {
      const line = item.read();
      key = line.key;
      const step = await (this.#keep ? restoreStep : putStep)(this.#service, this.#namespace, line);
      const { results } = await this.#service.writer.write({ steps: [step], allOrNothing: true, receipt: null });
      const { sessions } = this.#service;
      this.#session = sessions.after(this.#session, seenOf(results[0]!.stored, sessions.here));
      if (!results[0]!.ok) throw refusalOf(results[0]!.reason, results[0]!.current);
      if (!(await isConfirmed(this.#service, this.#durability, [step.path]))) {
        const version = formatVersion(results[0]!.stored!.entry.version);
        throw unconfirmed(this.#durability, { key, version });
      }
      this.#imported++;
    } catch (error) {
      const problem = problemOf(error);
      // The store's troubles end the import: what follows would fail too, and the client resumes from the last progress.
      if (problem.status >= 500 || problem.code === "namespace-not-found") throw error;
      this.#failed++;
      if (this.#failed <= maxErrors)
        this.#say({
          type: "error",
          line: item.line,
          ...(key !== undefined && { key }),
          problem: problem.body() as never,
        });
    }
  }
}
