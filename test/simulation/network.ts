import type { BlobRequest } from "../../service/replication/io.ts";
import { pick } from "../support/random.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** Bytes of a large value that come at once. */
const partBytes = 10;
/** Milliseconds after which a caller gives up, as the real link does. */
const timeout = 5000;

/** Between clouds: messages are delayed, reordered, lost and repeated, and links are cut in one direction or both. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #processes: ReadonlyMap<string, readonly Process[]>;
  readonly #count: (what: string) => void;
  readonly #fail: (error: unknown) => void;
  /** `from to` of links that are cut. */
  readonly cut = new Set<string>();
  loss = 0;
  /** Probability that a message arrives twice, the second time perhaps much later. */
  repeats = 0.03;
  /** Probability that a message takes seconds. */
  delays = 0;
  /** Probability that a large value breaks off, hangs or is another one, at each of its parts. */
  damage = 0.03;

  constructor(
    scheduler: Scheduler,
    processes: ReadonlyMap<string, readonly Process[]>,
    count: (what: string) => void,
    fail: (error: unknown) => void,
  ) {
    this.#scheduler = scheduler;
    this.#processes = processes;
    this.#count = count;
    this.#fail = fail;
  }

  heal(): void {
    this.cut.clear();
    this.loss = 0;
    this.repeats = 0;
    this.delays = 0;
    this.damage = 0;
  }

  call(from: string, to: string, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#exchange(from, to, (target) => target.receive(from, bytes), this.repeats);
  }

  /** A client's request that one cloud passes on to another: once, and as it came. */
  pass<T>(from: string, to: string, serve: (target: Process) => Promise<T>): Promise<T> {
    return this.#exchange(from, to, serve, 0);
  }

  /** The rest of a large value, part by part. */
  async blob(from: string, to: string, request: BlobRequest): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = await this.#exchange(
      from,
      to,
      async (target) => {
        const stream = await target.openBlob(request);
        return stream && Buffer.concat(await stream.toArray());
      },
      0,
    );
    return bytes && this.#inParts(bytes, `${to} ${from}`);
  }

  async *#inParts(bytes: Buffer, link: string): AsyncGenerator<Uint8Array> {
    const scheduler = this.#scheduler;
    for (let start = 0; start < bytes.length; start += partBytes) {
      await scheduler.sleep(scheduler.between(1, 40));
      const part = Buffer.from(bytes.subarray(start, start + partBytes));
      if (this.cut.has(link)) throw new Error("the link was cut");
      if (scheduler.chance(this.damage)) {
        const what = pick(scheduler.random, ["breaks off", "hangs", "is another one"]);
        this.#count(`large value ${what}`);
        if (what === "hangs") await scheduler.sleep(timeout);
        if (what !== "is another one") throw new Error(`the large value ${what}`);
        part[0]! ^= 1;
      }
      yield part;
    }
  }

  #exchange<T>(from: string, to: string, serve: (target: Process) => Promise<T>, repeats: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#scheduler.after(timeout, () => reject(new Error("no answer in time")));
      const settle = (answer: () => void) =>
        this.#carry(to, from, 0, () => {
          cancel();
          answer();
        });
      const deliver = (late = 0) =>
        this.#carry(from, to, late, () => {
          const running = this.#processes.get(to)!.filter(({ isAlive }) => isAlive);
          const target = running[Math.floor(this.#scheduler.random() * running.length)];
          if (target === undefined) return;
          serve(target).then(
            (answer) => settle(() => resolve(answer)),
            (error) => {
              this.#fail(error);
              settle(() => reject(error));
            },
          );
        });
      deliver();
      if (this.#scheduler.chance(repeats)) {
        this.#count("message repeated");
        deliver(this.#scheduler.chance(0.5) ? this.#scheduler.between(2000, 25_000) : 0);
      }
    });
  }

  #carry(from: string, to: string, late: number, arrive: () => void): void {
    const scheduler = this.#scheduler;
    if (scheduler.chance(this.loss)) {
      this.#count("message lost");
      return;
    }
    let delay = late + scheduler.between(2, 40);
    if (scheduler.chance(this.delays)) {
      this.#count("message delayed");
      delay = scheduler.between(500, 15_000);
    }
    scheduler.after(delay, () => {
      if (this.cut.has(`${from} ${to}`)) this.#count("message cut off");
      else arrive();
    });
  }
}
