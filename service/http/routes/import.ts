import type { z } from "@hono/zod-openapi";
import { milliseconds } from "../../kv/clock.ts";
import { unconditional } from "../../kv/decide.ts";
import type { Entry } from "../../kv/entry.ts";
import { pathOf } from "../../kv/path.ts";
import { compareVersions, parseVersion } from "../../kv/version.ts";
import type { Step } from "../../store/jobs.ts";
import { type Access, access } from "../access.ts";
import { type Item, type Line, lineItems, tarItems } from "../import-items.ts";
import { valueFrom } from "../operations.ts";
import { Problem, problemOf } from "../problems.ts";
import { parseQuery } from "../request.ts";
import { importLine, importProgress, importQuery } from "../schemas.ts";
import type { Service } from "../service.ts";
import { expiryOf } from "../writes.ts";
import { type App, route } from "./route.ts";

/** Lines whose writes are under way at once: a few full commits. */
const window = 1024;
/** Bytes of values under way at once. */
const windowBytes = 16 * 2 ** 20;
/** Milliseconds between lines of progress. */
const progressInterval = 250;
/** Errors that are told one by one; the rest are only counted. */
const maxErrors = 1000;

export function importRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "post",
      path: "/v1/import",
      tags: ["transfer"],
      summary: "Writes a stream of entries",
      description:
        "JSON Lines as an export writes them, or just `{key, value}`; or a tar archive. The answer streams progress: `line` lines were read and everything in them is committed; after a break, send the rest. With `versions=keep` (needs `admin`) entries keep their versions and are merged.",
      request: {
        query: importQuery,
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
      const who = await access(service, exchange, keep ? ["write", "admin"] : "write", asked.namespace);
      const isTar =
        asked.format === "tar" || (asked.format === undefined && req.headers["content-type"] === "application/x-tar");
      res.writeHead(200, { "Content-Type": "application/jsonl", "Cache-Control": "no-store", "KV-Request-Id": id });
      res.flushHeaders();
      const say = (message: z.input<typeof importProgress>) => res.write(`${JSON.stringify(message)}\n`);
      const items = isTar ? tarItems(req, who) : lineItems(req);
      await new Import(service, who, keep, say).run(items).catch((error) => {
        const problem = problemOf(error);
        if (problem.code === "internal") exchange.log.error({ requestId: id, err: error }, "import failed");
        say({ type: "error", line: 0, problem: problem.body(id) as never });
      });
      res.end();
      return null;
    },
  );
}

class Import {
  readonly #service: Service;
  readonly #who: Access;
  readonly #keep: boolean;
  readonly #say: (message: z.input<typeof importProgress>) => void;
  #imported = 0;
  #failed = 0;

  constructor(service: Service, who: Access, keep: boolean, say: (message: z.input<typeof importProgress>) => void) {
    this.#service = service;
    this.#who = who;
    this.#keep = keep;
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
      this.#say({ type: "progress", line: committed, imported: this.#imported, failed: this.#failed });
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
    this.#say({ type: "end", line: committed, imported: this.#imported, failed: this.#failed });
  }

  async #write(item: Item): Promise<void> {
    let key: string | undefined;
    try {
      const line = item.read();
      key = line.key;
      const step = this.#keep ? await this.#restoreStep(line) : await this.#putStep(line);
      await this.#service.writer.write({ steps: [step], allOrNothing: true, receipt: null });
      this.#imported++;
    } catch (error) {
      const problem = problemOf(error);
      // The store's troubles end the import: what follows would fail too, and the client resumes from the last progress.
      if (problem.status >= 500) throw error;
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

  async #putStep(line: Line): Promise<Step> {
    const { namespace } = this.#who;
    const value = await valueFrom(this.#service, namespace.settings.max_value_bytes, line);
    const expiry =
      line.expires_at == null ? expiryOf({}, namespace, this.#service.now()) : { at: Date.parse(line.expires_at) };
    const operation = { kind: "put", value, expiry, conditions: unconditional } as const;
    return { path: pathOf(namespace.name, line.key), epoch: namespace.epoch, operation };
  }

  /** A restore: the entry with its own version, merged. What merge could not order is refused. */
  async #restoreStep(line: Line): Promise<Step> {
    const { namespace } = this.#who;
    const version = line.version === undefined ? null : parseVersion(line.version);
    if (version === null) throw new Problem("bad-body", "expected a version in every line when versions are kept");
    if (line.kind === "counter")
      throw new Problem("bad-body", "counters cannot be restored from an export: it holds their sum, not their parts");
    if (milliseconds(version.time) > this.#service.now() + maxAhead)
      throw new Problem("bad-body", "the version is from the future");
    const path = pathOf(namespace.name, line.key);
    const value = await valueFrom(this.#service, namespace.settings.max_value_bytes, line);
    const expiresAt = line.expires_at == null ? null : Date.parse(line.expires_at);
    const entry: Entry = { kind: "value", version, seen: {}, ...value, expiresAt };
    const { stored } = await this.#service.reader.read(path);
    if (
      stored?.entry.kind === "value" &&
      compareVersions(stored.entry.version, version) === 0 &&
      !hasSameBytes(stored.entry, entry)
    ) {
      throw new Problem("bad-body", "the entry with this version has other bytes here");
    }
    const floor = await this.#service.store.floor();
    // In a namespace that is younger than the floor no deletion can have been forgotten: any version may come back.
    const isYoung = namespace.createdAt > milliseconds(floor);
    if (stored === null && version.time <= floor && !isYoung) {
      throw new Problem(
        "bad-body",
        "the version is older than what deletions are remembered for; import with new versions instead",
      );
    }
    return { path, epoch: namespace.epoch, operation: { kind: "restore", entry } };
  }
}

/** Milliseconds that a version may be ahead of this clock. */
const maxAhead = 5000;

function hasSameBytes(a: Extract<Entry, { kind: "value" }>, b: Extract<Entry, { kind: "value" }>): boolean {
  return (
    a.size === b.size &&
    a.blob === b.blob &&
    (a.body === null || b.body === null || Buffer.compare(a.body, b.body) === 0)
  );
}
