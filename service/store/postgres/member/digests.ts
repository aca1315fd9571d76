import type { Path } from "../../../kv/path.ts";
import type { Connections } from "../connection.ts";

/** Digests in normal form: what is dead and at or below the floor, or hidden by its namespace's epoch, is not there. */
export async function digests(connections: Connections, from: Path, to: Path | null, limit: number, now: number) {
  const rows = await connections.read(
    "digests",
    `select c.floor, d.path, d.digest from cluster c left join (
       select e.path, skykv_digest(e, f.floor) as digest
       from entries e cross join (select floor from cluster) f join namespaces n on n.name = split_part(e.path, '/', 1)
       where e.path >= $1 and ($2::text is null or e.path < $2) and not n.deleted and e.hlc > n.epoch
         and (e.hlc > f.floor or e.kind = 'c' or (e.kind = 'v' and (e.expires_at is null or e.expires_at > $4::bigint)))
       order by e.path limit $3
     ) d on true order by d.path`,
    [from, to, limit, now],
  );
  return {
    floor: BigInt(rows[0]![0]!),
    rows: rows.filter((row) => row[1] != null).map((row) => ({ path: row[1]!, digest: BigInt(`0x${row[2]}`) })),
  };
}
