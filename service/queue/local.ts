import type { Hints } from "./port.ts";

/** Within one process, for one that writes and replicates. Others are found by their sweeps. */
export function localHints(): Hints {
  const handlers = new Set<(shards: readonly number[]) => void>();
  return {
    announce(shards) {
      for (const handler of handlers) handler(shards);
    },
    listen(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
  };
}
