import type { Connections } from "../connection.ts";

/**
 * A step towards a higher floor, in three moves that may each take a while:
 *
 * 1. A mark is set, and nothing is stamped at or below it from then on.
 * 2. Once every statement that could not know of the mark has ended, the next transaction number is noted: whatever is
 *    stamped at or below the mark was written by a transaction below that number.
 * 3. When all peers have committed all that lies below it, and nothing up to the mark is in doubt here, it is confirmed.
 *
 * The floor rises when all members have confirmed it, and have been compared since the last expulsion.
 *
 * No clock decides anything but how high the mark is, so a clock that jumps cannot make it wrong.
 */
export async function advanceFloor(connections: Connections, age: number, grace: number) {
  await connections.query(
    "mark",
    `update cluster set mark = m.mark, mark_xid = null, marked_at = now(), stamped_above = greatest(stamped_above, m.mark)
     from (select ((extract(epoch from now()) * 1000)::bigint - $1::bigint) << 16 as mark) m
     where cluster.mark is null and m.mark > confirmed`,
    [age],
  );
  await connections.query(
    "close mark",
    `update cluster set mark_xid = pg_snapshot_xmax(pg_current_snapshot())
     where mark is not null and mark_xid is null and marked_at <= now() - make_interval(secs => $1::float8 / 1000)`,
    [grace],
  );
  await connections.query(
    "confirm",
    `update cluster set confirmed = mark, mark = null, mark_xid = null
     where mark is not null and mark_xid is not null
       and not exists (select from peers where not is_expelled and (repair is not null or settling is not null))
       and not exists (select from cursors join peers using (peer) where not is_expelled and shard >= 0 and xid::text::bigint + (id = ${Number.MAX_SAFE_INTEGER})::int < mark_xid::text::bigint)
       and not exists (select from set_aside where below < mark_xid or hlc <= mark)
       and not exists (select from quarantine where hlc <= mark)`,
  );
  const rows = await connections.query(
    "raise floor",
    `with lowest as (select least(confirmed, (select min(p.confirmed) from peers p where not is_expelled)) as floor
       from cluster where not exists (select from peers where not is_expelled and (settling is not null or not settled))),
     raised as (update cluster c set floor = l.floor from lowest l where l.floor > c.floor returning c.floor)
     select coalesce((select floor from raised), floor), confirmed from cluster`,
  );
  return { floor: BigInt(rows[0]![0]!), confirmed: BigInt(rows[0]![1]!) };
}
