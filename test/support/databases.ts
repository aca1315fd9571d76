import pg from "pg";
import type { ProcessCloud } from "./processes.ts";

/** Per cloud, the digest of each key's state in normal form; see `skykv_digest`. */
export type Copies = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Asks one database, over a connection of its own. */
export async function query<R extends pg.QueryResultRow>(
  { postgres }: ProcessCloud,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<R>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** The digest of every key's state in every cloud, under the highest floor that any of them has. */
export async function copiesOf(clouds: ReadonlyMap<string, ProcessCloud>): Promise<Copies> {
  const all = [...clouds.values()];
  const floors = await Promise.all(all.map((cloud) => query<{ floor: string }>(cloud, "select floor from cluster")));
  const highest = floors.map(([row]) => BigInt(row!.floor)).reduce((a, b) => (a > b ? a : b));
  const text = `select path, skykv_digest(e, $1) as digest from entries e
    where hlc > $1 or kind = 'c' or (kind = 'v' and (expires_at is null or expires_at > $2))`;
  const now = Date.now();
  const rows = await Promise.all(
    all.map((cloud) => query<{ path: string; digest: string }>(cloud, text, [highest, now])),
  );
  return new Map(
    [...clouds.keys()].map((name, i) => [name, new Map(rows[i]!.map(({ path, digest }) => [path, digest]))]),
  );
}
