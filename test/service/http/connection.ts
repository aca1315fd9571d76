import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection that carries exactly the bytes that a test writes. */
export class Connection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    await once(socket, "connect");
    return new Connection(socket);
  }

  /** The other side sends nothing more. */
  get isClosed(): boolean {
    return this.#ended;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  async #more(): Promise<boolean> {
    if (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return !this.#ended;
  }

  /** The next answer; null when the connection was closed before a whole one came. Answers without a length end with it. */
  async answer(): Promise<{ status: number; headers: Map<string, string>; body: string } | null> {
    let end = this.#received.indexOf("\r\n\r\n");
    while (end === -1) {
      if (!(await this.#more()) && this.#received.indexOf("\r\n\r\n") === -1) return null;
      end = this.#received.indexOf("\r\n\r\n");
    }
    const [start, ...lines] = this.#received.toString("latin1", 0, end).split("\r\n");
    const status = Number(start!.split(" ")[1]);
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    const length = status < 200 ? 0 : Number(headers.get("content-length") ?? 0);
    while (this.#received.length < end + 4 + length) {
      if (!(await this.#more()) && this.#received.length < end + 4 + length) return null;
    }
    const body = this.#received.toString("utf8", end + 4, end + 4 + length);
    this.#received = this.#received.subarray(end + 4 + length);
    return { status, headers, body };
  }

  /** Resolves when the other side has closed. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  close(): void {
    this.socket.destroy();
  }
}
