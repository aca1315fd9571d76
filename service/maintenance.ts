import { setTimeout as sleep } from "node:timers/promises";
import { BlobCollector } from "./blobs/collector.ts";
import type { Blobs } from "./blobs/port.ts";
import type { Now } from "./kv/clock.ts";
import type { Connections } from "./store/postgres/connection.ts";
import * as tasks from "./store/postgres/maintenance.ts";
import { trimConflicts } from "./store/postgres/member/apply.ts";

export type MaintenanceOptions = {
  readonly connections: Connections;
  readonly blobs: Blobs;
  readonly retention: tasks.FeedRetention;
  /** With peers the floor is theirs too, and replication raises it. */
  readonly hasPeers: boolean;
  readonly now: Now;
  /** Names this process among those that could do the work. */
  readonly process: string;
  readonly onReaped: (entries: number) => void;
  readonly onTrouble: (error: unknown) => void;
};

/** Milliseconds between two steps of the reaper. */
const stepInterval = 1000;
/** Steps between rounds of the rest: once a minute, blobs once an hour. */
const roundSteps = 60;
const blobRounds = 60;
const leaseSeconds = 10;
/** Milliseconds that a blob without an entry stays: longer than any upload takes, and any read or fetch until it opens it. */
const blobGrace = 3_600_000;
/** How long, and how many, states that lost to a concurrent write are kept. */
const conflictDays = 7;
const maxConflicts = 100_000;

/** The tasks that keep the database small. One process of a cloud does them at a time; any of them may. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #collector: BlobCollector;
  readonly #stopped = new AbortController();
  #after: string | null = "";
  #step = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    const { blobs, connections, now } = options;
    const unreferenced = (digests: readonly string[]) => tasks.unreferenced(connections, digests);
    this.#collector = new BlobCollector({ blobs, unreferenced, grace: blobGrace, now });
  }

  start(): void {
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        if (await tasks.lease(this.#options.connections, this.#options.process, leaseSeconds)) await this.step();
      } catch (error) {
        if (!signal.aborted) this.#options.onTrouble(error);
      }
      await sleep(stepInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** One step: a stretch of the reaper's walk, and once a minute the rest. */
  async step(): Promise<void> {
    const { connections, now, retention, onReaped } = this.#options;
    if (this.#step % roundSteps === 0) {
      await tasks.createPartitions(connections);
      await tasks.trimFeed(connections, retention);
      await tasks.dropReceipts(connections);
      await trimConflicts(connections, conflictDays, maxConflicts);
      await tasks.bury(connections);
    }
    if (this.#step % (roundSteps * blobRounds) === 0) await this.#collector.round();
    this.#step++;
    const floor = await (this.#options.hasPeers ? tasks.floor(connections) : tasks.raiseFloor(connections, now()));
    const { removed, next } = await tasks.reap(connections, this.#after ?? "", floor, now());
    this.#after = next;
    if (removed > 0) onReaped(removed);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }
}
