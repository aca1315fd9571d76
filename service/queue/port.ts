/**
 * Hints that a shard of the feed has news, from the processes that write to those that replicate. They carry no values
 * and decide nothing.
 *
 * Promises of an adapter: none about delivery. Hints may be lost, repeated, late and out of order: the sweep of the
 * replicators finds what no hint told of. Announcing never throws and never waits.
 */
export interface Hints {
  announce(shards: readonly number[]): void;
  /** Returns what ends the listening. */
  listen(handler: (shards: readonly number[]) => void): () => void;
}
