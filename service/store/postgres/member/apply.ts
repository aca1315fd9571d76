import type { Carried } from "../../../kv/carried.ts";
import { compareMarks, type Mark, marksJson } from "../../../kv/marks.ts";
import { type Path, shardOf } from "../../../kv/path.ts";
import type { Version } from "../../../kv/version.ts";
import { fromWire, toWire } from "../../../replication/wire.ts";
import type { Applied, Apply, Current, KeptConflict, Watermarks } from "../../member.ts";
import { type Connections, isConflict } from "../connection.ts";
import { cellsJson, seenJson } from "../rows.ts";
import { carriedColumns, carriedFrom } from "./cursors.ts";

const currentText = `select a.asked, n.born, n.deleted, a.path is not null, c.incarnated_at, ${carriedColumns}
from (select p as asked, e.* from unnest($1::text[]) u(p) left join entries e on e.path = u.p) a
left join (select name, epoch as born, deleted from namespaces) n on n.name = split_part(a.asked, '/', 1)
cross join cluster c`;

/** The rows that arrivals are decided on, with their values: of two entries of one version the bytes decide. */
export async function current(connections: Connections, origin: string, paths: readonly Path[]): Promise<Current[]> {
  const rows = await connections.read("current", currentText, [paths]);
  const byPath = new Map<Path, Current>();
  for (const row of rows) {
    const epoch = row[1] == null ? null : BigInt(row[1]);
    const namespace = epoch === null ? null : { epoch, isDeleted: row[2] === "t" };
    const found =
      row[3] === "t" ? { changed: Number(row[6]), carried: carriedFrom(row, 5, origin, Number(row[4])) } : null;
    const isPlaceholder = found?.carried.entry.version.time === 0n;
    const hidden = found === null || isPlaceholder || epoch === null || found.carried.entry.version.time <= epoch;
    byPath.set(row[0]!, { changed: found?.changed ?? 0, carried: hidden ? null : found.carried, namespace });
  }
  return paths.map((path) => byPath.get(path)!);
}

/**
 * One statement for all that a batch does. As in `../commit.ts`, rows are taken in path order, and the state that a write
 * was decided on travels in `replaces`. The feed's shards are looked up by path: the plan is of before the batch, and would
 * compare each row with each. Other than there, versions are the ones that came, rows of the feed say that
 * nothing entered here, and everything is undone if the floor is not the one that the decisions were made under.
 */
const applyText = `
with input as (
  select * from unnest($1::text[], $2::xid8[], $3::"char"[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[],
      $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::jsonb[], $15::bigint[], $16::text[],
      $17::jsonb[], $18::jsonb[], $19::jsonb[])
    as i(path, expects, kind, position, size, blob, content_type, content_encoding, meta, expires_at, epoch_hlc,
      epoch_origin, cells, hlc, origin, seen, marks, extra)
), written as (
  insert into entries as e (path, hlc, origin, changed, replaces, marks, seen, kind, size, value, blob,
    content_type, content_encoding, meta, expires_at, epoch_hlc, epoch_origin, cells, extra)
  select i.path, i.hlc, i.origin, pg_current_xact_id(), i.expects, i.marks, i.seen, i.kind, i.size,
    case when i.position is not null then substring($20::bytea from i.position + 1 for i.size) end, i.blob,
    i.content_type, i.content_encoding, i.meta, i.expires_at, i.epoch_hlc, i.epoch_origin, i.cells, i.extra
  from input i join namespaces n on n.name = split_part(i.path, '/', 1) and not n.deleted and n.epoch < i.hlc
  order by i.path
  on conflict (path) do update set
    hlc = excluded.hlc, origin = excluded.origin, changed = excluded.changed, replaces = null,
    marks = excluded.marks, seen = excluded.seen, kind = excluded.kind, size = excluded.size,
    value = excluded.value, blob = excluded.blob, content_type = excluded.content_type,
    content_encoding = excluded.content_encoding, meta = excluded.meta, expires_at = excluded.expires_at,
    epoch_hlc = excluded.epoch_hlc, epoch_origin = excluded.epoch_origin, cells = excluded.cells, extra = excluded.extra
  where excluded.replaces = e.changed
  returning path, changed
), appended as (
  insert into feed (shard, path, entered_here) select ($14::jsonb ->> path)::smallint, path, false from written
), lost as (
  insert into conflicts (path, hlc, origin, entry, value)
  select l.path, l.hlc, l.origin, l.entry, l.value
  from unnest($21::text[], $22::bigint[], $23::text[], $24::jsonb[], $25::bytea[], $26::boolean[]) as l(path, hlc, origin, entry, value, decided)
  left join written w on w.path = l.path where not l.decided or w.path is not null
  on conflict do nothing
), held as (
  insert into quarantine (path, hlc, origin, sender, shard, below, entry, value)
  select q.path, q.hlc, q.origin, $27::text, q.shard,
    coalesce((select complete from watermarks where origin = $27::text and shard = q.shard), '0'), q.entry, q.value
  from unnest($28::text[], $29::bigint[], $30::text[], $31::smallint[], $32::jsonb[], $33::bytea[]) as q(path, hlc, origin, shard, entry, value)
  on conflict do nothing
), counted as (
  select count(*) as n from written
), claimed as (
  insert into watermarks as m (origin, shard, incarnation, incarnated_at, complete)
  select $27::text, c.shard, $34::text, $35::bigint, c.complete
  from unnest($36::smallint[], $37::xid8[]) as c(shard, complete), counted where counted.n = cardinality($1::text[])
  on conflict (origin, shard) do update set incarnation = excluded.incarnation, incarnated_at = excluded.incarnated_at,
    complete = excluded.complete
  where (m.incarnated_at, m.complete) < (excluded.incarnated_at, excluded.complete)
), reaching as (
  insert into reached as r (origin, shard, since, transaction)
  select * from unnest($39::text[], $40::smallint[], $41::bigint[], $42::xid8[])
  on conflict (origin, shard) do update set since = excluded.since, transaction = excluded.transaction
  where (r.since, r.transaction) < (excluded.since, excluded.transaction)
), checked as (
  select skykv_require_floor($38::bigint, n) from counted
)
select null, null, pg_snapshot_xmin(pg_current_snapshot()) from checked union all select path, changed, null from written`;

export async function apply(connections: Connections, request: Apply): Promise<Applied | "floor"> {
  const { sender, floor, arrivals, quarantine, claims } = request;
  const writes = arrivals.flatMap(({ path, expects, write }) => (write === null ? [] : [{ path, expects, write }]));
  const shards = writes.map(({ path }) => shardOf(path));
  const losers = arrivals.filter(({ loser }) => loser !== null);
  const values = [
    ...writeColumns(writes, shards),
    ...keptColumns(losers.map(({ loser }) => loser!)),
    losers.map(({ write }) => write !== null),
    sender.peer,
    ...keptColumns(quarantine.map(({ carried }) => carried)).toSpliced(
      3,
      0,
      quarantine.map(({ shard }) => shard),
    ),
    sender.incarnation,
    sender.incarnatedAt,
    claims.map(({ shard }) => shard),
    claims.map(({ complete }) => complete),
    floor,
    ...reachedColumns(writes, shards),
  ];
  let rows: (string | null)[][];
  try {
    rows = await connections.query("apply", applyText, values);
  } catch (error) {
    // The floor is another one, or a deadlock with a transaction of clients: either way the batch is decided anew.
    if (isConflict(error)) return "floor";
    throw error;
  }
  const written = new Map(rows.slice(1).map((row) => [row[0]!, Number(row[1])]));
  return {
    changed: arrivals.map(({ path, write }) => (write === null ? 0 : (written.get(path) ?? null))),
    horizon: Number(rows[0]![2]),
  };
}

type Write = { readonly path: Path; readonly expects: number; readonly write: Carried };

function writeColumns(writes: readonly Write[], shards: readonly number[]): unknown[] {
  const entries = writes.map(({ write }) => write.entry);
  const values = entries.map((entry) => (entry.kind === "value" ? entry : null));
  const counters = entries.map((entry) => (entry.kind === "counter" ? entry : null));
  const bodies: Uint8Array[] = [];
  let length = 0;
  const positions = values.map((value) => {
    if (value === null || value.body === null) return null;
    bodies.push(value.body);
    length += value.body.length;
    return length - value.body.length;
  });
  const shardOfPath = writes.map(({ path }, i) => `${JSON.stringify(path)}:${shards[i]}`);
  return [
    writes.map(({ path }) => path),
    numbers(writes.map(({ expects }) => expects)),
    entries.map(({ kind }) => kind[0]!),
    numbers(positions),
    numbers(values.map((value) => value?.size ?? 0)),
    sparse(values.map((value) => value?.blob)),
    sparse(values.map((value) => value?.contentType)),
    sparse(values.map((value) => value?.contentEncoding)),
    sparse(values.map((value) => value?.meta)),
    sparse(values.map((value) => value?.expiresAt)),
    sparse(counters.map((counter) => counter?.epoch.time)),
    sparse(counters.map((counter) => counter?.epoch.origin)),
    sparse(counters.map((counter) => counter && cellsJson(counter.cells))),
    `{${shardOfPath.join(",")}}`,
    numbers(entries.map(({ version }) => version.time)),
    entries.map(({ version }) => version.origin),
    sparse(entries.map(({ seen }) => seenJson(seen))),
    writes.map(({ write }) => JSON.stringify(marksJson(write.marks))),
    sparse(writes.map(({ write }) => write.extra && JSON.stringify(write.extra))),
    Buffer.concat(bodies, length),
  ];
}

/** An array of numbers as PostgreSQL reads it: what pg makes of one, number by number, took longer than all else. */
function numbers(values: readonly (number | bigint | null)[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

/** A column that is empty in most batches: `unnest` fills one that is too short with nulls. */
function sparse<T>(values: readonly (T | null | undefined)[]): readonly (T | null | undefined)[] {
  return values.every((value) => value == null) ? [] : values;
}

/** The newest marks of a batch by cloud and shard, in an order that keeps two batches from waiting for each other. */
function reachedColumns(writes: readonly Write[], shards: readonly number[]): unknown[][] {
  const newest = new Map<string, Mark[]>();
  for (const [i, { write }] of writes.entries()) {
    const shard = shards[i]!;
    for (const cloud in write.marks) {
      const mark = write.marks[cloud]!;
      const known = newest.get(cloud) ?? [];
      if (known[shard] === undefined || compareMarks(known[shard], mark) < 0) known[shard] = mark;
      newest.set(cloud, known);
    }
  }
  // `flatMap` passes over shards without a mark.
  const rows = [...newest].flatMap(([cloud, marks]) => marks.flatMap((mark, shard) => [{ cloud, shard, mark }]));
  rows.sort((a, b) => (a.cloud < b.cloud ? -1 : a.cloud > b.cloud ? 1 : a.shard - b.shard));
  return [
    rows.map(({ cloud }) => cloud),
    rows.map(({ shard }) => shard),
    rows.map(({ mark }) => mark.since),
    rows.map(({ mark }) => mark.transaction),
  ];
}

/** Entries that are only kept for later are JSON, with their bytes beside it. */
export function keptColumns(kept: readonly Carried[]): unknown[][] {
  return [
    kept.map(({ path }) => path),
    kept.map(({ entry }) => entry.version.time),
    kept.map(({ entry }) => entry.version.origin),
    kept.map((carried) => JSON.stringify(toWire(carried))),
    kept.map(({ entry }) => (entry.kind === "value" && entry.body !== null ? Buffer.from(entry.body) : null)),
  ];
}

function keptFrom(entry: string, value: string | null): Carried {
  return fromWire(JSON.parse(entry), value === null ? null : Buffer.from(value.slice(2), "hex"));
}

export async function dueQuarantine(connections: Connections, time: bigint, limit: number): Promise<Carried[]> {
  const rows = await connections.read(
    "due quarantine",
    "select entry, value from quarantine where hlc <= $1::bigint order by hlc limit $2",
    [time, limit],
  );
  return rows.map((row) => keptFrom(row[0]!, row[1] ?? null));
}

export async function releaseQuarantine(connections: Connections, carried: readonly Carried[]): Promise<void> {
  await connections.query(
    "release quarantine",
    "delete from quarantine where (path, hlc, origin) in (select * from unnest($1::text[], $2::bigint[], $3::text[]))",
    keptColumns(carried).slice(0, 3),
  );
}

/** One statement, so that what it calls complete is part of every read that begins after it. */
export async function watermarks(connections: Connections): Promise<Watermarks> {
  const rows = await connections.read(
    "watermarks",
    `select s.ahead, w.origin, w.shard, w.incarnated_at, least(w.complete::text::bigint,
       (select min(q.below::text::bigint) from quarantine q where q.sender = w.origin and q.shard = w.shard)),
       (select json_agg(peer order by peer) from peers p where not is_expelled
          or exists (select from peers stays where not stays.is_expelled and stays.settling is not null))
     from (select pg_snapshot_xmax(pg_current_snapshot()) as ahead) s left join watermarks w on true`,
  );
  return {
    asOf: Number(rows[0]![0]) - 1,
    binding: rows[0]![5] == null ? [] : JSON.parse(rows[0]![5]),
    complete: rows
      .filter((row) => row[1] != null)
      .map((row) => ({
        origin: row[1]!,
        shard: Number(row[2]),
        mark: { since: Number(row[3]), transaction: Number(row[4]) },
      })),
  };
}

export async function conflicts(connections: Connections, prefix: Path, limit: number): Promise<KeptConflict[]> {
  const rows = await connections.read(
    "conflicts",
    `select entry, value, (extract(epoch from at) * 1000)::bigint from conflicts
     where starts_with(path, $1) order by at desc limit $2`,
    [prefix, limit],
  );
  return rows.map((row) => ({ carried: keptFrom(row[0]!, row[1] ?? null), at: Number(row[2]) }));
}

export async function conflict(connections: Connections, path: Path, { time, origin }: Version) {
  const [row] = await connections.read(
    "conflict",
    "select entry, value from conflicts where path = $1 and hlc = $2::bigint and origin = $3",
    [path, time, origin],
  );
  return row === undefined ? null : keptFrom(row[0]!, row[1] ?? null);
}

/** Keeps the newest conflicts, at most so many and so old. */
export async function trimConflicts(connections: Connections, days: number, rows: number): Promise<void> {
  await connections.query(
    undefined,
    `delete from conflicts where at < now() - make_interval(days => $1)
       or at < (select at from conflicts order by at desc offset $2 limit 1)`,
    [days, rows],
  );
}
