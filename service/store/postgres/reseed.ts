import type pg from "pg";
import { shardOf } from "../../kv/path.ts";
import { keptColumns } from "./member/apply.ts";
import { carriedColumns, carriedFrom, completeAt } from "./member/cursors.ts";
import { withClient } from "./migrate.ts";

/** Entries that are read at once. */
const stepRows = 500;

/** Tables of what comes from the other clouds again, or is about an earlier life. Conflicts, namespaces and API keys stay. */
const emptied = "entries, feed, idempotency, watermarks, reached, set_aside, quarantine";

const asText = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/**
 * Empties the database of an expelled cloud, in one transaction; the next start finds another incarnation, that was not
 * expelled, and repairs it from the peers before it serves. Entries that entered here and no peer has confirmed become
 * conflicts: as writes they would win over what the others have done since. Returns how many. Throws, and changes nothing,
 * where the cloud is not expelled or the service runs.
 */
export async function reseed(url: string, origin: string): Promise<number> {
  return withClient(url, async (client) => {
    await client.query("begin");
    const { rows } = await client.query(
      `select coalesce(expelled >= incarnated_at, false) as expelled, exists (
         select from pg_stat_activity where datname = current_database() and application_name like 'skykv %' and pid <> pg_backend_pid()
       ) as running from cluster for update`,
    );
    const [{ expelled, running }] = rows;
    if (running) throw new Error("the service runs on this database: stop all its processes first");
    if (!expelled) {
      throw new Error(
        "this database knows of no expulsion: expel the cloud at another one, and let it hear of that first",
      );
    }
    const kept = await keepUnconfirmed(client, origin);
    await client.query(`truncate ${emptied}`);
    await client.query(
      `update cluster set id = gen_random_uuid(), incarnated_at = greatest(incarnated_at, expelled + 1), mark = null, mark_xid = null`,
    );
    await client.query("commit");
    return kept;
  });
}

async function keepUnconfirmed(client: pg.Client, origin: string): Promise<number> {
  // What one of the others has they all get from it.
  const { rows: cursors } = await client.query(
    `select shard, max(${completeAt}) as complete from cursors c where shard >= 0 group by shard`,
  );
  const complete = new Map<number, number>(cursors.map((row) => [row.shard, Number(row.complete)]));
  let kept = 0;
  for (let after = ""; ; ) {
    const { rows } = await client.query({
      text: `select ${carriedColumns}, path in (select path from set_aside) from entries e
             where path > $1 and marks is null and hlc > 0 order by path limit ${stepRows}`,
      values: [after],
      rowMode: "array",
      types: asText,
    });
    if (rows.length === 0) return kept;
    const carried = rows.map((row) => ({ ...carriedFrom(row, 0, origin, 0), isAside: row.at(-1) === "t" }));
    const lost = carried.filter(
      ({ path, marks, isAside }) => isAside || marks[origin]!.transaction >= (complete.get(shardOf(path)) ?? 0),
    );
    await client.query(
      `insert into conflicts (path, hlc, origin, entry, value)
       select * from unnest($1::text[], $2::bigint[], $3::text[], $4::jsonb[], $5::bytea[]) on conflict do nothing`,
      keptColumns(lost),
    );
    kept += lost.length;
    after = carried.at(-1)!.path;
  }
}
