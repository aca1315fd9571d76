import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { BoxError } from "./error.ts";

const PATIENCE_MS = 2_000;

/**
 * Makes sure that nobody listens there. The service would find out too, but only after PostgreSQL has started. Waits
 * a little for the service of a box that was killed just now, which is about to end.
 */
export async function assertFree(host: string, port: number, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let error = await tryToListen(host, port);
  while (error?.code === "EADDRINUSE" && Date.now() < end) {
    await sleep(50);
    error = await tryToListen(host, port);
  }
  if (error?.code === "EADDRINUSE") {
    throw new BoxError(
      `Port ${port}, for ${what}, is in use, perhaps by another box. Stop that, or choose another with --port.`,
    );
  }
  if (error !== undefined) throw new BoxError(`Cannot listen on ${host}, port ${port}: ${error.message}.`);
}

async function tryToListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  const { promise, resolve: settle } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  server.once("error", settle).once("close", settle);
  server.listen({ host, port, exclusive: true }, () => server.close());
  return promise;
}
