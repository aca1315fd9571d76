import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
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

/** Clients in a thread of their own: what they notice is the cloud's, not that of a thread that carries the links too. */
export class Clients {
  readonly #worker: Worker;
  readonly #took: Promise<readonly number[]>;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#took = once(worker, "message").then(([took]) => took);
    // One that fails before they are stopped is told of then.
    this.#took.catch(() => {});
  }

  /** Resolves when they count: from now on each request does. */
  static async start(options: ClientsOptions): Promise<Clients> {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: options });
    await once(worker, "message");
    return new Clients(worker);
  }

  /** Ends them. Gives the milliseconds that each request took; rejects if one failed. */
  async stop(): Promise<readonly number[]> {
    this.#worker.postMessage("stop");
    return this.#took;
  }
}

if (!isMainThread) {
  const { url, perSecond, value }: ClientsOptions = workerData;
  const ended = new AbortController();
  parentPort!.once("message", () => ended.abort());
  const first = warmUp * perSecond;
  // Three reads for each write, of few keys.
  const act = (i: number) => {
    if (i === first) parentPort!.postMessage("counting");
    const path = `/foreground-${Math.floor(i / 4) % 25}`;
    return i % 4 === 0 ? request(url, "PUT", path, value) : request(url, "GET", path);
  };
  parentPort!.postMessage((await atPace(perSecond, ended.signal, act)).slice(first));
}
