import { hybridTime, maxAhead } from "../kv/clock.ts";
import type { Path } from "../kv/path.ts";
import { fetchCurrent, RefusedError, rebuilding } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Merger } from "./merger.ts";

/**
 * Merges the peer's current entry of one key into this cloud: then the key is here as new as it was there. Rejects when
 * the peer cannot be asked, or when its entry cannot be merged now.
 */
export async function bring(io: Io, merger: Merger, peer: string, path: Path): Promise<void> {
  await rebuilding(async () => {
    const { self, stage, sender, carried } = await fetchCurrent(io, peer, path);
    // Its backup may be older than what the session saw there; only those who recover as well are answered until then.
    if (stage === "restored") throw new RefusedError(peer, "recovering");
    if (carried === null) return;
    if (carried.entry.version.time > hybridTime(io.now() + maxAhead))
      throw new Error(`the entry of ${peer} is from the future`);
    const results = await merger.merge(sender, [carried], self);
    if (results === "floor") throw new RefusedError(peer, "floor");
    if (results[0] !== null) throw new Error(`the entry of ${peer} could not be merged: ${results[0]}`);
  });
}
