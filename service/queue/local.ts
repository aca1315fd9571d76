import { Listeners } from "./listeners.ts";
import type { Hints } from "./port.ts";

/** Within one process, for one that writes and replicates. Others are found by their sweeps. */
export function localHints(): Hints {
  const listeners = new Listeners();
  return {
    announce: (shards) => listeners.deliver(shards),
    listen: (handler) => listeners.add(handler),
    close: async () => {},
  };
}
