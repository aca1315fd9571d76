import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Milliseconds for requests under way when the edge stops. */
const patience = 10_000;

/** A server's port, and how it is given up in order. */
export class Listener {
  readonly #server: Server;
  /** Connections that have not sent a request yet, as browsers keep in reserve: Node does not count them as idle. */
  readonly #unused = new Set<Socket>();
  #draining = false;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#unused.add(socket);
      socket.once("close", () => this.#unused.delete(socket));
    });
    for (const event of ["request", "checkContinue", "checkExpectation"])
      server.prependListener(event, this.#onRequest);
  }

  readonly #onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    this.#unused.delete(socket);
    if (this.#draining) response.shouldKeepAlive = false;
  };

  /** Resolves with the URL; rejects when the port cannot be had. */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        const address = host.includes(":") ? `[${host}]` : host;
        resolve(`http://${address}:${(this.#server.address() as AddressInfo).port}`);
      });
    });
  }

  /** Takes no more connections; each that is open closes after its answer, or when time is up. */
  drain(): Promise<void> {
    this.#draining = true;
    for (const socket of this.#unused) socket.destroy();
    return new Promise((resolve) => {
      // What was under way when the server closed is idle after its answer, and Node does not look again.
      const idle = setInterval(() => this.#server.closeIdleConnections(), 50);
      const force = setTimeout(() => this.#server.closeAllConnections(), patience);
      this.#server.close(() => {
        clearInterval(idle);
        clearTimeout(force);
        resolve();
      });
    });
  }
}
