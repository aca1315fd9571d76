/** Namespaces and API keys: small tables that every process reads through a cache of seconds. */
import {
  type ApiKeyRecord,
  type NamespaceDeletion,
  type NamespaceRecord,
  ReceiptExistsError,
  type SettingsReceipt,
} from "../port.ts";
import { type Connections, isDuplicate, type Row } from "./connection.ts";

const namespaceColumns =
  "name, epoch, (extract(epoch from created_at) * 1000)::bigint, settings, home, moving_to, home_epoch";
/** Of {@link namespaceColumns}. */
const namespaceWidth = 7;

function namespaceFrom(row: Row): NamespaceRecord {
  const home = { home: row[4] ?? null, movingTo: row[5] ?? null, homeEpoch: BigInt(row[6]!) };
  return { name: row[0]!, epoch: BigInt(row[1]!), createdAt: Number(row[2]), settings: JSON.parse(row[3]!), ...home };
}

export async function namespace(connections: Connections, name: string): Promise<NamespaceRecord | null> {
  const text = `select ${namespaceColumns} from namespaces where name = $1 and not deleted`;
  const rows = await connections.read("namespace", text, [name]);
  return rows[0] ? namespaceFrom(rows[0]) : null;
}

export async function namespaceSize(connections: Connections, name: string, now: number) {
  const text = `select count(*), coalesce(sum(e.size), 0)
    from entries e join namespaces n on n.name = $1 and not n.deleted and e.hlc > n.epoch
    where e.path >= $1 || '/' and e.path < $1 || '0'
      and e.kind <> 't' and (e.expires_at is null or e.expires_at > $2::bigint)`;
  const [entries, bytes] = (await connections.read("namespace size", text, [name, now]))[0]!.map(Number);
  return { entries: entries!, bytes: bytes! };
}

export async function namespaces(connections: Connections, now: number) {
  const rows = await connections.read(
    undefined,
    `select ${namespaceColumns}, coalesce(count, 0), coalesce(bytes, 0) from namespaces
     left join (
       select n.name, count(*), sum(e.size) as bytes
       from entries e join namespaces n on n.name = split_part(e.path, '/', 1) and e.hlc > n.epoch
       where e.kind <> 't' and (e.expires_at is null or e.expires_at > $1::bigint) group by 1
     ) c using (name)
     where not deleted order by name`,
    [now],
  );
  return rows.map((row) => {
    const [entries, bytes] = row.slice(namespaceWidth).map(Number) as [number, number];
    return { ...namespaceFrom(row), entries, bytes };
  });
}

/** A namespace that is made again starts above everything that its earlier life has left here. */
export async function putNamespace(
  connections: Connections,
  origin: string,
  name: string,
  settings: unknown,
  clock: bigint,
  receipt: SettingsReceipt | null,
  home: string | null,
) {
  const text = `with put as (
     insert into namespaces as n (name, epoch, hlc, origin, settings, moving_to, home_epoch)
     values ($1, coalesce((select max(hlc) from entries where path >= $1 || '/' and path < $1 || '0'), 0), $3::bigint, $4, $2,
       $5::text, ($5::text is not null)::int)
     on conflict (name) do update set
       settings = excluded.settings,
       hlc = greatest(excluded.hlc, n.hlc + 1),
       origin = excluded.origin,
       changed = pg_current_xact_id(),
       extra = null,
       created_at = case when n.deleted then now() else n.created_at end,
       epoch = case when n.deleted then greatest(excluded.epoch, n.epoch) else n.epoch end,
       deleted = false
     returning ${namespaceColumns}, created_at = now()
   ), result(name, epoch, created_at, settings, home, moving_to, home_epoch, created) as (select * from put), ${recorded(
     "jsonb_build_object('created', created, 'createdAt', created_at)",
     6,
   )}
   select * from result`;
  const values = [name, JSON.stringify(settings), clock, origin, home, ...receiptValues(receipt)];
  const rows = await once(() => connections.query(undefined, text, values));
  return { record: namespaceFrom(rows[0]!), created: rows[0]![namespaceWidth] === "t" };
}

/** Keeps the answer of a request with an Idempotency-Key, `more` of `result` with it. Three parameters from `first` on. */
function recorded(more: string, first: number): string {
  return `recorded as (
     insert into idempotency (scope, fingerprint, answer)
     select decode($${first}::text, 'hex'), decode($${first + 1}::text, 'hex'), $${first + 2}::jsonb || ${more}
     from result where $${first}::text is not null
   )`;
}

function receiptValues(receipt: SettingsReceipt | null): (string | null)[] {
  if (receipt === null) return [null, null, null];
  return [receipt.scope.toString("hex"), receipt.fingerprint.toString("hex"), JSON.stringify(receipt.answer)];
}

async function once(query: () => Promise<Row[]>): Promise<Row[]> {
  try {
    return await query();
  } catch (error) {
    if (!isDuplicate(error, "idempotency_pkey")) throw error;
    throw new ReceiptExistsError("a request with this key was answered already");
  }
}

/**
 * Marks the namespace deleted; statements of writers check the mark, so nothing enters once they have ended. The epoch
 * covers all that is here, also what a process with a faster clock has stamped.
 */
export async function deleteNamespace(
  connections: Connections,
  origin: string,
  name: string,
  force: boolean,
  clock: bigint,
  now: number,
  receipt: SettingsReceipt | null,
): Promise<NamespaceDeletion> {
  const text = `with found as (
       select name, exists (
         select 1 from entries where path >= $1 || '/' and path < $1 || '0'
           and kind <> 't' and (expires_at is null or expires_at > $2::bigint) and hlc > epoch
       ) as filled from namespaces where name = $1 and not deleted
     ), gone as (
       update namespaces set deleted = true, hlc = greatest($3::bigint, hlc + 1), origin = $5, changed = pg_current_xact_id(), settings = '{}',
         extra = null, epoch = greatest($3::bigint, hlc + 1, (select max(hlc) from entries where path >= $1 || '/' and path < $1 || '0'))
       where name = (select name from found where not filled or $4::boolean) returning name
     ), result(outcome) as (
       select case when exists (select 1 from gone) then 'deleted' when exists (select 1 from found) then 'not-empty' else 'not-found' end
     ), ${recorded("jsonb_build_object('outcome', outcome)", 6)}
     select outcome from result`;
  const values = [name, now, clock, force, origin, ...receiptValues(receipt)];
  const rows = await once(() => connections.query(undefined, text, values));
  return rows[0]![0] as NamespaceDeletion;
}

const keyColumns = `id, encode(hash, 'hex'), name, scopes, rate_limit, (extract(epoch from created_at) * 1000)::bigint,
  (extract(epoch from expires_at) * 1000)::bigint, (extract(epoch from revoked_at) * 1000)::bigint`;

function keyFrom(row: Row): ApiKeyRecord {
  return {
    id: row[0]!,
    hash: Buffer.from(row[1]!, "hex"),
    name: row[2]!,
    scopes: JSON.parse(row[3]!),
    rateLimit: row[4] == null ? null : JSON.parse(row[4]),
    createdAt: Number(row[5]),
    expiresAt: row[6] == null ? null : Number(row[6]),
    revokedAt: row[7] == null ? null : Number(row[7]),
  };
}

export async function apiKey(connections: Connections, id: string): Promise<ApiKeyRecord | null> {
  const rows = await connections.read("api key", `select ${keyColumns} from api_keys where id = $1`, [id]);
  return rows[0] ? keyFrom(rows[0]) : null;
}

export async function apiKeys(connections: Connections): Promise<ApiKeyRecord[]> {
  const rows = await connections.read(undefined, `select ${keyColumns} from api_keys order by created_at, id`);
  return rows.map(keyFrom);
}

/** Adds a key; an existing one of that id is left as it is. Without `clock` its version is zero: see the port. */
export async function putApiKey(
  connections: Connections,
  origin: string,
  key: ApiKeyRecord,
  clock: bigint | null,
): Promise<void> {
  await connections.query(
    undefined,
    `insert into api_keys (id, hash, name, scopes, rate_limit, created_at, expires_at, hlc, origin)
     values ($1, $2, $3, $4, $5, to_timestamp($6::bigint / 1000.0), to_timestamp($7::bigint / 1000.0), $8, $9)
     on conflict (id) do nothing`,
    [
      key.id,
      key.hash,
      key.name,
      JSON.stringify(key.scopes),
      key.rateLimit === null ? null : JSON.stringify(key.rateLimit),
      key.createdAt,
      key.expiresAt,
      clock ?? 0n,
      clock === null ? "" : origin,
    ],
  );
}

/** False when there is no such key. A key that is revoked already keeps its time. */
export async function revokeApiKey(
  connections: Connections,
  origin: string,
  id: string,
  at: number,
  clock: bigint,
): Promise<boolean> {
  const rows = await connections.query(
    undefined,
    `update api_keys set revoked_at = coalesce(revoked_at, to_timestamp($2::bigint / 1000.0)), hlc = greatest($3::bigint, hlc + 1), origin = $4
     where id = $1 returning id`,
    [id, at, clock, origin],
  );
  return rows.length > 0;
}
