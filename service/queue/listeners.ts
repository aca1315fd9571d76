import type { Handler } from "./port.ts";

/** Who wants the hints of this process. */
export class Listeners {
  readonly #handlers = new Set<Handler>();

  get size(): number {
    return this.#handlers.size;
  }

  add(handler: Handler): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  deliver(shards: readonly number[]): void {
    for (const handler of this.#handlers) handler(shards);
  }
}
