import { stamp } from "../../../service/kv/decide.ts";
import { ancestorsAfter, isLive } from "../../../service/kv/entry.ts";
import { namespaceOf, type Path, shardOf } from "../../../service/kv/path.ts";
import {
  type Change,
  type Commit,
  type FeedPosition,
  ReceiptExistsError,
  type Stamp,
  type Store,
  type Write,
} from "../../../service/store/port.ts";
import type { MemoryDatabase } from "./database.ts";

/** The part of a store that reads, single writes and watches need. Transactions, restores and lists are not in memory. */
export type MemoryStore = Pick<
  Store,
  "origin" | "read" | "readLarge" | "commit" | "knownReceipts" | "receipt" | "feedEnd" | "feed" | "floor"
>;

export function memoryStore(db: MemoryDatabase, origin: string): MemoryStore {
  const { cluster } = db;

  const stored = (path: Path) => {
    const row = db.entries.get(path);
    if (row === undefined) return null;
    const { entry, changed, marks } = row;
    return { entry, changed, marks };
  };

  function write(xid: number, request: Commit, { path, epoch, homeEpoch, expects, draft }: Write): Stamp | null {
    const row = db.entries.get(path);
    const namespace = db.livingNamespace(namespaceOf(path));
    if (namespace?.epoch !== epoch || (namespace.homeEpoch ?? 0n) !== (homeEpoch ?? 0n)) return null;
    if (row !== undefined && expects !== null && row.changed !== expects) return null;
    // As under the row lock: later writes are newer, whatever the clock of their process says.
    const lowest = [cluster.floor + 1n, cluster.stampedAbove + 1n, epoch + 1n, (row?.entry.version.time ?? -1n) + 1n];
    const time = lowest.reduce((a, b) => (a > b ? a : b), request.clock);
    const seen = ancestorsAfter(row?.entry ?? null, origin);
    const entry = stamp(draft, time, origin, seen);
    db.entries.set(path, {
      path,
      entry,
      changed: xid,
      marks: { [origin]: { since: cluster.incarnatedAt, transaction: xid } },
      extra: null,
    });
    db.append(xid, shardOf(path), path, true);
    return { time: entry.version.time, changed: xid, replaced: isLive(row?.entry, request.now), seen };
  }

  /** Of a write that was done, with its version. */
  function keep({ receipts, writes }: Commit, stamps: readonly (Stamp | null)[]): void {
    for (const { scope, fingerprint, answer, path, namespace = null } of receipts) {
      const stamped = stamps[writes.findIndex((one) => one.path === path)] ?? null;
      if (path !== null && stamped === null) continue;
      const written = new Map<Path, { time: bigint; origin: string; replaced: boolean }>();
      if (stamped !== null) written.set(path!, { time: stamped.time, origin, replaced: stamped.replaced });
      const seen = db.ahead() - 1;
      const kept = { fingerprint, answer: structuredClone(answer), written, seen };
      db.receipts.set(scope.toString("hex"), { ...kept, namespace });
    }
  }

  return {
    origin,
    read: (paths) => db.read(() => ({ rows: paths.map(stored), horizon: db.horizon() })),
    readLarge: (path) => db.read(() => stored(path)),
    commit: (request) =>
      db.write((xid) => {
        // Everything below had ended when the commit began; its own transaction is still open here.
        const horizon = db.horizon();
        if (request.receipts.some(({ scope }) => db.receipts.has(scope.toString("hex"))))
          throw new ReceiptExistsError("there is a receipt of this scope");
        const stamps = request.writes.map((one) => write(xid, request, one));
        keep(request, stamps);
        return { stamps, horizon };
      }),
    knownReceipts: (scopes) =>
      db.read(() => new Set(scopes.map((scope) => scope.toString("hex")).filter((scope) => db.receipts.has(scope)))),
    receipt: (scope) => db.read(() => db.receipts.get(scope.toString("hex")) ?? null),
    feedEnd: () => db.read(() => db.endOfFeed()),
    feed: (from, limit) =>
      db.read(() => {
        if (cluster.trimmed > from.xid) return null;
        const changes: Change[] = [];
        for (let i = db.firstAfter(from); i < db.feed.length && changes.length < limit; i++) {
          const { xid, id, path } = db.feed[i]!;
          if (xid >= db.horizon()) break;
          changes.push({ position: { xid, id, at: 0 }, path, stored: stored(path) });
        }
        const end = db.endOfFeed();
        const last: FeedPosition = end.xid >= from.xid ? end : from;
        return { from, to: changes.length === limit ? changes.at(-1)!.position : last, changes };
      }),
    floor: () => db.read(() => cluster.floor),
  };
}
