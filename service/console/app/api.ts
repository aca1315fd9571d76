/** The HTTP API as the console uses it. Every refusal is an `ApiError`, so views need one way to show what went wrong. */
import { clientRegion } from "./clouds/region.ts";
import { currentKey, signOut } from "./session.ts";
import type {
  ApiKey,
  Cluster,
  Conflict,
  CreatedApiKey,
  Namespace,
  NewApiKey,
  Page,
  Problem,
  Settings,
} from "./types.ts";

/** An answer that is no success. `status` 0: no answer came at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;
  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

export interface Call {
  method?: string;
  query?: Record<string, string | undefined>;
  headers?: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal | undefined;
}

/** The watermark of this tab's last write: reads that carry it see that write, whichever process or cloud answers. */
let session: string | null = null;

/** Sends a request with the tab's API key. Throws `ApiError` for anything but 2xx; aborts throw as `fetch` does. */
export async function call(path: string, { method = "GET", query = {}, headers = {}, body, signal }: Call = {}) {
  const sent = new Headers(headers);
  const key = currentKey();
  if (key) sent.set("authorization", `Bearer ${key}`);
  const region = clientRegion();
  if (region) sent.set("edge-region", region);
  // Who asks one cloud of a box wants to see what that one has, however old.
  const isPinned = sent.has("edge-cloud");
  if (session && !isPinned && path.startsWith("/v1/kv/")) sent.set("kv-session", session);
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const search = pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
  const request: RequestInit = { method, headers: sent, cache: "no-store", credentials: "omit" };
  if (body !== undefined) request.body = body;
  if (signal) request.signal = signal;
  let response: Response;
  try {
    response = await fetch(path + search, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { title: "The service does not answer" });
  }
  if (!response.ok) throw await refusal(response);
  if (method !== "GET" && method !== "HEAD" && !isPinned) session = response.headers.get("kv-session") ?? session;
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
  const problem: Partial<Problem> = isJson ? await response.json().catch(() => ({})) : {};
  problem.instance ??= response.headers.get("kv-request-id") ?? undefined;
  problem.retry_after ??= response.headers.get("retry-after") ?? undefined;
  if (response.status === 401) signOut("This API key is not accepted. It may be mistyped, expired or revoked.");
  return new ApiError(response.status, problem);
}

async function json<Shape>(path: string, request?: Call): Promise<Shape> {
  return (await call(path, request)).json();
}

const jsonBody = (value: unknown) => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

export function namespacePath(namespace: string): string {
  return `/v1/kv/${encodeURIComponent(namespace)}`;
}

/** Slashes are encoded too: URL parsers would otherwise eat segments like `..` out of the middle of a key. */
export function keyPath(namespace: string, key: string): string {
  if (key === "." || key === "..")
    throw new ApiError(0, {
      code: "unreachable-key",
      title: "Browsers cannot address this key",
      detail: `They take “${key}” for a folder. Use the command line: npx skykv get ${key}`,
    });
  return `${namespacePath(namespace)}/${encodeURIComponent(key)}`;
}

function pinned(cloud: string | undefined): Record<string, string> {
  return cloud === undefined ? {} : { "edge-cloud": cloud };
}

export const api = {
  list: (
    namespace: string,
    query: Record<"prefix" | "delimiter" | "cursor" | "limit", string | undefined>,
    signal?: AbortSignal,
  ) => json<Page>(namespacePath(namespace), { query, signal }),

  namespaces: async (signal?: AbortSignal) =>
    (await json<{ namespaces: Namespace[] }>("/v1/namespaces", { signal })).namespaces,
  putNamespace: (name: string, settings: Settings) =>
    call(`/v1/namespaces/${encodeURIComponent(name)}`, { method: "PUT", ...jsonBody(settings) }),
  deleteNamespace: (name: string, force: boolean) =>
    call(`/v1/namespaces/${encodeURIComponent(name)}`, { method: "DELETE", query: { force: force ? "1" : undefined } }),

  apiKeys: async (signal?: AbortSignal) => (await json<{ keys: ApiKey[] }>("/v1/keys", { signal })).keys,
  createApiKey: (key: NewApiKey) => json<CreatedApiKey>("/v1/keys", { method: "POST", ...jsonBody(key) }),
  revokeApiKey: (id: string) => call(`/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" }),

  /** `cloud`: as that cloud of a box sees it. */
  cluster: (signal?: AbortSignal, cloud?: string) => json<Cluster>("/v1/cluster", { signal, headers: pinned(cloud) }),
  conflicts: async (namespace: string, signal?: AbortSignal, cloud?: string) => {
    const path = `/v1/conflicts/${encodeURIComponent(namespace)}`;
    return (await json<{ conflicts: Conflict[] }>(path, { signal, headers: pinned(cloud) })).conflicts;
  },
};
