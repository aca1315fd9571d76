import type { Stored } from "../../kv/entry.ts";
import { noMarks } from "../../kv/marks.ts";
import { afterPrefix, keyOf, type Path, pathOf } from "../../kv/path.ts";
import type { ListAnswer, Listed, ListRequest, ReadAnswer } from "../port.ts";
import type { Connections, Row } from "./connection.ts";
import { marksOf, noValue, smallValue, storedColumns, storedFrom } from "./rows.ts";

/** A left join, so that the horizon comes also when no row does. It is taken with the snapshot of the read. */
const readMany = `select s.horizon, e.* from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) s
left join (select ${storedColumns(smallValue)} from entries where path = any($1::text[])) e on true`;

/** Current rows of many keys in one statement; values above `batchedValueBytes` are left out (body null, no blob). */
export async function readRows(connections: Connections, paths: readonly Path[]): Promise<ReadAnswer> {
  const rows = await connections.read("read", readMany, [paths]);
  const byPath = new Map<Path, Stored>();
  for (const row of rows) {
    if (row[1] != null) byPath.set(row[1], storedFrom(row, 1));
  }
  return { horizon: Number(rows[0]![0]), rows: paths.map((path) => byPath.get(path) ?? null) };
}

const readOne = `select ${storedColumns("value")} from entries where path = $1`;

/** One row with its value, whatever the size. */
export async function readRow(connections: Connections, path: Path): Promise<Stored | null> {
  const rows = await connections.read("read one", readOne, [path]);
  return rows[0] ? storedFrom(rows[0]) : null;
}

const live = "kind <> 't' and (expires_at is null or expires_at > $4::bigint) and hlc > $5::bigint";

/** A left join, so that the snapshot's end comes also when no row does. */
const withSnapshot = (rows: string, order: string) => `select s.seen, s.reached, r.*
from (select pg_snapshot_xmax(pg_current_snapshot()) as seen, (
  select jsonb_object_agg(origin, mark) from (
    select distinct on (origin) origin, jsonb_build_array(since, transaction::text::bigint) as mark
    from reached order by origin, since desc, transaction desc
  ) newest) as reached) s left join (${rows}) r on true order by r.${order}`;

const listPlain = (value: string) =>
  withSnapshot(
    `select ${storedColumns(value)} from entries
where path >= $1 and ($2::text is null or path < $2) and ${live} order by path limit $3`,
    "path",
  );

/**
 * Folds keys at the delimiter by skipping: after a folded prefix the next row looked for is the first one behind all that
 * start with it, so that the work is in the number of results and not in what they fold. No text sorts between a path
 * and the path with U+0001 appended, because U+0000 is not allowed.
 */
const listFolded = (value: string) =>
  withSnapshot(
    `with recursive walk(path, folded) as (
  (select path, ${fold("path")} from entries where path >= $1 and ($2::text is null or path < $2) and ${live} order by path limit 1)
  union all
  select n.path, ${fold("n.path")} from walk w cross join lateral (
    select path from entries
    where path >= case when w.folded is null then w.path || chr(1) else left(w.folded, -length($6::text)) || $7::text end
      and ($2::text is null or path < $2) and ${live} order by path limit 1) n
), found as materialized (select path, folded from walk limit $3)
select f.path as at, f.folded, e.* from found f
left join lateral (select ${storedColumns(value)} from entries where path = f.path and f.folded is null) e on true`,
    "at",
  );

/** The folded prefix of a path, or null when the delimiter does not occur behind the listed prefix. */
function fold(path: string): string {
  const rest = `substr(${path}, $8::int)`;
  return `case when strpos(${rest}, $6::text) > 0 then left(${path}, $8::int - 1 + strpos(${rest}, $6::text) - 1 + length($6::text)) end`;
}

const lists = {
  keys: { plain: listPlain(noValue), folded: listFolded(noValue) },
  values: { plain: listPlain(smallValue), folded: listFolded(smallValue) },
};

/** One page in byte order. */
export async function listRows(connections: Connections, request: ListRequest): Promise<ListAnswer> {
  const { namespace, prefix, delimiter, after, limit, now, epoch } = request;
  const whole = pathOf(namespace, prefix);
  const end = afterPrefix(whole);
  let start = whole;
  if (after !== null) {
    const afterPath = pathOf(namespace, after);
    // A key that holds the delimiter behind the prefix would be folded, so what ends with its first one is a fold.
    const at = delimiter === null ? -1 : after.indexOf(delimiter, prefix.length);
    const folded = at !== -1 && at + delimiter!.length === after.length;
    start = folded ? (afterPrefix(afterPath) ?? afterPath) : `${afterPath}\u0001`;
    if (start < whole) start = whole;
  }
  const shape = request.values ? "values" : "keys";
  if (delimiter === null) {
    const rows = await connections.read(`list ${shape}`, lists[shape].plain, [start, end, limit, now, epoch]);
    return answerOf(rows, (row) => ({ key: keyOf(row[2]!), stored: storedFrom(row, 2) }));
  }
  const codePoints = Array.from(whole).length;
  const values = [start, end, limit, now, epoch, delimiter, afterPrefix(delimiter), codePoints + 1];
  const rows = await connections.read(`list folded ${shape}`, lists[shape].folded, values);
  return answerOf(rows, (row) =>
    row[3] == null ? { key: keyOf(row[4]!), stored: storedFrom(row, 4) } : { prefix: keyOf(row[3]) },
  );
}

function answerOf(rows: readonly Row[], itemOf: (row: Row) => Listed): ListAnswer {
  // The snapshot's end is the first transaction that it does not hold.
  return {
    items: rows.filter((row) => row[2] != null).map(itemOf),
    seen: Number(rows[0]![0]) - 1,
    reached: rows[0]![1] == null ? noMarks : marksOf(rows[0]![1]),
  };
}
