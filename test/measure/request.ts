import { Agent, request as open } from "node:http";
import { adminKey } from "../support/service.ts";

export type Answer = { readonly status: number; readonly version: string | null; readonly text: string };

const agent = new Agent({ keepAlive: true });

/** One request to the namespace `default`, by the cheapest client there is: what is measured shares the machine with it. */
export function request(url: string, method: string, path: string, body = ""): Promise<Answer> {
  const headers = {
    Authorization: `Bearer ${adminKey}`,
    ...(method !== "GET" && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sending = open(`${url}/v1/kv/default${path}`, { method, agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("error", reject);
      response.on("data", (part) => (text += part));
      response.on("end", () => {
        const status = response.statusCode!;
        const version = (response.headers["kv-version"] as string | undefined) ?? null;
        if (status < 500) resolve({ status, version, text });
        else reject(new Error(`${method} ${path} was answered ${status}: ${text}`));
      });
    });
    sending.on("error", reject).end(body);
  });
}
