import { createConnection } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type RedisOptions } from "ioredis";

/**
 * Connects to a server as ioredis does by itself, but hears all errors of a socket. ioredis hears the first one only;
 * a second one, such as the TLS alert after a failed handshake, would end the process.
 */
export class Connector extends AbstractConnector {
  readonly #options: RedisOptions;

  /** Takes the options of the connection; ioredis does not say so in its types. */
  constructor(options: unknown) {
    super((options as RedisOptions).disconnectTimeout!);
    this.#options = options as RedisOptions;
  }

  async connect() {
    const { host, port, tls } = this.#options;
    const address = { host: host!, port: port! };
    this.connecting = true;
    const socket = tls ? connectTls({ ...address, ...tls }) : createConnection(address);
    socket.on("error", (error) => {
      this.firstError ??= error;
    });
    this.stream = socket;
    return socket;
  }
}
