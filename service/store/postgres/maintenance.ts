import { hybridTime } from "../../kv/clock.ts";
import type { Path } from "../../kv/path.ts";
import type { Connections } from "./connection.ts";

const hour = 3_600_000;
/** Parts of the feed that are made before they are needed. Later rows would go to the default partition. */
const hoursAhead = 4;
/** How long first answers are kept for retries. */
const receiptHours = 24;
/** The floor stays this far behind: longer than any request, read or statement lasts. */
const floorAge = hour;
/** Rows that one step of the reaper looks at. */
const stepRows = 2000;

/** How much of the feed is kept: at least an hour, at most these. */
export type FeedRetention = { readonly hours: number; readonly bytes: number };

/** Takes or renews the lease of maintenance for `seconds`; false while another process has it. */
export async function lease(connections: Connections, process: string, seconds: number): Promise<boolean> {
  const rows = await connections.query(
    "lease",
    `update cluster set maintainer = $1, maintained_until = now() + make_interval(secs => $2)
     where maintainer = $1 or maintained_until < now() returning maintainer`,
    [process, seconds],
  );
  return rows.length > 0;
}

/** Makes the feed's partitions of the coming hours. Any number of processes may do it at once. */
export async function createPartitions(connections: Connections): Promise<void> {
  for (let ahead = 0; ahead <= hoursAhead; ahead++) {
    await connections.query(undefined, "select skykv_make_feed_part(now() + make_interval(hours => $1))", [ahead]);
  }
}

/** Drops the oldest parts of the feed past the retention; says first, durably, up to which transaction they reached. */
export async function trimFeed(connections: Connections, retention: FeedRetention): Promise<number> {
  const rows = await connections.query(
    undefined,
    `select c.relname, pg_total_relation_size(c.oid), extract(epoch from now())::bigint * 1000
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'feed'::regclass and c.relname <> 'feed_default' order by c.relname desc`,
  );
  let kept = 0;
  let dropped = 0;
  for (const [name, bytes, now] of rows) {
    const from = Date.parse(name!.replace(/^feed_(\d{4})(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3T$4:00:00Z"));
    kept += Number(bytes);
    const age = (Number(now) - (from + hour)) / hour;
    if (age < 1 || (age < retention.hours && kept <= retention.bytes)) continue;
    await connections.query(
      undefined,
      `update cluster set trimmed = greatest(trimmed, coalesce((select xid from feed
         where at >= $1 and at < $2 order by xid desc limit 1), '0'))`,
      [new Date(from), new Date(from + hour)],
    );
    await connections.query(undefined, "select skykv_drop_feed_part($1)", [name]);
    dropped++;
  }
  return dropped;
}

/** Forgets first answers older than a day. */
export async function dropReceipts(connections: Connections): Promise<void> {
  await connections.query(undefined, `delete from idempotency where at < now() - interval '${receiptHours} hours'`);
}

/** Hybrid time at and below which the dead count as absent. */
export async function floor(connections: Connections): Promise<bigint> {
  return BigInt((await connections.read("floor", "select floor from cluster"))[0]![0]!);
}

/**
 * Raises the floor to an hour ago. With one cloud there is nobody to wait for: who
 * was a member before must have been expelled. Never falls.
 */
export async function raiseFloor(connections: Connections, now: number): Promise<bigint> {
  const rows = await connections.query(
    undefined,
    `update cluster set floor = case when exists (select from peers where not is_expelled) then floor
       else greatest(floor, $1::bigint) end returning floor`,
    [hybridTime(now - floorAge)],
  );
  return BigInt(rows[0]![0]!);
}

/**
 * One step of the walk over all entries that removes what counts as absent: tombstones and expired values up to the
 * floor, and what the deletion of a namespace hides. Removing decides nothing, so it cannot resurrect: under the row lock the
 * version is still the one that was looked at, and every later write is stamped above the floor. The paths are given as
 * an array, because a join the planner may do by reading the whole table. Returns where to go on; null at the end.
 */
export async function reap(connections: Connections, after: Path, floor: bigint, now: number) {
  const rows = await connections.query(
    "reap",
    `with step as materialized (
       select e.path, e.hlc,
         n.name is null or e.hlc <= n.epoch
           or (e.hlc <= $2::bigint and (e.kind = 't' or e.expires_at <= $3::bigint)) as dead
       from (select * from entries where path > $1 order by path limit ${stepRows}) e
       left join namespaces n on n.name = split_part(e.path, '/', 1)
     ), gone as (
       delete from entries
       where path = any(array(select path from step where dead))
         and (path, hlc) in (select path, hlc from step where dead)
       returning path
     )
     select (select count(*) from gone), (select count(*) from step), (select max(path) from step)`,
    [after, floor, now],
  );
  const [gone, seen, last] = rows[0]!;
  return { removed: Number(gone), next: Number(seen) < stepRows ? null : last! };
}

/**
 * Lets the deletion of a namespace hide what was written by those who did not know of it. Whoever may remove it must say
 * so first: were it only removed here, it would live on in the clouds that have it, when the namespace lives again.
 */
export async function bury(connections: Connections): Promise<void> {
  await connections.query(
    undefined,
    `update namespaces n set epoch = e.newest
     from (
       select name, (select max(hlc) from entries where path >= name || '/' and path < name || '0') as newest
       from namespaces where deleted
     ) e where e.name = n.name and n.deleted and e.newest > n.epoch`,
  );
}

/** Which of these blobs nothing refers to: no entry, none that waits for its time, and none that lost and is kept. */
export async function unreferenced(connections: Connections, digests: readonly string[]): Promise<string[]> {
  const rows = await connections.query(
    undefined,
    `select d from unnest($1::text[]) d where not exists (select from entries where blob = d)
       and not exists (select from quarantine where entry ->> 'blob' = d)
       and not exists (select from conflicts where entry ->> 'blob' = d)`,
    [digests],
  );
  return rows.map((row) => row[0]!);
}
