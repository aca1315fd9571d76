import type pg from "pg";
import { type Path, shardOf } from "../../kv/path.ts";
import { keptColumns } from "./member/apply.ts";
import { carriedColumns, carriedFrom, completeAt } from "./member/cursors.ts";
import { withClient } from "./migrate.ts";

/** What becomes of entries that no other cloud has: conflicts, new writes, or nothing. */
export type Unsent = "keep" | "rewrite" | "drop";
export type Reseeded = { readonly kept: number; readonly rewritten: number; readonly dropped: number };

/** Entries that are read at once. */
const stepRows = 500;

/** Tables of what comes from the other clouds again, or is about an earlier life. Conflicts, namespaces and API keys stay. */
const emptied = "feed, idempotency, watermarks, reached, set_aside, quarantine";

/**
 * Whether an entry may be written again. Not a counter: how much of its sum had been sent nobody can tell. Not where there is
 * a home, which alone decides, and not what its namespace's deletion hides.
 */
const isWritable = `e.kind <> 'c' and exists (
  select from namespaces n where n.name = split_part(e.path, '/', 1) and not n.deleted and e.hlc > n.epoch
    and n.home is null and n.moving_to is null)`;

const asText = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/**
 * Empties the database of an expelled cloud, in one transaction; the next start finds another incarnation, that was not
 * expelled, and repairs it from the peers before it serves. Entries that entered here and no peer has confirmed are kept,
 * written again or dropped. Throws, and changes nothing, where the cloud is not expelled or the service runs.
 */
export async function reseed(url: string, origin: string, unsent: Unsent): Promise<Reseeded> {
  return withClient(url, async (client) => {
    await client.query("begin");
    const { rows } = await client.query(
      `select coalesce(expelled >= incarnated_at, false) as expelled, exists (
         select from pg_stat_activity where datname = current_database() and application_name like 'skykv %' and pid <> pg_backend_pid()
       ) as running,
       -- Above all that is here, and above what may be forgotten elsewhere, which is an hour old at least.
       greatest((extract(epoch from clock_timestamp()) * 1000)::bigint << 16, stamped_above + 1, floor + 1,
         (select max(hlc) + 1 from entries)) as stamp from cluster for update`,
    );
    const [{ expelled, running, stamp }] = rows;
    if (running) throw new Error("the service runs on this database: stop all its processes first");
    if (!expelled) {
      throw new Error(
        "this database knows of no expulsion: expel the cloud at another one, and let it hear of that first",
      );
    }
    const count = { kept: 0, rewritten: 0, dropped: 0 };
    for await (const { lost, writable } of unconfirmed(client, origin)) {
      const again = unsent === "rewrite" ? writable : [];
      const kept = unsent === "drop" ? [] : lost.filter(({ path }) => !again.includes(path));
      await keep(client, kept);
      await rewrite(client, again, origin, stamp);
      count.kept += kept.length;
      count.rewritten += again.length;
      count.dropped += lost.length - kept.length - again.length;
    }
    if (count.rewritten === 0) await client.query("truncate entries");
    else await client.query("delete from entries where hlc < $1::bigint", [stamp]);
    await client.query(`truncate ${emptied}`);
    // Without a floor of its own it is right about nothing, and no restored cloud takes it for one to go by.
    await client.query(
      `update cluster set id = gen_random_uuid(), incarnated_at = greatest(incarnated_at, expelled + 1), mark = null,
         mark_xid = null, stamped_above = greatest(stamped_above, floor), floor = 0`,
    );
    await client.query("commit");
    return count;
  });
}

/** Entries that entered here and no other cloud is known to have; what one of the others has they all get from it. */
async function* unconfirmed(client: pg.Client, origin: string) {
  // The cursors of a peer that waits for a repair stand at the end, whatever it has.
  const { rows: cursors } = await client.query(
    `select shard, max(${completeAt}) as complete from cursors c join peers p using (peer)
     where shard >= 0 and p.repair is null group by shard`,
  );
  const complete = new Map<number, number>(cursors.map((row) => [row.shard, Number(row.complete)]));
  for (let after = ""; ; ) {
    const { rows } = await client.query({
      text: `select ${carriedColumns}, ${isWritable}, path in (select path from set_aside) from entries e
             where path > $1 and marks is null and hlc > (select floor from cluster) order by path limit ${stepRows}`,
      values: [after],
      rowMode: "array",
      types: asText,
    });
    if (rows.length === 0) return;
    const carried = rows.map((row) => ({
      ...carriedFrom(row, 0, origin, 0),
      isWritable: row.at(-2) === "t",
      isAside: row.at(-1) === "t",
    }));
    const lost = carried.filter(
      ({ path, marks, isAside }) => isAside || marks[origin]!.transaction >= (complete.get(shardOf(path)) ?? 0),
    );
    yield { lost, writable: lost.filter((one) => one.isWritable).map(({ path }) => path) };
    after = carried.at(-1)!.path;
  }
}

async function keep(client: pg.Client, lost: Parameters<typeof keptColumns>[0]): Promise<void> {
  await client.query(
    `insert into conflicts (path, hlc, origin, entry, value)
     select * from unnest($1::text[], $2::bigint[], $3::text[], $4::jsonb[], $5::bytea[]) on conflict do nothing`,
    keptColumns(lost),
  );
}

/** As a client's write over what was there would: a newer version, which descends from the one before. */
async function rewrite(client: pg.Client, paths: readonly Path[], origin: string, stamp: string): Promise<void> {
  await client.query(
    `update entries set hlc = $3::bigint, origin = $2, changed = pg_current_xact_id(), replaces = null,
       seen = case when origin = $2 then seen else (coalesce(seen, '{}') - $2) || jsonb_build_object(origin, hlc::text) end
     where path = any($1::text[])`,
    [paths, origin, stamp],
  );
}
