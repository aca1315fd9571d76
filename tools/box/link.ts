import { connect, createServer, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** How bytes fare in one direction. */
export type Course = {
  /** They wait, as on a network that loses every packet; TCP sends them again when it is over. */
  readonly held: boolean;
  /** Milliseconds that each is late. */
  readonly delay: number;
  /** Bytes a second. */
  readonly rate: number;
};

/** Where a link leads to; undefined: there is nobody. */
export type Target = { readonly host: string; readonly port: number } | undefined;

const healthy: Course = { held: false, delay: 0, rate: Number.POSITIVE_INFINITY };
/** Pieces of up to 64 KiB that wait in one direction of a connection before its sender has to. */
const maxWaiting = 64;

/** A TCP proxy on this machine that stands for another cloud, as one cloud sees it, and can be cut or made slow. */
export class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #there = new Lane();
  readonly #back = new Lane();

  private constructor(target: () => Target) {
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near, target()));
  }

  /** Opens a link on a free port. Asks for its target at each connection, so that the target may move. */
  static async listen(target: () => Target): Promise<Link> {
    const link = new Link(target);
    const server = link.#server;
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** What is not named is healthy: `set({})` heals all. `there`: from who connects to the target. */
  set({ there, back }: { there?: Partial<Course>; back?: Partial<Course> }): void {
    this.#there.set({ ...healthy, ...there });
    this.#back.set({ ...healthy, ...back });
  }

  /** Breaks all connections at once. New ones are taken. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.reset();
    await closed;
  }

  #join(near: Socket, target: Target): void {
    near.on("error", () => {});
    if (target === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true });
    far.on("error", () => {});
    near.setNoDelay();
    this.#track(near, far);
    this.#track(far, near);
    this.#there.carry(near, far);
    this.#back.carry(far, near);
  }

  #track(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", (broken) => {
      this.#sockets.delete(socket);
      if (broken) other.resetAndDestroy();
    });
  }
}

type Piece = { readonly bytes: Buffer; readonly arrived: number };

/** One direction of all connections of a link. */
class Lane {
  #course = healthy;
  #changed = Promise.withResolvers<void>();

  set(course: Course): void {
    this.#course = course;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Until `from` has sent all, or either breaks. */
  carry(from: Socket, to: Socket): void {
    from.once("end", () => {
      if (!this.#course.held) return;
      // Who gives up a connection during a cut takes back what never arrived: it would only pile up.
      from.resetAndDestroy();
      to.resetAndDestroy();
    });
    const stamp = new Transform({
      readableObjectMode: true,
      readableHighWaterMark: maxWaiting,
      transform: (bytes: Buffer, _encoding, done) => done(null, { bytes, arrived: performance.now() }),
    });
    const lane = this;
    async function* release(pieces: AsyncIterable<Piece>) {
      for await (const piece of pieces) {
        await lane.#due(piece);
        yield piece.bytes;
      }
    }
    // The sockets tell each other what breaks.
    pipeline(from, stamp, release, to).catch(() => {});
  }

  /** By the course of now, not of then: who is healed is healed at once. */
  async #due({ bytes, arrived }: Piece): Promise<void> {
    await this.#wait(() => arrived + this.#course.delay);
    const start = performance.now();
    await this.#wait(() => start + (bytes.length / this.#course.rate) * 1000);
  }

  async #wait(until: () => number): Promise<void> {
    while (true) {
      const left = until() - performance.now();
      if (this.#course.held) await this.#changed.promise;
      else if (left > 0) await Promise.race([this.#changed.promise, sleep(left, undefined, { ref: false })]);
      else return;
    }
  }
}
