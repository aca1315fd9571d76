import type { Connections } from "../connection.ts";

/** See the port. Of this cloud itself only the fact is kept: it is for the process to draw the consequences. */
export async function expel(connections: Connections, origin: string, cloud: string, upTo: number): Promise<void> {
  if (cloud === origin) {
    await connections.query(undefined, "update cluster set expelled = greatest(expelled, $1::bigint)", [upTo]);
    return;
  }
  await connections.query(
    undefined,
    `with expelled as (
       insert into peers (peer, expelled) values ($1, $2::bigint)
       on conflict (peer) do update set expelled = excluded.expelled where coalesce(peers.expelled, -1) < excluded.expelled
       returning peer
     ), others as (
       update peers set expulsions = expulsions + 1, settling = expulsions + 1, settled = false
       where peer <> $1 and exists (select from expelled)
     ), taken as (
       update cursors set owner = null, until = '-infinity', fence = fence + 1 where peer in (select peer from expelled)
     )
     delete from set_aside where peer in (select peer from expelled)`,
    [cloud, upTo],
  );
}
