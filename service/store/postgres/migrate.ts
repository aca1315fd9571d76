import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";

const folder = fileURLToPath(new URL("./migrations", import.meta.url));
const table = "migrations";

/** Functions that act for the owner of the tables, and so are for the service's users alone. */
const ownersFunctions = ["skykv_make_feed_part(timestamptz)", "skykv_drop_feed_part(text)"];

/** Brings the schema up to date, as the owner of its tables. Others may do it at the same time. */
export async function migrate(databaseUrl: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: folder,
    direction: "up",
    migrationsTable: table,
    log: () => {},
    advisoryLockMode: "wait",
  });
}

/** As {@link migrate}, where something is missing. Throws when this user may not do that. */
export async function requireSchema(databaseUrl: string): Promise<void> {
  const { missing, mayChange } = await stateOf(databaseUrl);
  if (missing.length === 0) return;
  if (mayChange) return migrate(databaseUrl);
  throw new Error(
    `the schema lacks ${missing.join(", ")}, and this user may not change it; run the role migration first`,
  );
}

async function stateOf(url: string): Promise<{ readonly missing: readonly string[]; readonly mayChange: boolean }> {
  const names = (await readdir(folder)).map((file) => file.replace(/\.sql$/, "")).sort();
  return withClient(url, async (client) => {
    const [found] = (
      await client.query(
        `select t.oid is not null as exists, coalesce(pg_has_role(t.relowner, 'usage'), true)
           and has_schema_privilege(current_schema(), 'create') as "mayChange"
         from (select) s left join pg_class t on t.oid = to_regclass($1)`,
        [table],
      )
    ).rows;
    const { rows } = found.exists ? await client.query(`select name from ${table}`) : { rows: [] };
    const done = new Set(rows.map(({ name }) => name));
    return { missing: names.filter((name) => !done.has(name)), mayChange: found.mayChange };
  });
}

/** Lets users read and write what the service's tables hold, and nothing else: not change the tables, nor what is noted of them. */
export async function grantTo(databaseUrl: string, users: readonly string[]): Promise<void> {
  if (users.length === 0) return;
  const names = users.map((user) => pg.escapeIdentifier(user)).join(", ");
  await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query(
      `select current_schema() as schema, string_agg(oid::regclass::text, ', ') as tables from pg_class
       where relnamespace = current_schema()::regnamespace and relowner = current_user::regrole
         and relkind in ('r', 'p') and not relispartition and relname <> '${table}'`,
    );
    const { schema, tables } = rows[0];
    await client.query(`grant usage on schema ${pg.escapeIdentifier(schema)} to ${names}`);
    await client.query(`grant select, insert, update, delete on ${tables} to ${names}`);
    await client.query(`grant select on ${table} to ${names}`);
    await client.query(`grant execute on function ${ownersFunctions.join(", ")} to ${names}`);
  });
}

/** Makes the users that are not there. They have no password: how they prove who they are is up to the server. */
export async function makeUsers(databaseUrl: string, users: readonly string[]): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    for (const user of users) {
      const { rowCount } = await client.query("select from pg_roles where rolname = $1", [user]);
      if (rowCount === 0) await client.query(`create role ${pg.escapeIdentifier(user)} login`);
    }
  });
}

/** A connection of its own for `work`. */
export async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, application_name: "skykv migration" });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
