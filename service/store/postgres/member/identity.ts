import type { Path } from "../../../kv/path.ts";
import {
  type Identity,
  type Members,
  type News,
  type Peer,
  type RepairBegun,
  repairLease,
  type Sender,
} from "../../member.ts";
import type { Connections, Row } from "../connection.ts";
import { expel } from "./expel.ts";

/** Columns of `cluster c` that {@link identityFrom} reads, in its order. */
const identityColumns =
  "c.incarnation, c.incarnated_at, c.floor, c.confirmed, c.recovering, c.copied, c.expelled, c.sound";
const identityWidth = 8;

function identityFrom(row: Row, at = 0): Identity {
  return {
    incarnation: row[at]!,
    incarnatedAt: Number(row[at + 1]),
    floor: BigInt(row[at + 2]!),
    confirmed: BigInt(row[at + 3]!),
    recovering: row[at + 4] === "t",
    copied: row[at + 5] === "t",
    expelledUpTo: row[at + 6] == null ? null : Number(row[at + 6]),
    soundUpTo: BigInt(row[at + 7]!),
  };
}

export async function identity(connections: Connections): Promise<Identity> {
  const [row] = await connections.read("identity", `select ${identityColumns} from cluster c`);
  return identityFrom(row!);
}

/** The end of the feed, for cursors; all of the transaction below the horizon is behind it. */
const endOfFeed = `xid = (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text::xid8, id = ${Number.MAX_SAFE_INTEGER},
  at = (extract(epoch from clock_timestamp()) * 1000)::bigint`;

/**
 * What follows when the feed alone does not bring some peers all they lack. `chosen` is a query of their names. Whoever
 * holds a cursor loses it: the window that he read was behind the old position.
 */
const toRepair = (chosen: string) => `, due as (
  update peers set repairs = repairs + 1, repair = repairs + 1, clean_at = null where peer in (${chosen})
), ended as (
  update cursors set ${endOfFeed}, owner = null, until = '-infinity', fence = fence + 1 where peer in (${chosen})
), forgotten as (
  delete from set_aside where peer in (${chosen})
)`;

/** See the port. The incarnation of the database is compared with the one of its last opening. */
export async function join(
  connections: Connections,
  incarnation: string,
  peers: readonly string[],
  shards: number,
  now: number,
): Promise<void> {
  await connections.query(undefined, "insert into peers (peer) select unnest($1::text[]) on conflict do nothing", [
    peers,
  ]);
  await connections.query(
    undefined,
    `insert into cursors (peer, shard) select p, s from unnest($1::text[]) p, generate_series(${repairLease}, $2::int - 1) s on conflict do nothing`,
    [peers, shards],
  );
  await connections.query(
    undefined,
    `with changed as (
       select incarnation is not null as restored from cluster where incarnation is distinct from $1 for update
     ), mine as (
       update cluster set incarnation = $1, incarnated_at = greatest($2::bigint, incarnated_at + 1),
         recovering = recovering or ((select restored from changed) and cardinality($3::text[]) > 0),
         sound = floor,
         copied = copied or (not (select restored from changed) and (cardinality($3::text[]) = 0 or exists (select from entries)))
       where exists (select from changed)
     ), lost as (
       delete from watermarks where (select restored from changed)
     )${toRepair("select peer from peers where (select restored from changed)")}
     select`,
    [incarnation, now, peers],
  );
}

/** Columns of `peers p` that {@link peerFrom} reads, in its order. */
const peerColumns = `p.peer, p.incarnation, p.incarnated_at, p.confirmed, p.repair, (extract(epoch from p.clean_at) * 1000)::bigint,
  (extract(epoch from clock_timestamp() - p.caught_up_at) * 1000)::bigint, p.expelled, p.settling`;

function peerFrom(row: Row, at = 0): Peer {
  return {
    peer: row[at]!,
    incarnation: row[at + 1] ?? null,
    incarnatedAt: Number(row[at + 2]),
    confirmed: BigInt(row[at + 3]!),
    repair: row[at + 4] == null ? null : Number(row[at + 4]),
    cleanAt: row[at + 5] == null ? null : Number(row[at + 5]),
    lag: Math.max(0, Number(row[at + 6])),
    expelledUpTo: row[at + 7] == null ? null : Number(row[at + 7]),
    settling: row[at + 8] == null ? null : Number(row[at + 8]),
  };
}

export async function peersOf(connections: Connections): Promise<Peer[]> {
  const rows = await connections.read("peers", `select ${peerColumns} from peers p order by peer`);
  return rows.map((row) => peerFrom(row));
}

export async function members(connections: Connections): Promise<Members> {
  const rows = await connections.read(
    "members",
    `select ${identityColumns}, ${peerColumns} from cluster c left join peers p on true order by peer`,
  );
  const peers = rows.filter((row) => row[identityWidth] != null).map((row) => peerFrom(row, identityWidth));
  return { self: identityFrom(rows[0]!), peers };
}

/** What peers now forget this one may still have to tell: see `docs/decisions/0022`. */
const isSelfExpelled = "coalesce(c.expelled >= c.incarnated_at, false)";
/** The sender names every expulsion that is known here. */
const knowsAll = `not exists (
  select from peers k where k.expelled > coalesce((select up_to from unnest($7::text[], $8::bigint[]) e(cloud, up_to) where cloud = k.peer), -1)
)`;

/** Most messages say nothing new, and then nothing is written. */
export async function hear(
  connections: Connections,
  origin: string,
  sender: Sender,
  news: News,
): Promise<Identity | null> {
  const { peer, incarnation, incarnatedAt } = sender;
  const yours = news.yours ?? 0n;
  const expelled = Object.entries(news.expelled);
  const [clouds, upTo] = [expelled.map(([cloud]) => cloud), expelled.map(([, incarnation]) => incarnation)];
  const [known] = await connections.read(
    "heard",
    `select p.incarnated_at, p.incarnation is not distinct from $2 and p.incarnated_at = $3::bigint
       and p.confirmed >= $5::bigint and (c.floor >= $4::bigint or ${isSelfExpelled}) and c.stamped_above >= $6::bigint
       and p.settled = ($9 and ${knowsAll}), coalesce(p.expelled, -1),
       array(select cloud from unnest($7::text[], $8::bigint[]) e(cloud, up_to) where up_to > coalesce(
         case when cloud = $10 then c.expelled else (select expelled from peers k where k.peer = cloud) end, -1)),
       ${identityColumns}
     from peers p cross join cluster c where p.peer = $1`,
    [peer, incarnation, incarnatedAt, news.floor, news.confirmed, yours, clouds, upTo, news.settled, origin],
  );
  if (known === undefined || Number(known[0]) > incarnatedAt || Number(known[2]) >= incarnatedAt) return null;
  if (known[3] !== "{}") {
    for (const [cloud, incarnation] of expelled) await expel(connections, origin, cloud, incarnation);
    return hear(connections, origin, sender, news);
  }
  if (known[1] === "t") return identityFrom(known, 4);
  const rows = await connections.query(
    "hear",
    `with known as (
       select peer, incarnation from peers
       where peer = $1 and incarnated_at <= $3::bigint and coalesce(expelled, -1) < $3::bigint for update
     ), heard as (
       update cluster c set floor = case when ${isSelfExpelled} then floor else greatest(floor, $4::bigint) end, stamped_above = greatest(stamped_above, $6::bigint)
       where exists (select from known) and (floor < $4::bigint or stamped_above < $6::bigint)
     ), ended as (
       update cursors set ${endOfFeed}, owner = null, until = '-infinity', fence = fence + 1
       where peer in (select peer from known where incarnation <> $2)
     ), forgotten as (
       delete from set_aside where peer in (select peer from known where incarnation <> $2)
     )
     update peers p set incarnation = $2, incarnated_at = $3::bigint, confirmed = greatest(p.confirmed, $5::bigint),
       settled = $9 and ${knowsAll},
       repairs = p.repairs + (k.incarnation is not null and k.incarnation <> $2)::int,
       repair = case when k.incarnation <> $2 then p.repairs + 1 else p.repair end,
       clean_at = case when k.incarnation <> $2 then null else p.clean_at end
     from known k where p.peer = k.peer returning p.peer`,
    [peer, incarnation, incarnatedAt, news.floor, news.confirmed, yours, clouds, upTo, news.settled],
  );
  return rows.length > 0 ? identity(connections) : null;
}

export async function noteLags(
  connections: Connections,
  lags: readonly { readonly peer: string; readonly milliseconds: number }[],
): Promise<void> {
  await connections.query(
    "note lags",
    `update peers p set caught_up_at = n.at
     from (select peer, now() - make_interval(secs => lag / 1000) as at from unnest($1::text[], $2::float8[]) l(peer, lag)) n
     where p.peer = n.peer and p.caught_up_at < n.at`,
    [lags.map(({ peer }) => peer), lags.map(({ milliseconds }) => milliseconds)],
  );
}

export async function startRepair(connections: Connections, peer: string): Promise<void> {
  await connections.query(
    undefined,
    `with chosen as (select $1::text as peer)${toRepair("select peer from chosen")} select`,
    [peer],
  );
}

export async function finishRepair(
  connections: Connections,
  begun: RepairBegun,
  floor: bigint,
  now: number,
): Promise<void> {
  await connections.query(
    undefined,
    `with sound as (update cluster set sound = $5::bigint where sound < $5::bigint)
     update peers set clean_at = to_timestamp($3::bigint / 1000.0),
       repair = case when repair = $2::bigint then null else repair end,
       settling = case when settling = $4::bigint then null else settling end
     where peer = $1`,
    [begun.peer, begun.repair, now, begun.settling, floor],
  );
}

export async function forget(connections: Connections, paths: readonly Path[], floor: bigint): Promise<void> {
  const text = `delete from entries where path = any($1::text[]) and (hlc <= $2::bigint
    or exists (select from jsonb_each(cells) where (value ->> 't')::bigint <= $2::bigint))`;
  await connections.query("forget", text, [paths, floor]);
}

export async function recovered(connections: Connections): Promise<void> {
  await connections.query(
    undefined,
    `with done as (update cluster set recovering = false where recovering returning true)
     ${toRepair("select peer from peers where not is_expelled and exists (select from done)")} select`,
  );
}

export async function copied(connections: Connections): Promise<void> {
  await connections.query(undefined, "update cluster set copied = true where not copied");
}
