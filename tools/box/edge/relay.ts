import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { TimeUp } from "./failure.ts";

/** Milliseconds for a client to read why its body is no longer wanted, before its connection closes. */
const lingerMs = 1000;

export type Relay = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** To the cloud; connected, with nothing sent yet. */
  readonly out: ClientRequest;
  /** Seconds without a byte in either direction after which the cloud counts as gone. */
  readonly patience: number;
  readonly headersOf: (answer: IncomingMessage) => string[];
  /** The cloud is gone and there is no answer yet. */
  readonly onFailure: (error: Error) => void;
};

/**
 * Moves a request's body to a cloud and the answer back, each as it comes and no faster than it is taken. Whichever end
 * breaks, the other one sees its connection break too.
 */
export function relay({ request, response, out, patience, headersOf, onFailure }: Relay): void {
  out.setTimeout(patience * 1000, () => out.destroy(new TimeUp()));
  // HTTP/1.0 has no answers before the answer.
  if (request.httpVersion === "1.1") out.on("continue", () => response.writeContinue());
  out.on("error", (error) => {
    if (!response.headersSent && !response.destroyed) onFailure(error);
  });
  out.on("close", () => discardBody(request));
  out.on("response", (answer) => {
    answer.on("error", () => response.destroy());
    try {
      response.writeHead(answer.statusCode!, answer.statusMessage, headersOf(answer));
    } catch (error) {
      // Node reads answers that it would not write: a status of 000, a control character in the reason.
      onFailure(error as Error);
      out.destroy();
      return;
    }
    answer.pipe(response);
    // Small answers leave in one piece with their headers; the headers of a watch must not wait for its first event.
    setImmediate(() => response.writableEnded || response.flushHeaders());
  });
  if (hasBody(request)) request.pipe(out);
  else out.end();
}

/** Lets go of a body that nobody takes any more: what the client still sends is thrown away, for a short while. */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once("close", () => clearTimeout(timer));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
