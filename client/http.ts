import { fromFailure, fromResponse, isTransient, SkyKVError } from "./errors.ts";
import { Session } from "./session.ts";
import type { Body } from "./value.ts";

/**
 * How fresh a read must be: `cached` may come from a cache of the answering cloud, at most 5 s old and normally
 * milliseconds; `local` comes from its database; `strong` from the namespace's home cloud, linearizable.
 */
export type Consistency = "cached" | "local" | "strong";

/** Where a write must be committed before it is answered: in this cloud, in one other cloud too, or in all of them. */
export type Durability = "local" | "peer" | "all";

export type SkyKVOptions = {
  /** Where the service is, for example `https://kv.example.com`. */
  url: string | URL;
  /**
   * An API key (`skykv_…`) or a JWT, or a function that gives one, called for each request. Without it only public
   * namespaces can be read.
   */
  key?: string | (() => string | Promise<string>) | undefined;
  /**
   * Seconds that a call may take, retries included; 30 unless told, `Infinity` for no bound. Streamed values, watches,
   * imports and exports are bounded until the answer begins, not after.
   */
  timeout?: number | undefined;
  /** How many times a call is tried again after a failure that may pass; 5 unless told. */
  retries?: number | undefined;
  /** For reads that do not say; otherwise the service's default holds: `cached`. */
  consistency?: Consistency | undefined;
  /** For writes that do not say; otherwise the namespace's default holds. */
  durability?: Durability | undefined;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch | undefined;
};

/** What every call takes. */
export type CallOptions = {
  /** Ends the call: its promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Seconds, instead of the client's `timeout`. */
  timeout?: number | undefined;
};

/** One request of the API. */
export type Call = {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Percent-encoded, from `/v1` on. */
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  headers?: Readonly<Record<string, string | undefined>> | undefined;
  body?: Body | undefined;
  /** Whether doing it twice is the same as doing it once. */
  repeatable: boolean;
};

const defaults = { timeout: 30, retries: 5 };

/** Sends requests: with credentials and session, within a deadline, again where that is safe. */
export class Transport {
  readonly session = new Session();
  readonly options: SkyKVOptions;
  readonly #base: string;

  constructor(options: SkyKVOptions) {
    this.options = options;
    const url = new URL(options.url);
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  }

  /**
   * Sends a request, again after failures that may pass, and gives what `read` makes of the answer. Both are within
   * the deadline. `read` sees statuses 2xx and 304; the others are thrown as a {@link SkyKVError}.
   */
  async send<T>(call: Call, options: CallOptions, read: (response: Response) => T | Promise<T>): Promise<T> {
    const repeatable = call.repeatable && (call.body?.replayable ?? true);
    const retries = repeatable ? (this.options.retries ?? defaults.retries) : 0;
    const deadline = new Deadline(options.timeout ?? this.options.timeout ?? defaults.timeout, options.signal);
    try {
      for (let failures = 0; ; failures++) {
        try {
          return await read(await this.#attempt(call, deadline.signal));
        } catch (error) {
          if (failures >= retries || !isTransient(error)) throw error;
          const pause = pauseAfter(failures, error);
          if (pause >= deadline.left()) throw error;
          await sleep(pause, deadline.signal);
        }
      }
    } catch (error) {
      throw deadline.reason(error);
    } finally {
      deadline.end();
    }
  }

  async #attempt(call: Call, signal: AbortSignal): Promise<Response> {
    const url = this.#url(call);
    const { token } = this.session;
    const headers = await this.#headers(call, token);
    const body = await openBody(call.body);
    const send = this.options.fetch ?? fetch;
    let response: Response;
    try {
      // Followed, a redirect would turn a PUT into a GET.
      response = await send(url, { method: call.method, headers, redirect: "manual", signal, ...body });
    } catch (cause) {
      throw fromFailure(cause, url);
    }
    const seen = response.headers.get("kv-session");
    // What a cache on the way may have kept can be older than what was sent.
    const isKept = response.headers.get("cache-control")?.includes("public");
    if (seen !== null) this.session.accept(seen, isKept ? null : token);
    if (response.ok || response.status === 304) return response;
    throw await fromResponse(response);
  }

  #url({ path, query = {} }: Call): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    return `${this.#base}${path}${search.size > 0 ? `?${search}` : ""}`;
  }

  async #headers(call: Call, token: string | null): Promise<Headers> {
    const headers = new Headers();
    for (const [name, value] of Object.entries(call.headers ?? {})) if (value !== undefined) headers.set(name, value);
    if (call.body && !headers.has("content-type")) headers.set("content-type", call.body.contentType);
    if (token !== null && /^\/v1\/(kv|export|import)\b/.test(call.path)) headers.set("kv-session", token);
    const { key } = this.options;
    if (key !== undefined) headers.set("authorization", `Bearer ${typeof key === "function" ? await key() : key}`);
    return headers;
  }
}

async function openBody(body: Body | undefined): Promise<RequestInit> {
  if (!body) return {};
  if (!body.streams) return { body: body.open() };
  // Browsers upload no streams, or only over HTTP/2.
  if ("document" in globalThis) return { body: await new Response(body.open()).blob() };
  return { body: body.open(), duplex: "half" } as RequestInit;
}

/** The time that a call has, and its two ways of ending early told apart. */
class Deadline {
  readonly signal: AbortSignal;
  readonly #seconds: number;
  readonly #user: AbortSignal | undefined;
  readonly #over = new AbortController();
  readonly #ends: number;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number, user: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#user = user;
    this.#ends = performance.now() + seconds * 1000;
    // Timers end at once beyond 2^31 ms.
    if (seconds < 2_000_000) this.#timer = setTimeout(() => this.#over.abort(), seconds * 1000);
    this.signal = user ? AbortSignal.any([user, this.#over.signal]) : this.#over.signal;
  }

  /** Seconds. */
  left(): number {
    return (this.#ends - performance.now()) / 1000;
  }

  /** What really happened when `error` was caught. */
  reason(error: unknown): unknown {
    if (this.#user?.aborted) return this.#user.reason;
    if (!this.#over.signal.aborted) return error;
    return new SkyKVError("timeout", `no answer within ${this.#seconds} s`, { cause: error });
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Seconds: the first pause is at most `first`, each further one at most twice the last, none above `most`. */
const backoff = { first: 0.1, most: 5 };

/** Seconds to wait after the failure of that number, from 0: random, so that clients do not come back together. */
export function pauseAfter(failures: number, error: unknown): number {
  const asked = error instanceof SkyKVError ? (error.retryAfter ?? 0) : 0;
  return asked + Math.random() * Math.min(backoff.most, backoff.first * 2 ** failures);
}

/** Rejects with the signal's reason when that comes first. */
export function sleep(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

export async function readBytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw fromFailure(cause, response.url);
  }
}

export async function readJson<T>(response: Response): Promise<T> {
  const text = new TextDecoder().decode(await readBytes(response));
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new SkyKVError("unexpected-answer", `expected JSON, found ${JSON.stringify(text.slice(0, 100))}`, { cause });
  }
}

/** Ends an answer without a body of interest, so that its connection serves the next request. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** Lines of a stream, without their line feeds; the last one also when it has none. Ends the stream when left early. */
export async function* linesOf(response: Response): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  // Joined once a line is whole: one may have many megabytes.
  let begun: string[] = [];
  for await (const chunk of chunksOf(response)) {
    const [end, ...lines] = decoder.decode(chunk, { stream: true }).split("\n");
    begun.push(end!);
    for (const next of lines) {
      yield begun.join("");
      begun = [next];
    }
  }
  const last = begun.join("");
  if (last !== "") yield last;
}

/** A line of JSON Lines. */
export function parseLine<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    // A connection that breaks tears a line.
    throw new SkyKVError("unreachable", `the answer ended within a line: ${JSON.stringify(text.slice(0, 100))}`, {
      cause,
    });
  }
}

/** Seconds without a byte after which a connection counts as dead; where nothing happens the service says so every 15 s. */
const silence = 45;

/** Chunks of a body. Not `for await` on the stream: Safari has no such thing. Ends the stream when left early. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), response.url);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function withinSilence<T>(read: Promise<T>, url: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${silence} s`)), silence * 1000);
  });
  try {
    return await Promise.race([read, silent]);
  } catch (cause) {
    throw fromFailure(cause, url);
  } finally {
    clearTimeout(timer);
  }
}
