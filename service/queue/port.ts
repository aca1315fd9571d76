/**
 * Hints that a shard of the feed has news, from the processes that write to those that replicate. They carry no values
 * and decide nothing.
 *
 * Promises of an adapter: none about delivery. Hints may be lost, repeated, late and out of order: the sweep of the
 * replicators finds what no hint told of. Announcing never throws and never waits, and what waits for a queue that is
 * down is a set of shards, however long that lasts.
 */
export interface Hints {
  announce(shards: readonly number[]): void;
  /** Returns what ends the listening. */
  listen(handler: Handler): () => void;
  /** Ends within a moment, whatever the queue does. */
  close(): Promise<void>;
}

export type Handler = (shards: readonly number[]) => void;

/** What a process notices of its queue. Errors come once for each attempt; attempts are seconds apart. */
export type HintEvents = {
  readonly onSent: () => void;
  readonly onReceived: () => void;
  readonly onTrouble: (error: unknown) => void;
};
