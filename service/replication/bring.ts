import { hybridTime, maxAhead } from "../kv/clock.ts";
import type { Path } from "../kv/path.ts";
import { ask, RefusedError, rebuilding } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Merger } from "./merger.ts";

/**
 * Merges the peer's current entry of one key into this cloud: then the key is here as new as it was there. Rejects when
 * the peer cannot be asked, or when its entry cannot be merged now.
 */
export async function bring(io: Io, merger: Merger, peer: string, path: Path): Promise<void> {
  await rebuilding(async () => {
    const self = await io.store.identity();
    const { entries } = await ask(io, peer, { kind: "fetch", paths: [path] }, "fetched", self.floor);
    if (entries.length !== 1) throw new Error(`expected one entry of ${peer}, found ${entries.length}`);
    const [carried] = entries;
    if (carried == null) return;
    if (carried.entry.version.time > hybridTime(io.now() + maxAhead))
      throw new Error(`the entry of ${peer} is from the future`);
    const known = (await io.store.peers()).find((one) => one.peer === peer)!;
    const sender = { peer, incarnation: known.incarnation!, incarnatedAt: known.incarnatedAt };
    const results = await merger.merge(sender, [carried], self);
    if (results === "floor") throw new RefusedError(peer, "floor");
    if (results[0] !== null) throw new Error(`the entry of ${peer} could not be merged: ${results[0]}`);
  });
}
