/** The API as tests of its guarantees need it: one request a call, never a silent retry. */
import { setTimeout as sleep } from "node:timers/promises";
import { adminKey } from "./service.ts";

export type Headers = Readonly<Record<string, string>>;
export type Found = { readonly value: string; readonly tag: string; readonly version: string };
export type Written = { readonly tag: string; readonly version: string; readonly status: number };

/** An answer that is not a success. `status` and `code` are those of the problem. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, problem: { code: string; detail: string }) {
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
    this.code = problem.code;
  }
}

/** Keys of a namespace, through the process at `url`. */
export class Kv {
  readonly url: string;
  /** Milliseconds after which a call is given up. */
  readonly timeout: number;
  readonly #onAnswer: (headers: Response["headers"]) => void;
  readonly namespace: string;
  /** Of reads that do not say otherwise. */
  readonly consistency: string;

  /** `onAnswer` hears the headers of every answer, problems too. */
  constructor(
    url: string,
    timeout = 10_000,
    onAnswer = (_headers: Response["headers"]) => {},
    namespace = "default",
    consistency = "local",
  ) {
    this.url = url;
    this.timeout = timeout;
    this.#onAnswer = onAnswer;
    this.namespace = namespace;
    this.consistency = consistency;
  }

  /** Read from the database unless `headers` say otherwise; null when absent. */
  async get(key: string, headers: Headers = { "KV-Consistency": this.consistency }): Promise<Found | null> {
    const response = await this.request("GET", `/${encodeURIComponent(key)}`, { headers });
    if (response === null) return null;
    return {
      value: await response.text(),
      tag: response.headers.get("ETag")!,
      version: response.headers.get("KV-Version")!,
    };
  }

  async put(key: string, value: string, headers: Headers = {}): Promise<Written> {
    return written(await this.request("PUT", `/${encodeURIComponent(key)}`, { headers, body: value }));
  }

  async delete(key: string, headers: Headers = {}): Promise<void> {
    await this.request("DELETE", `/${encodeURIComponent(key)}`, { headers });
  }

  async increment(key: string, headers: Headers = {}): Promise<number> {
    const response = await this.request("POST", `/${encodeURIComponent(key)}:increment`, { headers });
    return ((await response!.json()) as { value: number }).value;
  }

  /** Several operations together or not at all. Returns the tag of each. */
  async transact(operations: readonly object[], headers: Headers = {}): Promise<(string | undefined)[]> {
    const body = JSON.stringify({ operations });
    const response = await this.request("POST", ":transact", {
      headers: { ...headers, "Content-Type": "application/json" },
      body,
    });
    return ((await response!.json()) as { results: { etag?: string }[] }).results.map(({ etag }) => etag);
  }

  /** Null for 404. Throws an {@link ApiError} on other problems, and what `fetch` throws when there was no answer. */
  async request(method: string, path: string, init: { headers: Headers; body?: string }): Promise<Response | null> {
    const response = await fetch(`${this.url}/v1/kv/${this.namespace}${path}`, {
      method,
      ...init,
      headers: { Authorization: `Bearer ${adminKey}`, ...init.headers },
      signal: AbortSignal.timeout(this.timeout),
    });
    this.#onAnswer(response.headers);
    if (response.ok) return response;
    const problem = (await response.json()) as { code: string; detail: string };
    if (response.status === 404 && problem.code === "not-found") return null;
    throw new ApiError(response.status, problem);
  }
}

function written(response: Response | null): Written {
  return {
    tag: response!.headers.get("ETag")!,
    version: response!.headers.get("KV-Version")!,
    status: response!.status,
  };
}

/** Asks every `interval` milliseconds until the answer is true. Fails after `timeout`, saying what it waited for. */
export async function until(
  what: string,
  timeout: number,
  ask: () => Promise<boolean> | boolean,
  interval = 20,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
    await sleep(interval);
  }
}

/** Whether the process says that it can serve; false also when it does not answer. */
export async function isReady(metricsUrl: string): Promise<boolean> {
  return fetch(`${metricsUrl}/ready`, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );
}

/** The value of a metric without labels. */
export async function metric(metricsUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const value = new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no metric ${name}`);
  return Number(value);
}
