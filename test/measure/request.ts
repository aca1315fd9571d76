import { Connection } from "../service/http/connection.ts";
import { adminKey } from "../support/service.ts";

export type Answer = { readonly status: number; readonly version: string | null; readonly text: string };

/** Connections without a request, by URL. */
const idle = new Map<string, Connection[]>();

/**
 * One request to the namespace `default`. What is measured shares the machine with the client, so that is the cheapest
 * there is: Node's own one takes as long for a read as the service does.
 */
export async function request(url: string, method: string, path: string, body = ""): Promise<Answer> {
  const { port, host } = new URL(url);
  const connections = idle.get(url) ?? [];
  idle.set(url, connections);
  let connection = connections.pop();
  while (connection?.isClosed) connection = connections.pop();
  connection ??= await Connection.open(Number(port));
  const content =
    method === "GET" ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  connection.write(
    `${method} /v1/kv/default${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${adminKey}\r\n${content}\r\n${body}`,
  );
  const answer = await connection.answer();
  if (answer === null) throw new Error(`${method} ${path}: the connection was closed before a whole answer came`);
  connections.push(connection);
  const { status, headers, body: text } = answer;
  if (status >= 500) throw new Error(`${method} ${path} was answered ${status}: ${text}`);
  return { status, version: headers.get("kv-version") ?? null, text };
}
