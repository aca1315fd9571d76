/**
 * The measure of all things: `node:http` that answers what it was told at the start, and does nothing else. A process of
 * its own; its parent tells it by message and hears the port.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = {
  readonly status: number;
  /** Flat list of names and values, without those that `node:http` adds. */
  readonly headers: readonly string[];
  readonly body: string;
};

export type Answers = { readonly get: Answer; readonly put: Answer };

/** Milliseconds; as the service has it, because it is in a header. */
const keepAliveTimeout = 620_000;

process.once("message", ({ get, put }: Answers) => {
  const value = Buffer.from(get.body);
  const server = createServer({ keepAliveTimeout }, (req, res) => {
    if (req.method === "GET") {
      res.writeHead(get.status, get.headers as string[]).end(value);
      return;
    }
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (body.length !== value.length) res.writeHead(400).end();
      else res.writeHead(put.status, put.headers as string[]).end();
    });
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
});
process.once("disconnect", () => process.exit());
