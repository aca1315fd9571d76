import { type Change, type FeedPosition, type FeedWindow, wholeTransaction } from "../port.ts";
import type { Connections } from "./connection.ts";
import { noValue, storedColumns, storedFrom } from "./rows.ts";

const databaseNow = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

/**
 * Position order is (transaction, id). A transaction may have begun before another that ended first, so only rows whose
 * transaction and all older ones have ended are read: below the snapshot's xmin. A cursor on the id alone, or on commit
 * order, skips rows.
 *
 * `at` is not part of the order; it only spares looking at old partitions. A row's `at` is the start of its statement,
 * which a timeout of seconds bounds, so a row behind a position is at most that much older: an hour is ample.
 */
const window = `with read as materialized (
  select xid, id, path, at from feed
  where (xid, id) > ($1::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
    and at >= to_timestamp($4::bigint / 1000.0) - interval '1 hour'
  order by xid, id limit $3
)
select s.horizon, s.trimmed, s.now, r.xid, r.id, (extract(epoch from r.at) * 1000)::bigint, r.path, e.*
from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon, trimmed, ${databaseNow} as now from cluster) s
left join read r on true
left join lateral (select ${storedColumns(noValue)} from entries where path = r.path) e on true
order by r.xid, r.id`;

/** Where a reader starts that wants only what comes: everything below the horizon is behind it. */
export async function feedEnd(connections: Connections): Promise<FeedPosition> {
  const [row] = await connections.read("feed end", `select pg_snapshot_xmin(pg_current_snapshot()), ${databaseNow}`);
  return { xid: Number(row![0]) - 1, id: wholeTransaction, at: Number(row![1]) };
}

/** The next stretch after a position; its end is the horizon unless the limit cut it. Null: retention dropped it. */
export async function feedWindow(
  connections: Connections,
  from: FeedPosition,
  limit: number,
): Promise<FeedWindow | null> {
  const rows = await connections.read("feed", window, [from.xid, from.id, limit, from.at]);
  const [horizon, trimmed, now] = rows[0]!.map(Number) as [number, number, number];
  if (trimmed > from.xid) return null;
  const changes: Change[] = rows
    .filter((row) => row[3] != null)
    .map((row) => ({
      position: { xid: Number(row[3]), id: Number(row[4]), at: Number(row[5]) },
      path: row[6]!,
      stored: row[7] == null ? null : storedFrom(row, 7),
    }));
  const end = { xid: horizon - 1, id: wholeTransaction, at: now };
  const to = changes.length === limit ? changes.at(-1)!.position : end.xid >= from.xid ? end : from;
  return { from, to, changes };
}
