import type { Home } from "../../../kv/catalog.ts";
import type { MovingReceipt } from "../../member.ts";
import type { Connections } from "../connection.ts";

/** See the port. Waits for the transactions that hold the row for what they have decided here (`../commit.ts`). */
export async function changeHome(
  connections: Connections,
  name: string,
  from: bigint,
  { home, movingTo, homeEpoch }: Home,
): Promise<boolean> {
  const rows = await connections.query(
    "change home",
    `update namespaces set home = $3, moving_to = $4, home_epoch = $5::bigint, stopped_at = now(), stop = null
     where name = $1 and home_epoch = $2::bigint returning name`,
    [name, from, home, movingTo, homeEpoch],
  );
  return rows.length > 0;
}

export async function stopHome(
  connections: Connections,
  name: string,
  homeEpoch: bigint,
  grace: number,
): Promise<number | null> {
  // In a transaction of its own: the snapshot must be younger than everything that was waited for.
  const rows = await connections.query(
    "stop home",
    `with noted as (
       update namespaces set stop = pg_snapshot_xmax(pg_current_snapshot())
       where name = $1 and home_epoch = $2::bigint and stop is null
         and (stopped_at is null or stopped_at <= now() - make_interval(secs => $3::float8 / 1000))
       returning stop
     )
     select coalesce((select stop from noted), (select stop from namespaces where name = $1 and home_epoch = $2::bigint))`,
    [name, homeEpoch, grace],
  );
  return rows[0]![0] == null ? null : Number(rows[0]![0]);
}

export async function receiptsOf(
  connections: Connections,
  origin: string,
  namespace: string,
  after: string | null,
  limit: number,
): Promise<MovingReceipt[]> {
  const rows = await connections.read(
    "receipts of namespace",
    `select encode(scope, 'hex'), encode(fingerprint, 'hex'), (extract(epoch from at) * 1000)::bigint, answer,
       (select jsonb_object_agg(key, jsonb_build_array(value -> 0, value -> 1, coalesce(value -> 2, to_jsonb($4::text))))
        from jsonb_each(written))
     from idempotency where namespace = $1 and ($2::text is null or scope > decode($2, 'hex')) order by scope limit $3`,
    [namespace, after, limit, origin],
  );
  return rows.map(([scope, fingerprint, at, answer, written]) => ({
    scope: scope!,
    fingerprint: fingerprint!,
    at: Number(at),
    answer: JSON.parse(answer!),
    written: written == null ? null : JSON.parse(written),
  }));
}

export async function putReceipts(
  connections: Connections,
  namespace: string,
  receipts: readonly MovingReceipt[],
): Promise<void> {
  await connections.query(
    "put receipts",
    `insert into idempotency (scope, fingerprint, at, answer, written, namespace)
     select decode(scope, 'hex'), decode(fingerprint, 'hex'), to_timestamp(at / 1000.0), answer, written, $1
     from jsonb_to_recordset($2) as r(scope text, fingerprint text, at bigint, answer jsonb, written jsonb)
     on conflict do nothing`,
    [namespace, JSON.stringify(receipts)],
  );
}
