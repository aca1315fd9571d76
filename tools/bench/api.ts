import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Answer, Answers } from "./bare.ts";
import { keyOf, namespace, seededKeys, valueFor } from "./workloads.ts";

/** What a bench asks of the service besides the load. */
export class Api {
  readonly #url: string;
  readonly #authorization: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#authorization = `Bearer ${key}`;
  }

  /** With the highest rate limit that there is: every request is counted against it and told, and none is refused. */
  async createNamespace(): Promise<void> {
    const settings = { rate_limit: { requests: 1_000_000, seconds: 1 } };
    await this.#send("PUT", `/v1/namespaces/${namespace}`, "application/json", JSON.stringify(settings));
  }

  async fill(): Promise<void> {
    let lines = "";
    for (let i = 0; i < seededKeys; i++) lines += `${JSON.stringify({ key: keyOf(i), value: valueFor(i) })}\n`;
    const answer = await this.#send("POST", `/v1/import?namespace=${namespace}`, "application/jsonl", lines);
    const end = JSON.parse(answer.trimEnd().split("\n").at(-1)!);
    if (end.imported !== seededKeys) throw new Error(`expected ${seededKeys} entries to be imported, found ${answer}`);
  }

  async #send(method: string, path: string, type: string, body: string): Promise<string> {
    const headers = { Authorization: this.#authorization, "Content-Type": type };
    const response = await fetch(this.#url + path, { method, headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`expected ${method} ${path} to succeed, found ${response.status}: ${text}`);
    return text;
  }

  /** What the service answers to a GET and to a PUT, for the bare server to answer the same. */
  async answers(): Promise<Answers> {
    return { put: await this.#ask("PUT"), get: await this.#ask("GET") };
  }

  /** By `node:http`, which keeps the names of the headers as they were sent. */
  #ask(method: "GET" | "PUT"): Promise<Answer> {
    const headers = { Authorization: this.#authorization, "Content-Type": "application/octet-stream" };
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const req = request(`${this.#url}/v1/kv/${namespace}/${keyOf(0)}`, { method, headers, agent: false }, (res) => {
      const answer = async () => ({
        status: res.statusCode!,
        headers: ownHeaders(res.rawHeaders),
        body: (await buffer(res)).toString(),
      });
      answer().then(resolve, reject);
    });
    req.on("error", reject).end(method === "PUT" ? valueFor(0) : undefined);
    return promise;
  }
}

/** Without those that `node:http` adds by itself. */
function ownHeaders(raw: readonly string[]): string[] {
  const added = new Set(["date", "connection", "keep-alive"]);
  return raw.filter((_, i) => !added.has(raw[i - (i % 2)]!.toLowerCase()));
}
