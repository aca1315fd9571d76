import type { CatalogPosition, CatalogRow, NamespaceRow } from "../../../kv/catalog.ts";
import type { Connections, Row } from "../connection.ts";

export async function digest(connections: Connections): Promise<bigint> {
  return BigInt((await connections.read("catalog digest", "select digest from catalog"))[0]![0]!);
}

const milliseconds = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`;

const namespaceRows = `select 'namespace' as kind, name as id, hlc, origin, ${milliseconds("created_at")}, extra, epoch, deleted,
  settings, home, moving_to, home_epoch, null, null, null::jsonb, null::jsonb, null::bigint, null::bigint from namespaces`;

const rowsText = `select * from (
  ${namespaceRows}
  union all
  select 'key', id, hlc, origin, ${milliseconds("created_at")}, extra, null, null, null, null, null, null,
    encode(hash, 'hex'), name, scopes, rate_limit, ${milliseconds("expires_at")}, ${milliseconds("revoked_at")} from api_keys
) c
where $1::bigint is null or hlc < $1::bigint or (hlc = $1::bigint and (kind, id) > ($2::text collate "C", $3::text collate "C"))
order by hlc desc, kind collate "C", id collate "C" limit $4`;

/** Rows behind a position, the newest first. */
export async function rows(
  connections: Connections,
  after: CatalogPosition | null,
  limit: number,
): Promise<CatalogRow[]> {
  const found = await connections.read("catalog rows", rowsText, [
    ...[after?.time ?? null, after?.kind ?? "", after?.id ?? ""],
    limit,
  ]);
  return found.map(rowFrom);
}

export async function namespaceRow(connections: Connections, name: string): Promise<NamespaceRow | null> {
  const found = await connections.read("namespace row", `${namespaceRows} where name = $1`, [name]);
  return found[0] ? (rowFrom(found[0]) as NamespaceRow) : null;
}

function rowFrom(row: Row): CatalogRow {
  const common = {
    id: row[1]!,
    time: BigInt(row[2]!),
    origin: row[3]!,
    createdAt: Number(row[4]),
    extra: row[5] == null ? null : JSON.parse(row[5]),
  };
  if (row[0] === "namespace") {
    const isDeleted = row[7] === "t";
    const home = { home: row[9] ?? null, movingTo: row[10] ?? null, homeEpoch: BigInt(row[11]!) };
    return { kind: "namespace", ...common, ...home, epoch: BigInt(row[6]!), isDeleted, settings: JSON.parse(row[8]!) };
  }
  return {
    kind: "key",
    ...common,
    hash: Buffer.from(row[12]!, "hex"),
    name: row[13]!,
    scopes: JSON.parse(row[14]!),
    rateLimit: row[15] == null ? null : JSON.parse(row[15]),
    expiresAt: row[16] == null ? null : Number(row[16]),
    revokedAt: row[17] == null ? null : Number(row[17]),
  };
}

/** `mergeRows` of kv/catalog.ts: `columns` are the newer row's, each of `grown` has an expression of its own. */
function upsert(
  table: string,
  key: string,
  columns: readonly string[],
  grown: Readonly<Record<string, string>>,
): string {
  const wins = "(excluded.hlc, excluded.origin, t.created_at) > (t.hlc, t.origin, excluded.created_at)";
  const sets = [
    ...columns.map((column) => `${column} = case when ${wins} then excluded.${column} else t.${column} end`),
    ...Object.entries(grown).map(([column, both]) => `${column} = ${both}`),
  ];
  const differs = Object.entries(grown).map(([column, both]) => `t.${column} is distinct from ${both}`);
  const all = [key, ...columns, ...Object.keys(grown)].join(", ");
  // In order of the keys, so that two merges cannot deadlock on each other.
  return `insert into ${table} as t (${all}) select ${all} from input order by ${key} collate "C"
    on conflict (${key}) do update set ${sets.join(", ")} where ${[wins, ...differs].join(" or ")}`;
}

const time = (column: string) => `to_timestamp(${column} / 1000.0) as ${column}`;
const common = "hlc bigint, origin text, created_at bigint, extra jsonb";

const homeWins = `(excluded.home_epoch, coalesce(excluded.home, ''), coalesce(excluded.moving_to, ''))
  > (t.home_epoch, coalesce(t.home, ''), coalesce(t.moving_to, ''))`;
const laterHome = (column: string, value = `excluded.${column}`) =>
  `case when ${homeWins} then ${value} else t.${column} end`;

const mergeNamespaces = `with input as (
    select name, hlc, origin, ${time("created_at")}, extra, deleted, settings, epoch, home, moving_to, home_epoch,
      null::timestamptz as stopped_at, null::xid8 as stop
    from jsonb_to_recordset($1) as i(name text, ${common}, deleted boolean, settings jsonb, epoch bigint, home text,
      moving_to text, home_epoch bigint)
  ) ${upsert("namespaces", "name", ["hlc", "origin", "created_at", "extra", "deleted", "settings"], {
    epoch: "greatest(t.epoch, excluded.epoch)",
    home: laterHome("home"),
    moving_to: laterHome("moving_to"),
    home_epoch: laterHome("home_epoch"),
    stopped_at: laterHome("stopped_at", "now()"),
    stop: laterHome("stop"),
  })}`;

const mergeKeys = `with input as (
    select id, hlc, origin, ${time("created_at")}, extra, decode(hash, 'hex') as hash, name, scopes, rate_limit,
      ${time("expires_at")}, ${time("revoked_at")}
    from jsonb_to_recordset($1) as i(id text, ${common}, hash text, name text, scopes jsonb, rate_limit jsonb,
      expires_at bigint, revoked_at bigint)
  ) ${upsert(
    "api_keys",
    "id",
    ["hlc", "origin", "created_at", "extra", "hash", "name", "scopes", "rate_limit", "expires_at"],
    { revoked_at: "least(t.revoked_at, excluded.revoked_at)" },
  )}`;

/** Merges rows, each at most once. Namespaces come first: nobody asks for more of the order. */
export async function merge(connections: Connections, merged: readonly CatalogRow[]): Promise<void> {
  const namespaces = merged.flatMap((row) => (row.kind === "namespace" ? [row] : []));
  const keys = merged.flatMap((row) => (row.kind === "key" ? [row] : []));
  const columns = ({ time, origin, createdAt, extra }: CatalogRow) => ({
    hlc: String(time),
    origin,
    created_at: createdAt,
    extra,
  });
  if (namespaces.length > 0) {
    const input = namespaces.map((row) => {
      const { id, isDeleted, settings, epoch, home, movingTo, homeEpoch } = row;
      const homes = { home, moving_to: movingTo, home_epoch: String(homeEpoch) };
      return { name: id, ...columns(row), deleted: isDeleted, settings, epoch: String(epoch), ...homes };
    });
    await connections.query("merge namespaces", mergeNamespaces, [JSON.stringify(input)]);
  }
  if (keys.length > 0) {
    const input = keys.map((row) => {
      const { id, hash, name, scopes, rateLimit, expiresAt, revokedAt } = row;
      const times = { expires_at: expiresAt, revoked_at: revokedAt };
      const secret = Buffer.from(hash).toString("hex");
      return { id, ...columns(row), hash: secret, name, scopes, rate_limit: rateLimit, ...times };
    });
    await connections.query("merge keys", mergeKeys, [JSON.stringify(input)]);
  }
}

/** Lets what waits for a namespace be tried at once. Returns the shards that it is in. */
export async function retryUnknown(connections: Connections, peer: string): Promise<number[]> {
  const found = await connections.query(
    "retry unknown",
    `with due as (
       update set_aside set retry_at = now() where peer = $1 and reason = 'unknown-namespace' returning shard
     ) select distinct shard from due`,
    [peer],
  );
  return found.map(([shard]) => Number(shard));
}
