import slotOf from "cluster-key-slot";
import { Cluster, type Redis } from "ioredis";
import { Breaker } from "./breaker.ts";

export type CommandResult = "ok" | "timeout" | "error" | "skipped";

export type LaneOptions = {
  readonly client: Redis | Cluster;
  /** Asks the server for something harmless of the same kind, by a key that it holds. */
  readonly probe: (client: Redis | Cluster, key: string) => Promise<unknown>;
  /** Milliseconds after which an answer is not waited for any longer. */
  readonly commandTimeout: number;
  readonly count: (result: CommandResult) => void;
  /** Called when `up` may have changed, with what was the matter if something was. */
  readonly changed: (trouble: string | null) => void;
};

/** Bytes that may be under way to servers: what a hung one can make the process hold. Past it commands are skipped. */
const maxUnderWay = 8 * 1024 * 1024;

/** One connection (to each node, in cluster mode) on which nothing waits for longer than the command timeout. */
export class Lane {
  readonly client: Redis | Cluster;
  readonly #options: LaneOptions;
  /** By node; none for one that has not failed yet. */
  readonly #breakers = new Map<string, Breaker>();
  #underWay = 0;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.client = options.client;
    this.client.on("ready", () => this.#changed(null));
    this.client.on("close", () => this.#changed("connection closed"));
    this.client.on("error", (error: NodeJS.ErrnoException) => this.#changed(error.code ?? error.message));
  }

  /** Whether anything can be asked: connected, and not all nodes are left alone. */
  get up(): boolean {
    if (!this.connected) return false;
    let open = 0;
    for (const breaker of this.#breakers.values()) if (breaker.open) open++;
    return open === 0 || (this.client instanceof Cluster && open < this.client.nodes("master").length);
  }

  get connected(): boolean {
    return this.client.status === "ready" && !this.#closed;
  }

  /** Keys that one `ask` may be about have the same one. Empty: any node. */
  nodeOf(key: string): string {
    return this.client instanceof Cluster ? (this.client.slots[slotOf(key)]?.[0] ?? "") : "";
  }

  /**
   * What `send` resolves with; undefined when it fails, takes too long, or is not called because of earlier failures.
   * Never rejects. `bytes` is roughly what it sends; `key` is one of those that it is about.
   */
  async ask<T>(key: string, bytes: number, send: (client: Redis | Cluster) => Promise<T>): Promise<T | undefined> {
    const node = this.nodeOf(key);
    if (!this.connected || this.#breakers.get(node)?.open || this.#underWay + bytes > maxUnderWay) {
      this.#options.count("skipped");
      return undefined;
    }
    this.#underWay += bytes;
    const answer = this.#send(send).finally(() => {
      this.#underWay -= bytes;
    });
    try {
      const result = await inTime(answer, this.#options.commandTimeout);
      this.#options.count("ok");
      this.#breakers.get(node)?.succeeded();
      return result;
    } catch (error) {
      this.#options.count(error instanceof TimeoutError ? "timeout" : "error");
      this.#failed(node, key, (error as Error).message);
      return undefined;
    }
  }

  close(): void {
    this.#closed = true;
    for (const breaker of this.#breakers.values()) breaker.stop();
    this.client.disconnect();
  }

  /** In cluster mode commands go out one by one; corked, what goes to a node still leaves in one piece. */
  async #send<T>(send: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (!(this.client instanceof Cluster)) return send(this.client);
    const streams = this.client.nodes("master").flatMap(({ stream }) => stream ?? []);
    for (const stream of streams) stream.cork();
    const answer = send(this.client);
    for (const stream of streams) stream.uncork();
    return answer;
  }

  #failed(node: string, key: string, trouble: string): void {
    if (this.#closed) return;
    let breaker = this.#breakers.get(node);
    if (breaker === undefined) {
      const probe = async () => {
        const answer = this.#options.probe(this.client, key);
        return inTime(answer, this.#options.commandTimeout).then(
          () => true,
          () => false,
        );
      };
      breaker = new Breaker(probe, () => this.#changed(trouble));
      this.#breakers.set(node, breaker);
    }
    breaker.failed();
  }

  #changed(trouble: string | null): void {
    if (!this.#closed) this.#options.changed(trouble);
  }
}

class TimeoutError extends Error {}

function inTime<T>(answer: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new TimeoutError(`no answer in ${milliseconds} ms`));
    // Timers run before sockets are read: after a long pause of this process the answer may be there and unread.
    const timer = setTimeout(() => setImmediate(tooLate), milliseconds);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
