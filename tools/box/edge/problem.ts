import type { ServerResponse } from "node:http";
import { requestIdHeader } from "./headers.ts";

/** An answer of the edge itself, as the service's are: RFC 9457. */
export function sendProblem(response: ServerResponse, status: number, detail: string, id: string): void {
  const body = JSON.stringify({ type: "about:blank", status, detail, instance: id });
  response.writeHead(status, {
    "Content-Type": "application/problem+json",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    [requestIdHeader]: id,
    // What comes behind an unread body could not be told from it.
    ...(response.req.complete ? {} : { Connection: "close" }),
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
