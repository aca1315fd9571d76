/** The API from outside of the browser: what tests prepare, change behind the user's back, and look up afterwards. */
import assert from "node:assert/strict";

export interface Store {
  put(
    key: string,
    value: string | Uint8Array<ArrayBuffer>,
    contentType?: string,
    more?: Record<string, string>,
  ): Promise<void>;
  /** Many small text values at once. */
  putAll(keys: readonly string[]): Promise<void>;
  get(key: string): Promise<Response>;
  text(key: string): Promise<string>;
  delete(key: string): Promise<void>;
  increment(key: string, by: number): Promise<void>;
}

/** A new namespace of the service at `url`. */
export async function newNamespace(url: string, key: string, name: string, settings: object = {}): Promise<Store> {
  const headers = { authorization: `Bearer ${key}` };
  const call = async (
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    more: Record<string, string> = {},
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...headers, ...more },
      ...(body !== undefined && { body }),
    });
    assert.ok(
      response.ok || response.status === 404,
      `${method} ${path}: ${response.status} ${response.ok ? "" : await response.clone().text()}`,
    );
    return response;
  };
  const path = (entry: string) => `/v1/kv/${name}/${encodeURIComponent(entry)}`;
  const json = { "content-type": "application/json" };
  await call("PUT", `/v1/namespaces/${name}`, JSON.stringify(settings), json);
  const get = (entry: string) => call("GET", path(entry), undefined, { "kv-consistency": "local" });
  return {
    put: async (entry, value, contentType = "text/plain; charset=utf-8", more = {}) => {
      await call("PUT", path(entry), value, { "content-type": contentType, ...more });
    },
    putAll: async (keys) => {
      for (let i = 0; i < keys.length; i += 1000) {
        const operations = keys
          .slice(i, i + 1000)
          .map((entry) => ({ op: "put", key: entry, value: entry, content_type: "text/plain" }));
        await call("POST", `/v1/kv/${name}:batch`, JSON.stringify({ operations }), json);
      }
    },
    get,
    text: async (entry) => (await get(entry)).text(),
    delete: async (entry) => {
      await call("DELETE", path(entry));
    },
    increment: async (entry, by) => {
      await call("POST", `${path(entry)}:increment`, JSON.stringify({ by }), json);
    },
  };
}
