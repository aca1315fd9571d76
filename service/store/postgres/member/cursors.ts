import type { Carried } from "../../../kv/carried.ts";
import { type Path, shardOf, shards } from "../../../kv/path.ts";
import type { Advance, Cursor, ShardState, Window } from "../../member.ts";
import { type FeedPosition, wholeTransaction } from "../../port.ts";
import type { Connections, Row } from "../connection.ts";
import { storedColumns, storedFrom, storedWidth } from "../rows.ts";

/** Columns that {@link carriedFrom} reads, in its order. */
export const carriedColumns = `${storedColumns("value")}, extra`;

/** A row as peers get it: what entered here did so by the row's transaction, in the incarnation that began at `since`. */
export function carriedFrom(row: Row, at: number, origin: string, since: number): Carried {
  const { entry, changed, marks } = storedFrom(row, at);
  const extra = row[at + storedWidth];
  return {
    path: row[at]!,
    entry,
    marks: marks ?? { [origin]: { since, transaction: changed } },
    extra: extra == null ? null : JSON.parse(extra),
  };
}

export async function lease(
  connections: Connections,
  peer: string,
  shards: readonly number[],
  owner: string,
  milliseconds: number,
): Promise<Cursor[]> {
  const rows = await connections.query(
    "cursor lease",
    `update cursors set owner = $3, fence = fence + (owner is distinct from $3)::int,
       until = now() + make_interval(secs => $4::float8 / 1000)
     where peer = $1 and shard = any($2::smallint[]) and (owner = $3 or until <= now())
       and not exists (select from peers p where p.peer = cursors.peer and is_expelled) returning ${cursorColumns}`,
    [peer, shards, owner, milliseconds],
  );
  return cursorsFrom(peer, rows);
}

const cursorColumns = "shard, fence, xid, id, at";

function cursorsFrom(peer: string, rows: readonly Row[]): Cursor[] {
  return rows.map((row) => {
    const [shard, fence, xid, id, at] = row.map(Number) as [number, number, number, number, number];
    return { peer, shard, fence, position: { xid, id, at } };
  });
}

export async function release(connections: Connections, cursors: readonly Cursor[]): Promise<void> {
  await connections.query(
    "cursor release",
    `update cursors c set until = '-infinity' from unnest($2::smallint[], $3::bigint[]) l(shard, fence)
     where c.peer = $1 and c.shard = l.shard and c.fence = l.fence`,
    [cursors[0]!.peer, cursors.map(({ shard }) => shard), cursors.map(({ fence }) => fence)],
  );
}

/**
 * As watches read it (see `../feed.ts`), for some shards of what entered here: from the hindmost cursor on, and in each
 * shard from its own, which is found in the lists by its number. What was set aside comes without a position.
 */
const windowText = `with read as materialized (
  select xid, id, path, at from feed
  where (xid, id) > ($1::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
    and at >= to_timestamp($4::bigint / 1000.0) - interval '1 hour' and entered_here
    and (xid, id) > (($5::xid8[])[shard + 1], ($6::bigint[])[shard + 1])
  order by xid, id limit $3
), due as (
  select path from set_aside where peer = $7 and ($5::xid8[])[shard + 1] is not null and retry_at <= now()
  order by retry_at limit $3
)
select s.horizon, s.trimmed, s.now, r.xid, r.id, (extract(epoch from r.at) * 1000)::bigint, r.path
from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon, trimmed,
  (extract(epoch from clock_timestamp()) * 1000)::bigint as now from cluster) s
left join (select * from read union all select null, null, path, null from due) r on true order by r.xid, r.id`;

export async function window(
  connections: Connections,
  cursors: readonly Cursor[],
  limit: number,
): Promise<Window | null> {
  const positions = Array.from({ length: shards }, (_, i) => cursors.find(({ shard }) => shard === i)?.position);
  const from = cursors.map(({ position }) => position).reduce(hindmost);
  const [xids, ids] = [positions.map((position) => position?.xid), positions.map((position) => position?.id)];
  const values = [from.xid, from.id, limit, from.at, xids, ids, cursors[0]!.peer];
  const rows = await connections.read("window", windowText, values);
  const [horizon, trimmed, now] = rows[0]!.map(Number) as [number, number, number];
  if (trimmed > from.xid) return null;
  const changes = rows.filter((row) => row[3] != null);
  const found = rows.filter((row) => row[6] != null);
  const paths = [...new Set(found.map((row) => row[6]!))];
  if (changes.length === limit) {
    const last = changes.at(-1)!;
    return { to: { xid: Number(last[3]), id: Number(last[4]), at: Number(last[5]) }, paths, more: true };
  }
  const to = horizon - 1 >= from.xid ? { xid: horizon - 1, id: wholeTransaction, at: now } : from;
  return { to, paths, more: found.length - changes.length === limit };
}

function hindmost(a: FeedPosition, b: FeedPosition): FeedPosition {
  return a.xid < b.xid || (a.xid === b.xid && a.id < b.id) ? a : b;
}

export async function carried(connections: Connections, origin: string, paths: readonly Path[], maxBytes: number) {
  const rows = await connections.read(
    "carried",
    `select c.floor, c.incarnated_at, a.n, a.found, ${carriedColumns.replace("path", "a.asked")} from cluster c left join (
       select p as asked, n, e.path is not null as found, e.*, sum(coalesce(length(e.value), 0)) over (order by n) as total
       from unnest($1::text[]) with ordinality as u(p, n) left join entries e on e.path = u.p
     ) a on a.total <= $2 or a.n = 1 order by a.n`,
    [paths, maxBytes],
  );
  return {
    floor: BigInt(rows[0]![0]!),
    rows: rows
      .filter((row) => row[2] != null)
      .map((row) => (row[3] === "t" ? carriedFrom(row, 4, origin, Number(row[1])) : null)),
  };
}

/** The lowest transaction that a key which was set aside holds the cursor `c` at; null for none. */
const heldBelow = "(select min(below::text::bigint) from set_aside where peer = c.peer and shard = c.shard)";
/** Nor is what a restored database gets back from others sent to anybody but by the repairs that follow its recovery. */
const awaitsRepair =
  "((select recovering from cluster) or (select repair is not null from peers p where p.peer = c.peer))";
/** Every transaction below it lies at or before the cursor `c`. */
export const completeAt = `(c.xid::text::bigint + (c.id = ${wholeTransaction})::int)`;

export async function advance(
  connections: Connections,
  cursors: readonly Cursor[],
  { to, delivered, setAside, hold }: Advance,
): Promise<Cursor[] | null> {
  const rows = await connections.query(
    "advance",
    `with locked as (
       select c.shard, (c.xid, c.id) < ($4::xid8, $5::bigint) as moves,
         case when ${awaitsRepair} then 0 else least(${completeAt}, ${heldBelow}) end as complete
       from cursors c join unnest($2::smallint[], $3::bigint[]) l(shard, fence) using (shard)
       where c.peer = $1 and c.fence = l.fence and c.owner is not null order by c.shard for update of c
     ), held as (
       select * from locked where (select count(*) from locked) = cardinality($2::smallint[])
     ), gone as (
       delete from set_aside where path = any($8::text[]) and peer = $1 and exists (select from held)
     ), added as (
       insert into set_aside as s (peer, path, shard, below, hlc, reason, retry_at)
       select $1, a.path, h.shard, h.complete::text::xid8, a.hlc, a.reason, now() + make_interval(secs => a.delay / 1000)
       from unnest($9::text[], $10::bigint[], $11::text[], $12::float8[], $13::smallint[]) a(path, hlc, reason, delay, shard)
       join held h using (shard)
       on conflict (peer, path) do update set hlc = excluded.hlc, reason = excluded.reason,
         retry_at = excluded.retry_at, attempts = s.attempts + 1
     )
     update cursors c set until = now() + make_interval(secs => $7::float8 / 1000),
       xid = case when moves then $4::xid8 else xid end, id = case when moves then $5::bigint else id end,
       at = case when moves then $6::bigint else at end
     from (select shard as held, moves from held) h where c.peer = $1 and c.shard = h.held returning ${cursorColumns}`,
    [
      ...[cursors[0]!.peer, cursors.map(({ shard }) => shard), cursors.map(({ fence }) => fence)],
      ...[to.xid, to.id, to.at, hold, delivered],
      ...(["path", "time", "reason", "delay"] as const).map((name) => setAside.map((aside) => String(aside[name]))),
      setAside.map(({ path }) => shardOf(path)),
    ],
  );
  return rows.length === 0 ? null : cursorsFrom(cursors[0]!.peer, rows);
}

const surveyText = `with s as materialized (
  select pg_snapshot_xmin(pg_current_snapshot()) as horizon, trimmed,
    (extract(epoch from clock_timestamp()) * 1000)::bigint as now from cluster
), state as materialized (
  select c.shard, c.xid, c.id, ${completeAt} as complete, ${heldBelow} as held, ${awaitsRepair} as repair, s.trimmed > c.xid or exists (
      select from feed f where (f.xid, f.id) > (c.xid, c.id) and f.xid < pg_snapshot_xmin(pg_current_snapshot())
        and f.at >= to_timestamp(c.at / 1000.0) - interval '1 hour' and f.shard = c.shard and f.entered_here
    ) as behind
  from cursors c cross join s where c.peer = $1 and c.shard >= 0
), moved as (
  update cursors c set xid = (s.horizon::text::bigint - 1)::text::xid8, id = ${wholeTransaction}, at = s.now
  from state t cross join s where c.peer = $1 and c.shard = t.shard and not t.behind and (c.xid, c.id) = (t.xid, t.id)
    and c.xid < (s.horizon::text::bigint - 1)::text::xid8
  returning c.shard
)
select t.shard, t.behind or exists (
    select from set_aside a where a.peer = $1 and a.shard = t.shard and a.retry_at <= now()
  ), case when t.repair then 0 else least(case when m.shard is null then t.complete else s.horizon::text::bigint end, t.held) end
from state t cross join s left join moved m using (shard) order by t.shard`;

export async function survey(connections: Connections, peer: string): Promise<ShardState[]> {
  const rows = await connections.query("survey", surveyText, [peer]);
  return rows.map((row) => ({ shard: Number(row[0]), behind: row[1] === "t", complete: Number(row[2]) }));
}
