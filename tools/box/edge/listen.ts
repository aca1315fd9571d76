import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Milliseconds for requests under way when the edge stops. */
const patience = 10_000;

/** Resolves with the URL; rejects when the port cannot be had. */
export function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off("error", reject);
      const address = host.includes(":") ? `[${host}]` : host;
      resolve(`http://${address}:${(server.address() as AddressInfo).port}`);
    });
  });
}

/** Takes no more connections; each that is open closes after its answer, or when time is up. */
export function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.prependListener("request", (_, response) => {
      response.shouldKeepAlive = false;
    });
    // What was under way when the server closed is idle after its answer, and Node does not look again.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const force = setTimeout(() => server.closeAllConnections(), patience);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(force);
      resolve();
    });
  });
}
