/** Links between clouds that can be cut and slowed: TCP proxies, so that it needs no root and works on every system. */
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** From who opened the connection to who was called, or the other way. */
export type Direction = "there" | "back";

/** What is wrong with a link. */
export type Trouble =
  /** Nothing passes and nobody is told, as when packets are lost: what was on its way arrives late, if both still wait. */
  | { readonly kind: "cut"; readonly direction?: Direction }
  /** Connections break, and so does each new one. */
  | { readonly kind: "reset" }
  /** Every byte takes `delay` milliseconds longer, each way; a connection carries `bytesPerSecond` each way. */
  | { readonly kind: "slow"; readonly delay: number; readonly bytesPerSecond: number };

/** Pieces of up to 64 KiB that are on their way in one direction of a connection. */
const maxPieces = 64;

/** A port that passes connections on to others, well or badly. */
export class Link {
  readonly #targets: () => readonly number[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Says "change" when the trouble has changed. */
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #trouble: Trouble | null = null;
  #turn = 0;

  private constructor(targets: () => readonly number[]) {
    this.#targets = targets;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void this.#carry(socket));
  }

  /** Listens on a free port of the loopback interface. Connections go to the ports in turn, past those that refuse. */
  static async open(targets: () => readonly number[]): Promise<Link> {
    const link = new Link(targets);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** From now on, also for connections that are open. Null: all is well again. */
  set trouble(trouble: Trouble | null) {
    this.#trouble = trouble;
    if (trouble?.kind === "reset") for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#changes.emit("change");
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #carry(near: Socket): Promise<void> {
    this.#keep(near);
    if (this.#trouble?.kind === "reset") return void near.resetAndDestroy();
    const far = await this.#connect();
    if (far === null || near.destroyed) {
      near.resetAndDestroy();
      far?.destroy();
      return;
    }
    this.#keep(far);
    // One way may end before the other; where it breaks, so does the whole.
    await Promise.all([this.#pass("there", near, far), this.#pass("back", far, near)]).catch(() => {
      near.resetAndDestroy();
      far.resetAndDestroy();
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).once("close", () => this.#sockets.delete(socket));
  }

  /** To the first target that takes it, beginning with another one each time; null where none does. */
  async #connect(): Promise<Socket | null> {
    const targets = this.#targets();
    this.#turn++;
    for (let i = 0; i < targets.length; i++) {
      const port = targets[(this.#turn + i) % targets.length]!;
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
      try {
        await once(socket, "connect");
        return socket;
      } catch {
        socket.destroy();
      }
    }
    return null;
  }

  async #pass(direction: Direction, from: Socket, to: Socket): Promise<void> {
    const stamp = new Transform({
      readableObjectMode: true,
      readableHighWaterMark: maxPieces,
      transform: (bytes: Buffer, _, done) => done(null, { bytes, at: performance.now() }),
    });
    const gone = new AbortController();
    for (const socket of [from, to]) socket.once("close", () => gone.abort());
    const { signal } = gone;
    const released = async function* (this: Link, pieces: AsyncIterable<{ bytes: Buffer; at: number }>) {
      for await (const { bytes, at } of pieces) {
        await this.#wait(direction, bytes.length, at, signal);
        yield bytes;
      }
      await this.#wait(direction, 0, performance.now(), signal);
    };
    await pipeline(from, stamp, released.bind(this), to);
  }

  /** Resolves when a piece that arrived `at` may go on. */
  async #wait(direction: Direction, length: number, at: number, signal: AbortSignal): Promise<void> {
    while (this.#trouble?.kind === "cut" && (this.#trouble.direction ?? direction) === direction)
      await once(this.#changes, "change", { signal });
    if (this.#trouble?.kind !== "slow") return;
    const { delay, bytesPerSecond } = this.#trouble;
    await sleep(Math.max((length / bytesPerSecond) * 1000, at + delay - performance.now()), undefined, { signal });
  }
}

/** The links between clouds, one for each and each of its peers. */
export class Links {
  readonly #links = new Map<string, Link>();

  /** `portsOf`: those on which the processes of a cloud listen for peers now. */
  static async open(clouds: readonly string[], portsOf: (cloud: string) => readonly number[]): Promise<Links> {
    const links = new Links();
    for (const from of clouds)
      for (const to of clouds) if (from !== to) links.#links.set(`${from} ${to}`, await Link.open(() => portsOf(to)));
    return links;
  }

  /** The link on which `from` calls `to`. */
  between(from: string, to: string): Link {
    const link = this.#links.get(`${from} ${to}`);
    if (link === undefined) throw new Error(`expected two of the clouds, found ${from} and ${to}`);
    return link;
  }

  /** All on which a cloud calls others or is called. */
  of(cloud: string): Link[] {
    return [...this.#links].filter(([names]) => names.split(" ").includes(cloud)).map(([, link]) => link);
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((link) => link.close()));
  }
}
