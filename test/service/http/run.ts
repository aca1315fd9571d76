import assert from "node:assert/strict";
import {
  type Condition,
  type Expiry,
  Model,
  type ModelSettings,
  type Operation,
  type Outcome,
  read,
  type State,
} from "../../support/model.ts";
import { type Command, values, type Wanted, type Wish } from "./commands.ts";
import { type Answer, type Api, eventually, type TestClock } from "./support.ts";

/** Milliseconds that a cached read may be behind while no other process tells of its writes (`service/cache/port.ts`). */
const maxAgeDeaf = 1000;
/** A version that nothing ever has. */
const foreign = "0000000000000001-elsewhere";

export type Processes = {
  readonly apis: readonly Api[];
  readonly clock: TestClock;
  /** A step of the reaper. */
  readonly reap: () => Promise<void>;
  /** Milliseconds that a watcher may take to hear of the last change. */
  readonly patience: number;
};

type Request = { readonly line: string; readonly headers: Record<string, string>; readonly body: string };
type Given = { readonly request: Request; readonly answer: Answer };

/** One namespace of the service and its model, side by side. */
export class Run {
  readonly #processes: Processes;
  readonly #ns: string;
  readonly #model: Model;
  readonly #cursor: string;
  readonly #tags = new Map<string, string[]>();
  readonly #versions = new Map<string, string>();
  /** First answers to requests with an Idempotency-Key, by what the key belongs to. */
  readonly #given = new Map<string, Given>();
  #session = "";
  #list: {
    prefix: string;
    delimiter: string | null;
    limit: number;
    after: string | null;
    cursor: string | null;
  } | null = null;

  private constructor(processes: Processes, ns: string, settings: ModelSettings, cursor: string) {
    this.#processes = processes;
    this.#ns = ns;
    this.#model = new Model(settings, processes.clock.now);
    this.#cursor = cursor;
  }

  static async start(processes: Processes, settings: ModelSettings): Promise<Run> {
    const api = processes.apis[0]!;
    const ns = await api.namespace({
      require_condition: settings.requireCondition,
      default_ttl: settings.defaultTtl === null ? null : settings.defaultTtl / 1000,
    });
    const { cursor } = (await api.send(`GET /v1/kv/${ns}:watch?wait=0`)).json;
    return new Run(processes, ns, settings, cursor);
  }

  async do(command: Command): Promise<void> {
    switch (command.do) {
      case "write":
        return this.#write(command.via, command.wanted, command.once);
      case "read":
        return this.#read(command);
      case "batch":
      case "transact":
        return this.#together(command);
      case "again": {
        const all = [...this.#given.values()];
        const given = all[command.which % Math.max(1, all.length)];
        if (given !== undefined) assertReplayed(await this.#ask(command.via, given.request), given.answer);
        return;
      }
      case "list":
        this.#list = {
          prefix: command.prefix,
          delimiter: command.delimiter,
          limit: command.limit,
          after: null,
          cursor: null,
        };
        return this.#page(command.via, command.values);
      case "next page":
        if (this.#list?.cursor != null) await this.#page(command.via, false);
        return;
      case "clear":
        return this.#clear(command.via, command.prefix);
      case "wait":
        return this.#wait(command.milliseconds);
      case "reap":
        return this.#processes.reap();
    }
  }

  /** What must hold at the end: all is as the model says, and a watcher who saw everything knows it. */
  async finish(): Promise<void> {
    const api = this.#processes.apis[0]!;
    for (const key of this.#tags.keys()) {
      const answer = await api.send(`GET ${this.#target(key)}`, { headers: { "KV-Consistency": "local" } });
      assert.deepEqual(seen(answer), expected(read(this.#model.at(key), {})));
    }
    await this.#watch();
    assert.equal((await api.send(`DELETE /v1/namespaces/${this.#ns}?force=1`)).status, 204);
  }

  #target(key: string): string {
    return `/v1/kv/${this.#ns}/${encodeURIComponent(key)}`;
  }

  async #ask(via: number, { line, headers, body }: Request): Promise<Answer> {
    const session: Record<string, string> = this.#session === "" ? {} : { "KV-Session": this.#session };
    const answer = await this.#processes.apis[via]!.send(line, { headers: { ...session, ...headers }, body });
    if (answer.headers["kv-session"] !== undefined) this.#session = String(answer.headers["kv-session"]);
    return answer;
  }

  async #write(via: number, wanted: Wanted, once: string | null): Promise<void> {
    const { key } = wanted;
    const { condition, headers, query } = this.#resolve(wanted.wish, key);
    const operation = operationOf(wanted, condition);
    const request = requestOf(this.#target(key), wanted, headers, query, once);
    const outcome = this.#model.outcome(operation);
    const name = `${request.line.split(" ")[0]} ${wanted.op} ${key} ${once}`;
    const answer = await this.#ask(via, request);
    if (once !== null && outcome.status !== 428) {
      const given = this.#given.get(name);
      if (given !== undefined)
        return isSame(given.request, request) ? assertReplayed(answer, given.answer) : assertMismatch(answer);
      this.#given.set(name, { request, answer });
    }
    assert.deepEqual([answer.status, codeOf(answer)], [outcome.status, outcome.code ?? null], answer.text);
    if (outcome.status === 412) assert.equal(answer.json.current, outcome.state?.tag ?? null);
    if (!outcome.wrote) return;
    if (wanted.op === "increment") assert.equal(String(answer.json.value), outcome.state!.value);
    assert.equal(answer.headers["kv-updated-at"], timestamp(this.#processes.clock.now()));
    assert.equal(answer.headers["kv-expires-at"], timestamp(outcome.state?.expiresAt ?? null));
    this.#learn(key, outcome, answer.etag, String(answer.headers["kv-version"]));
  }

  async #read({ via, key, wish, head, fresh }: Extract<Command, { do: "read" }>): Promise<void> {
    const { condition, headers } = this.#resolve(wish.startsWith("version") ? "none" : wish, key);
    const line = `${head ? "HEAD" : "GET"} ${this.#target(key)}`;
    const api = this.#processes.apis[via]!;
    const level: Record<string, string> = fresh === "local" ? { "KV-Consistency": "local" } : {};
    const answer =
      fresh === "session"
        ? await this.#ask(via, { line, headers, body: "" })
        : await api.send(line, { headers: { ...headers, ...level } });
    const states = fresh === "cached" ? this.#model.since(key, maxAgeDeaf) : [this.#model.at(key)];
    const allowed = states.map((state) => expected(read(state, condition), head));
    const found = JSON.stringify(seen(answer, head));
    if (!allowed.some((one) => JSON.stringify(one) === found)) assert.deepEqual(seen(answer, head), allowed.at(-1));
  }

  async #together({ do: how, via, wanted, once }: Extract<Command, { do: "batch" | "transact" }>): Promise<void> {
    const operations = wanted.map((one) => {
      const { condition } = this.#resolve(one.op === "get" || one.op === "increment" ? "none" : one.wish, one.key);
      return operationOf(one, condition);
    });
    const body = JSON.stringify({ operations: operations.map(jsonOf) });
    const headers: Record<string, string> = {
      "Content-Type": "application/json",
      ...(once !== null && { "Idempotency-Key": once }),
    };
    const request = { line: `POST /v1/kv/${this.#ns}:${how}`, headers, body };
    const answer = await this.#ask(via, request);

    if ((how === "transact" || once !== null) && new Set(wanted.map(({ key }) => key)).size < wanted.length) {
      assert.deepEqual([answer.status, codeOf(answer)], [400, "duplicate-key"]);
      return;
    }
    const outcomes = () => operations.map((operation) => this.#model.outcome(operation));
    const missing = how === "transact" ? outcomes().findIndex(({ status }) => status === 428) : -1;
    if (missing !== -1) {
      assert.deepEqual([answer.status, codeOf(answer), answer.json.index], [428, "condition-required", missing]);
      return;
    }
    if (once !== null) {
      const given = this.#given.get(`${how} ${once}`);
      if (given !== undefined)
        return given.request.body === body ? assertReplayed(answer, given.answer) : assertMismatch(answer);
      this.#given.set(`${how} ${once}`, { request, answer });
    }
    if (how === "transact") {
      const failed = outcomes().findIndex(({ code }, i) => code !== undefined && operations[i]!.op !== "get");
      if (failed !== -1) {
        const { status, code, state } = outcomes()[failed]!;
        assert.deepEqual([answer.status, codeOf(answer), answer.json.index], [status, code, failed], answer.text);
        if (status === 412) assert.equal(answer.json.current, state?.tag ?? null);
        return;
      }
    }
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.results.length, operations.length);
    for (const [i, operation] of operations.entries()) {
      const result = answer.json.results[i];
      // One behind the other: the next may concern the same key.
      const outcome = this.#model.outcome(operation);
      assert.deepEqual(
        [result.op, result.key, result.status],
        [operation.op, operation.key, outcome.status],
        JSON.stringify(result),
      );
      if (operation.op !== "get") assert.equal(result.problem?.code, outcome.code);
      if (outcome.status === 412) assert.equal(result.problem.current, outcome.state?.tag ?? null);
      if (operation.op === "get" && outcome.status === 200)
        assert.deepEqual(listed(result.entry), entryOf(operation.key, outcome.state!, true));
      if (operation.op === "increment" && outcome.wrote) assert.equal(String(result.value), outcome.state!.value);
      if (outcome.wrote) this.#learn(operation.key, outcome, result.etag, result.version);
    }
  }

  async #page(via: number, values: boolean): Promise<void> {
    const list = this.#list!;
    const query = new URLSearchParams({ limit: String(list.limit), prefix: list.prefix });
    if (list.delimiter !== null) query.set("delimiter", list.delimiter);
    if (list.cursor !== null) query.set("cursor", list.cursor);
    if (values) query.set("values", "1");
    const answer = await this.#ask(via, { line: `GET /v1/kv/${this.#ns}?${query}`, headers: {}, body: "" });
    assert.equal(answer.status, 200, answer.text);
    const { items, more } = this.#model.page(list.prefix, list.delimiter, list.after, list.limit);
    const entries = items.flatMap((item) => ("key" in item ? [entryOf(item.key, item.state, values)] : []));
    assert.deepEqual(answer.json.entries.map(listed), entries);
    assert.deepEqual(
      answer.json.prefixes,
      items.flatMap((item) => ("prefix" in item ? [item.prefix] : [])),
    );
    assert.equal(answer.json.cursor !== null, more, "a cursor when there is more");
    const last = items.at(-1);
    list.after = last === undefined ? list.after : "key" in last ? last.key : last.prefix;
    list.cursor = answer.json.cursor;
  }

  async #clear(via: number, prefix: string): Promise<void> {
    const answer = await this.#ask(via, {
      line: `DELETE /v1/kv/${this.#ns}?${new URLSearchParams({ prefix })}`,
      headers: {},
      body: "",
    });
    if (this.#model.outcome({ op: "delete", key: prefix, condition: {} }).status === 428) {
      assert.equal(answer.status, 428);
      return;
    }
    const keys = this.#model.keys.filter((key) => key.startsWith(prefix));
    const [{ session, ...end }, ...more] = answer.lines;
    assert.deepEqual([end, more], [{ type: "end", deleted: keys.length }, []]);
    this.#session = session;
    for (const key of keys) this.#model.apply(key, { status: 204, state: null, wrote: true }, "");
  }

  #wait(milliseconds: number | "until something expires" | "until just before"): void {
    const { clock } = this.#processes;
    const left = (this.#model.nextExpiry ?? clock.now()) - clock.now();
    if (milliseconds === "until something expires") clock.advance(left);
    else if (milliseconds === "until just before") clock.advance(Math.max(0, left - 1));
    else clock.advance(milliseconds);
  }

  #learn(key: string, outcome: Outcome, tag: string, version: string): void {
    const last = this.#versions.get(key) ?? "";
    assert.ok(version > last, `the version of ${key} went from ${last} to ${version}`);
    this.#versions.set(key, version);
    this.#tags.set(key, [...(this.#tags.get(key) ?? []), tag]);
    this.#model.apply(key, outcome, tag);
  }

  async #watch(): Promise<void> {
    const last = new Map<string, { type: string; version: string }>();
    let cursor = this.#cursor;
    const knows = (key: string) => {
      const state = this.#model.at(key);
      const event = last.get(key);
      if (state === null)
        return event === undefined || event.type === "delete" || event.version <= this.#versions.get(key)!;
      return event?.type === "put" && event.version === this.#versions.get(key);
    };
    await eventually(
      "a watcher knows the last state of every key",
      async () => {
        const page = (await this.#processes.apis[1]!.send(`GET /v1/kv/${this.#ns}:watch?wait=0&since=${cursor}`)).json;
        cursor = page.cursor;
        for (const { key, type, version } of page.events) {
          const before = last.get(key)?.version ?? "";
          assert.ok(version >= before, `an event of ${key} is older than the one before: ${version}, ${before}`);
          last.set(key, { type, version });
        }
        return [...this.#versions.keys()].every(knows);
      },
      this.#processes.patience,
    );
  }

  /** The tags that a wish means now, for the model and for the wire. */
  #resolve(
    wish: Wish,
    key: string,
  ): { condition: Condition; headers: Record<string, string>; query: Record<string, string> } {
    const current = this.#model.at(key)?.tag ?? foreign;
    const tags = this.#tags.get(key) ?? [];
    const old = tags.find((tag) => tag !== current) ?? foreign;
    const match = (...list: string[]) => ({
      condition: { ifMatch: list },
      headers: { "If-Match": list.map((tag) => `"${tag}"`).join(", ") },
      query: {},
    });
    const noneMatch = (tag: string) => ({
      condition: { ifNoneMatch: [tag] },
      headers: { "If-None-Match": `W/"${tag}"` },
      query: {},
    });
    switch (wish) {
      case "none":
        return { condition: {}, headers: {}, query: {} };
      case "exists":
        return { condition: { ifMatch: "*" }, headers: { "If-Match": "*" }, query: {} };
      case "absent":
        return { condition: { ifNoneMatch: "*" }, headers: { "If-None-Match": "*" }, query: {} };
      case "current":
        return match(current);
      case "old":
        return match(old);
      case "listed":
        return match(foreign, current);
      case "weak":
        return { condition: { ifMatch: [foreign] }, headers: { "If-Match": `W/"${current}"` }, query: {} };
      case "not current":
        return noneMatch(current);
      case "not old":
        return noneMatch(old);
      case "both":
        return {
          condition: { ifMatch: [current], ifNoneMatch: [old] },
          headers: { "If-Match": `"${current}"`, "If-None-Match": `"${old}"` },
          query: {},
        };
      case "version":
        return { condition: { ifMatch: [current] }, headers: {}, query: { if_version: current } };
      case "version old":
        return { condition: { ifMatch: [old] }, headers: {}, query: { if_version: old } };
      case "version none":
        return { condition: { ifNoneMatch: "*" }, headers: {}, query: { if_version: "none" } };
    }
  }
}

function operationOf(wanted: Wanted, condition: Condition): Operation {
  return wanted.op === "put" ? { ...wanted, value: values[wanted.value], condition } : { ...wanted, condition };
}

function requestOf(
  target: string,
  wanted: Wanted,
  conditions: Record<string, string>,
  query: Record<string, string>,
  once: string | null,
): Request {
  const parameters = { ...query, ...("expiry" in wanted ? expiryQuery(wanted.expiry) : {}) };
  const question = Object.keys(parameters).length === 0 ? "" : `?${new URLSearchParams(parameters)}`;
  const headers = { ...conditions, ...(once !== null && { "Idempotency-Key": once }) };
  switch (wanted.op) {
    case "put": {
      const facts = {
        ...(wanted.contentType && { "Content-Type": wanted.contentType }),
        ...(wanted.meta && { "KV-Meta": wanted.meta }),
      };
      return { line: `PUT ${target}${question}`, headers: { ...headers, ...facts }, body: values[wanted.value] };
    }
    case "delete":
      return { line: `DELETE ${target}${question}`, headers, body: "" };
    case "increment":
      return { line: `POST ${target}:increment${question}`, headers, body: JSON.stringify({ by: wanted.by }) };
    case "touch":
      return { line: `POST ${target}:touch${question}`, headers, body: "" };
    default:
      throw new Error(`${wanted.op} is no request of its own`);
  }
}

function expiryQuery(expiry: Expiry): Record<string, string> {
  if (expiry === "default") return {};
  if (expiry === "keep") return { keep_ttl: "1" };
  return { ttl: expiry === "none" ? "none" : String(expiry / 1000) };
}

/** An operation as batches and transactions carry it. */
function jsonOf(operation: Operation): Record<string, unknown> {
  const { op, key, condition } = operation;
  const conditions = {
    ...(condition.ifMatch && { if_match: condition.ifMatch }),
    ...(condition.ifNoneMatch && { if_none_match: condition.ifNoneMatch }),
  };
  const expiry = "expiry" in operation ? operation.expiry : "default";
  const timing =
    expiry === "default"
      ? {}
      : expiry === "keep"
        ? { keep_ttl: true }
        : { ttl: expiry === "none" ? "none" : expiry / 1000 };
  if (op === "get") return { op, key };
  if (op === "increment") return { op, key, by: operation.by };
  if (op !== "put") return { op, key, ...conditions, ...timing };
  const { value, contentType, meta } = operation;
  return {
    op,
    key,
    value,
    content_type: contentType,
    meta: meta === null ? null : JSON.parse(meta),
    ...timing,
    ...conditions,
  };
}

/** What matters of an answer to a read. */
function seen(answer: Answer, head = false) {
  const { status, headers } = answer;
  if (status !== 200 && status !== 304) {
    return {
      status,
      code: head ? null : codeOf(answer),
      current: !head && status === 412 ? answer.json.current : null,
    };
  }
  const tag = answer.etag;
  if (status === 304) return { status, tag };
  return {
    status,
    tag,
    kind: headers["kv-kind"] ?? "value",
    value: head ? null : answer.text,
    size: headers["content-length"],
    contentType: headers["content-type"],
    meta: headers["kv-meta"] ?? null,
    expires: headers["kv-expires-at"] ?? null,
  };
}

function expected({ status, code, state }: Outcome, head = false): ReturnType<typeof seen> {
  if (status !== 200 && status !== 304) {
    return { status, code: head ? null : code!, current: !head && status === 412 ? (state?.tag ?? null) : null };
  }
  const { tag, kind, value, contentType, meta, expiresAt } = state!;
  if (status === 304) return { status, tag };
  return {
    status,
    tag,
    kind,
    value: head ? null : value,
    size: String(Buffer.byteLength(value)),
    contentType: contentType ?? "application/octet-stream",
    meta,
    expires: timestamp(expiresAt) ?? null,
  };
}

/** What matters of an entry in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of an answer.
function listed({ key, kind, etag, expires_at, size, content_type, meta, value, encoding }: any) {
  return { key, kind, etag, expires_at, size, content_type, meta, ...(value !== undefined && { value, encoding }) };
}

function entryOf(
  key: string,
  { kind, tag, value, contentType, meta, expiresAt }: State,
  withValue: boolean,
): ReturnType<typeof listed> {
  return listed({
    key,
    kind,
    etag: tag,
    expires_at: timestamp(expiresAt) ?? null,
    size: Buffer.byteLength(value),
    content_type: contentType ?? "application/octet-stream",
    meta: meta === null ? null : JSON.parse(meta),
    ...(withValue && { value, encoding: "utf8" }),
  });
}

function timestamp(time: number | null): string | undefined {
  return time === null ? undefined : new Date(time).toISOString();
}

function codeOf(answer: Answer): string | null {
  return answer.status >= 400 ? answer.json.code : null;
}

function isSame(a: Request, b: Request): boolean {
  return a.line === b.line && a.body === b.body && JSON.stringify(a.headers) === JSON.stringify(b.headers);
}

function assertMismatch(answer: Answer): void {
  assert.deepEqual([answer.status, codeOf(answer)], [422, "idempotency-mismatch"]);
}

function assertReplayed(again: Answer, first: Answer): void {
  const facts = ({ status, headers, text }: Answer) => {
    const { instance: _, ...body } = text === "" ? {} : JSON.parse(text);
    return [status, headers.etag, headers["kv-version"], headers["kv-updated-at"], headers["kv-expires-at"], body];
  };
  assert.deepEqual(facts(again), facts(first).with(-1, keptOf(facts(first).at(-1))));
  assert.equal(again.headers["idempotency-replayed"], "true");
}

/** Values of entries that a request has read are kept for its retries up to this size in all: see `docs/api.md`. */
const keptBytes = 64 * 1024;
/** Larger ones are blobs, and read again. */
const inlineBytes = 2 ** 20;

/** What is kept of an answer: of values read, those that fit. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of an answer.
function keptOf(body: any): any {
  if (body.results === undefined) return body;
  let left = keptBytes;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer.
  const results = body.results.map((result: any) => {
    const { value, encoding, ...facts } = result.entry ?? {};
    if (result.op !== "get" || value === undefined || facts.kind !== "value" || facts.size > inlineBytes) return result;
    left -= facts.size;
    return left >= 0 ? result : { ...result, entry: { ...facts, omitted: true } };
  });
  return { ...body, results };
}
