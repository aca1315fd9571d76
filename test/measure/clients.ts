import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { atPace } from "./pace.ts";
import { request } from "./request.ts";

export type ClientsOptions = {
  readonly url: string;
  readonly perSecond: number;
  /** Of what is written. */
  readonly value: string;
};

/** Seconds that clients are there before they count: they open their connections once, not when a cloud comes back. */
const warmUp = 2;

/**
 * Clients in a process and session of their own: what they notice is the cloud's. Linux shares processors out by sessions:
 * beside the links, which carry all that a cloud lacks, clients stood still for up to a third of a second.
 */
export class Clients {
  readonly #process: ChildProcess;
  readonly #took: Promise<readonly number[]>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#took = nextMessage(process);
    // One that fails before they are stopped is told of then.
    this.#took.catch(() => {});
  }

  /** Resolves when they count: from now on each request does. */
  static async start(options: ClientsOptions): Promise<Clients> {
    const process = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], { detached: true });
    await nextMessage(process);
    return new Clients(process);
  }

  /** Ends them. Gives the milliseconds that each request took; rejects if one failed. */
  async stop(): Promise<readonly number[]> {
    this.#process.send("stop");
    const took = await this.#took;
    this.#process.disconnect();
    return took;
  }
}

/** Rejects when the process ends without one; it says itself why. */
async function nextMessage<T>(process: ChildProcess): Promise<T> {
  const ended = once(process, "exit").then(([code]) => {
    throw new Error(`the clients ended with ${code}`);
  });
  const [message] = await Promise.race([once(process, "message"), ended]);
  return message;
}

async function run({ url, perSecond, value }: ClientsOptions): Promise<void> {
  const ended = new AbortController();
  process.once("message", () => ended.abort()).once("disconnect", () => process.exit());
  const first = warmUp * perSecond;
  // Three reads for each write, of few keys.
  const act = (i: number) => {
    if (i === first) process.send!("counting");
    const path = `/foreground-${Math.floor(i / 4) % 25}`;
    return i % 4 === 0 ? request(url, "PUT", path, value) : request(url, "GET", path);
  };
  process.send!((await atPace(perSecond, ended.signal, act)).slice(first));
}

if (import.meta.main) await run(JSON.parse(process.argv[2]!));
