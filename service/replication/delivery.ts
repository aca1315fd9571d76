import type { Path } from "../kv/path.ts";
import { ask, rebuilding } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Result } from "./protocol.ts";

/** Bytes of values in one batch: bounds the memory of both sides. */
const batchBytes = 2 * 2 ** 20;
export type Delivery = {
  /** The first of the paths, as many as fitted into the batch. */
  readonly sent: readonly Path[];
  /** What the peer could not take yet. */
  readonly refused: readonly {
    readonly path: Path;
    readonly time: bigint;
    readonly reason: Exclude<Result, null>;
  }[];
  /** What the peer keeps until its time has come; null: it does not say, because its release is older. */
  readonly quarantined: ReadonlySet<Path> | null;
};

/** Sends a peer the current entries of some keys. All that it did not refuse is committed there when this resolves. */
export async function deliver(io: Io, peer: string, paths: readonly Path[]): Promise<Delivery> {
  const { store, onEvent } = io;
  return rebuilding(async () => {
    const { floor, rows } = await store.carried(paths, batchBytes);
    // Whatever their origin: what a peer's write became here is what this cloud stands for. Collected ones are nothing.
    const entries = rows.filter((row) => row !== null);
    const sent = paths.slice(0, rows.length);
    if (entries.length === 0) return { sent, refused: [], quarantined: new Set() };
    const { results, quarantined } = await ask(io, peer, { kind: "batch", entries }, "applied", floor);
    const bytes = entries.reduce((sum, { entry }) => sum + (entry.kind === "value" ? entry.size : 0), 0);
    onEvent({ kind: "sent", peer, entries: entries.length, bytes });
    const refused = entries.flatMap(({ path, entry }, i) => {
      // An answer that says nothing of an entry has not confirmed it.
      const reason = results.length > i ? results[i]! : "busy";
      return reason === null ? [] : [{ path, time: entry.version.time, reason }];
    });
    return { sent, refused, quarantined: quarantined && new Set(quarantined.map((i) => entries[i]?.path ?? "")) };
  });
}
