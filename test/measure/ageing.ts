import { query } from "../support/databases.ts";
import type { ProcessCloud } from "../support/processes.ts";

const hour = 3_600_000;

/**
 * Makes all that a database keeps for a time so many hours older: changes and conflicts. The rows of the feed move to the
 * partition of their new hour, so that maintenance finds and drops it as it would after that time.
 */
export async function age(cloud: ProcessCloud, hours: number): Promise<void> {
  const found = await query<{ hour: Date }>(
    cloud,
    "select distinct date_trunc('hour', at, 'UTC') - make_interval(hours => $1) as hour from feed",
    [hours],
  );
  for (const { hour: from } of found) {
    const name = `feed_${from.toISOString().slice(0, 13).replace(/\D/g, "")}`;
    const bounds = `from ('${from.toISOString()}') to ('${new Date(from.getTime() + hour).toISOString()}')`;
    await query(cloud, `create table if not exists ${name} partition of feed for values ${bounds}`);
  }
  // Together: a cursor looks for rows that are not much older than itself.
  await query(
    cloud,
    `with changes as (update feed set at = at - make_interval(hours => $1)),
       lost as (update conflicts set at = at - make_interval(hours => $1))
     update cursors set at = greatest(0, at - $1::bigint * ${hour})`,
    [hours],
  );
}

export type Sizes = { readonly feed: number; readonly database: number; readonly conflicts: number };

/** Bytes of the feed and of the whole database, and how many conflicts are kept. */
export async function sizesOf(cloud: ProcessCloud): Promise<Sizes> {
  const [row] = await query<Record<keyof Sizes, string>>(
    cloud,
    `select
       (select coalesce(sum(pg_total_relation_size(inhrelid)), 0) from pg_inherits where inhparent = 'feed'::regclass) as feed,
       pg_database_size(current_database()) as database, (select count(*) from conflicts) as conflicts`,
  );
  return { feed: Number(row!.feed), database: Number(row!.database), conflicts: Number(row!.conflicts) };
}
