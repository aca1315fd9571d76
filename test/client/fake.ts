import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SkyKV, type SkyKVOptions } from "../../client/client.ts";

/** A request as it came over the wire. */
export type Seen = {
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type Fake = {
  readonly url: string;
  /** All requests so far. */
  readonly seen: Seen[];
  client(options?: Partial<SkyKVOptions>): SkyKV;
  close(): Promise<void>;
};

/** A service that answers as the test says; requests are handed over with their whole body. */
export async function startFake(
  answer: (request: Seen, response: ServerResponse, count: number) => unknown,
): Promise<Fake> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const target = request.url!;
    const { pathname, searchParams } = new URL(target, "http://fake");
    const entry = {
      method: request.method!,
      target,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    seen.push(entry);
    await answer(entry, response, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    seen,
    client: (options = {}) => new SkyKV({ url, key: "skykv_test", ...options }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { "content-type": "application/json", "kv-request-id": "r-1", ...headers })
    .end(JSON.stringify(body));
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  members: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): void {
  const body = {
    type: `urn:skykv:problem:${code}`,
    title: "A problem",
    status,
    code,
    detail: "what to do",
    instance: "r-1",
    ...members,
  };
  json(response, body, status, { "content-type": "application/problem+json", ...headers });
}

/** An answer to a read or write of an entry. */
export function entry(
  response: ServerResponse,
  status: number,
  value = "",
  headers: Record<string, string> = {},
): void {
  const facts = {
    etag: '"019aa3b1c5e20000-local"',
    "kv-version": "019aa3b1c5e20000-local",
    "kv-origin": "local",
    "kv-updated-at": "2026-11-21T09:30:00.000Z",
    "kv-request-id": "r-1",
  };
  response.writeHead(status, { ...facts, ...headers }).end(status === 204 ? undefined : value);
}

/** An entry as JSON answers hold it. */
export function wireEntry(key: string, value?: string) {
  return {
    key,
    kind: "value",
    version: "019aa3b1c5e20000-local",
    etag: "019aa3b1c5e20000-local",
    origin: "local",
    updated_at: "2026-11-21T09:30:00.000Z",
    expires_at: null,
    size: value?.length ?? 0,
    content_type: "text/plain",
    content_encoding: null,
    meta: null,
    ...(value !== undefined && { value, encoding: "utf8" }),
  };
}

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of source) taken.push(item);
  return taken;
}
