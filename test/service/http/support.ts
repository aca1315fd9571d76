import assert from "node:assert/strict";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../service/config.ts";
import { type Io, type Running, startService } from "../../../service/main.ts";
import type { Store } from "../../../service/store/port.ts";
import { adminKey, startTestService, type TestService } from "../../support/service.ts";

/** The service's two clocks, which run on as they do outside until a test stops them or moves them forward. */
export class TestClock {
  #ahead = 0;
  #stoppedAt: number | null = null;

  readonly now = (): number =>
    (this.#stoppedAt ?? Math.floor(performance.timeOrigin + performance.now())) + this.#ahead;
  /** In step with `now`, so that the service sees no skew. */
  readonly monotonic = (): number => this.now() - performance.timeOrigin;

  stop(): void {
    this.#stoppedAt ??= Math.floor(performance.timeOrigin + performance.now());
  }

  /** Never goes back: what passed while it stood still is made up for by the real clock. */
  go(): void {
    this.#stoppedAt = null;
  }

  advance(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

/** Puts a service under `clock`; `change` may do something to its store. */
export function clockIo(clock: TestClock, change: (store: Store) => Store = (store) => store): Partial<Io> {
  // The database seems to have that clock too, else the service would see a skew; at once, however far the clock jumps.
  const probe = async () => ({
    databaseNow: clock.now(),
    localNow: clock.now(),
    transaction: 1,
    horizon: 1,
    drained: false,
  });
  return { now: clock.now, monotonic: clock.monotonic, around: (store) => change({ ...store, probe }) };
}

export type Body = string | Uint8Array | AsyncIterable<Uint8Array>;
export type Asked = {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Body;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** API key; the admin's unless given. Null: none. */
  readonly key?: string | null;
};

export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, body: Buffer) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get text(): string {
    return this.body.toString();
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect to be there.
  get json(): any {
    return JSON.parse(this.text);
  }

  /** Lines of JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  get lines(): any[] {
    return this.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  /** The version as entity tags hold it, without quotes. */
  get etag(): string {
    return String(this.headers.etag).slice(1, -1);
  }
}

/** HTTP requests to one service, with the request target as it is: no normalisation of dots, slashes or escapes. */
export class Api {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  static #namespaces = 0;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  get port(): number {
    return Number(this.#url.port);
  }

  /** Sends `METHOD target` and reads the whole answer. */
  send(line: string, { headers = {}, body, json, key = adminKey }: Asked = {}): Promise<Answer> {
    const [method, target] = line.split(" ", 2) as [string, string];
    const content = json === undefined ? body : JSON.stringify(json);
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        agent: this.#agent,
        host: this.#url.hostname,
        port: this.#url.port,
        method,
        path: target,
        headers: {
          ...(key !== null && { Authorization: `Bearer ${key}` }),
          ...(json !== undefined && { "Content-Type": "application/json" }),
          ...((typeof content === "string" || content instanceof Uint8Array) && {
            "Content-Length": String(Buffer.byteLength(content)),
          }),
          ...headers,
        },
      });
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve(new Answer(response.statusCode!, response.headers, Buffer.concat(chunks))));
      });
      request.on("error", reject);
      if (content === undefined || typeof content === "string" || content instanceof Uint8Array) request.end(content);
      // Errors of the request are told by its own event.
      else pipeline(content, request).catch(() => {});
    });
  }

  /** Makes a namespace of its own for a test. */
  async namespace(settings: Record<string, unknown> = {}): Promise<string> {
    const name = `test-${++Api.#namespaces}`;
    const { status } = await this.send(`PUT /v1/namespaces/${name}`, { json: settings });
    assert.equal(status, 201);
    return name;
  }

  /** Makes an API key with these scopes. */
  async apiKey(...scopes: string[]): Promise<string> {
    const { status, json } = await this.send("POST /v1/keys", { json: { name: "test", scopes } });
    assert.equal(status, 201);
    return json.key;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Fails unless the answer is that problem, told as RFC 9457 wants it. Returns its members. */
export function expectProblem(answer: Answer, status: number, code: string): Record<string, unknown> {
  assert.equal(`${answer.status} ${answer.headers["content-type"]}`, `${status} application/problem+json`, answer.text);
  const { json } = answer;
  assert.equal(json.code, code, json.detail);
  assert.equal(json.status, status);
  assert.equal(json.type, `urn:skykv:problem:${code}`);
  assert.equal(json.instance, answer.headers["kv-request-id"]);
  assert.ok(json.title.length > 0 && json.detail.length > 0);
  return json;
}

/** Waits until `holds` gives something that is true, and returns that; fails after `patience` milliseconds. */
export async function eventually<T>(
  what: string,
  holds: () => Promise<T> | T,
  patience = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + patience;
  for (;;) {
    const found = await holds();
    if (found) return found as NonNullable<T>;
    if (performance.now() > end) assert.fail(`waited in vain until ${what}`);
    await sleep(5);
  }
}

const clock = new TestClock();
let running: Promise<{ service: TestService; api: Api }> | null = null;

/** The service that the tests of this folder share: each works in a namespace of its own. Ends after the last test. */
export function sharedService() {
  before(async () => {
    running ??= startTestService({ SHUTDOWN_TIMEOUT_MS: "2000" }, clockIo(clock)).then((service) => ({
      service,
      api: new Api(service.url),
    }));
    Object.assign(shared, await running);
  });
  afterEach(() => clock.go());
  return shared;
}

/** One more process of the same cloud, configured otherwise; whoever starts it closes it. */
export function startBeside(
  environment: Record<string, string>,
  io: Partial<Io> = clockIo(clock),
  postgres = shared.service.postgres,
): Promise<Running> {
  const config = readConfig({
    DATABASE_URL: postgres.url,
    BLOBS_DIR: join(dirname(postgres.directory), "blobs"),
    PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_TIMEOUT_MS: "2000",
    LOG_LEVEL: "error",
    ...environment,
  });
  return startService(config, io);
}

const shared = { clock } as { readonly clock: TestClock; readonly service: TestService; readonly api: Api };

after(async () => {
  if (running === null) return;
  const { service, api } = await running;
  api.close();
  await service.close();
});
