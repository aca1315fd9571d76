import {
  type CatalogPosition,
  type CatalogRow,
  catalogDigest,
  compareRows,
  type KeyRow,
  mergeRows,
  type NamespaceRow,
} from "../../../service/kv/catalog.ts";
import { namespaceOf } from "../../../service/kv/path.ts";
import type { MemberStore } from "../../../service/store/member.ts";
import type { ApiKeyRecord, NamespaceDeletion, NamespaceRecord } from "../../../service/store/port.ts";
import type { MemoryDatabase } from "./database.ts";

const built = { origin: "", time: 0n, createdAt: 0, extra: null };

/** What every database begins with. */
export function firstCatalog(): Map<string, CatalogRow> {
  const row: NamespaceRow = { kind: "namespace", id: "default", ...built, epoch: 0n, isDeleted: false, settings: {} };
  return new Map([[nameOf(row), row]]);
}

function nameOf({ kind, id }: Pick<CatalogRow, "kind" | "id">): string {
  return `${kind} ${id}`;
}

function put(db: MemoryDatabase, row: CatalogRow): void {
  db.catalog.set(nameOf(row), row);
  if (row.kind === "namespace") db.namespaces.set(row.id, { epoch: row.epoch, isDeleted: row.isDeleted });
}

/** A member's part of the port that is about the catalog. */
export function memoryCatalog(
  db: MemoryDatabase,
): Pick<MemberStore, "catalogDigest" | "catalogRows" | "mergeCatalog" | "retryUnknown"> {
  return {
    catalogDigest: () => db.read(() => catalogDigest(db.catalog.values())),
    catalogRows: (after: CatalogPosition | null, limit) =>
      db.read(() => {
        const rows = [...db.catalog.values()].sort(compareRows);
        return rows.filter((row) => after === null || compareRows(after, row) < 0).slice(0, limit);
      }),
    mergeCatalog: (rows) =>
      db.write(() => {
        for (const row of rows) {
          const here = db.catalog.get(nameOf(row));
          put(db, here === undefined ? row : mergeRows(here, row));
        }
      }),
    retryUnknown: (peer) =>
      db.write(() => {
        const shards = new Set<number>();
        for (const [path, aside] of db.setAside.get(peer) ?? []) {
          if (aside.reason !== "unknown-namespace") continue;
          db.setAside.get(peer)!.set(path, { ...aside, retryAt: db.pace.now() });
          shards.add(aside.shard);
        }
        return [...shards];
      }),
  };
}

/** What clients change in the catalog, as the store does it; receipts are not in memory. */
export function memorySettings(db: MemoryDatabase, origin: string) {
  const namespace = (name: string) =>
    db.catalog.get(nameOf({ kind: "namespace", id: name })) as NamespaceRow | undefined;
  const key = (id: string) => db.catalog.get(nameOf({ kind: "key", id })) as KeyRow | undefined;
  const newer = (clock: bigint, row: CatalogRow | undefined) =>
    row !== undefined && row.time >= clock ? row.time + 1n : clock;
  const newest = (name: string, lowest: bigint) => {
    let found = lowest;
    for (const [path, { entry }] of db.entries)
      if (namespaceOf(path) === name && entry.version.time > found) found = entry.version.time;
    return found;
  };
  const recordOf = (row: NamespaceRow): NamespaceRecord => {
    const { id, epoch, createdAt, settings } = row;
    return { name: id, epoch, createdAt, settings };
  };

  return {
    namespace: (name: string): Promise<NamespaceRecord | null> =>
      db.read(() => {
        const row = namespace(name);
        return row === undefined || row.isDeleted ? null : recordOf(row);
      }),
    putNamespace: (name: string, settings: Record<string, unknown>, clock: bigint) =>
      db.write(() => {
        const here = namespace(name);
        const lives = here !== undefined && !here.isDeleted;
        const row: NamespaceRow = {
          ...{ kind: "namespace", id: name, origin, settings, isDeleted: false, extra: null },
          time: newer(clock, here),
          createdAt: lives ? here.createdAt : db.pace.now(),
          epoch: lives ? here.epoch : newest(name, here?.epoch ?? 0n),
        };
        put(db, row);
        return { created: !lives, record: recordOf(row) };
      }),
    deleteNamespace: (name: string, clock: bigint): Promise<NamespaceDeletion> =>
      db.write(() => {
        const here = namespace(name);
        if (here === undefined || here.isDeleted) return "not-found";
        const time = newer(clock, here);
        put(db, { ...here, time, origin, isDeleted: true, settings: {}, extra: null, epoch: newest(name, time) });
        return "deleted";
      }),
    apiKey: (id: string): Promise<ApiKeyRecord | null> =>
      db.read(() => {
        const row = key(id);
        return row === undefined ? null : { ...row, hash: Buffer.from(row.hash) };
      }),
    putApiKey: (record: ApiKeyRecord, clock: bigint | null) =>
      db.write(() => {
        if (key(record.id) !== undefined) return;
        const version = { time: clock ?? 0n, origin: clock === null ? "" : origin };
        put(db, { kind: "key", ...record, ...version, extra: null });
      }),
    revokeApiKey: (id: string, at: number, clock: bigint) =>
      db.write(() => {
        const here = key(id);
        if (here === undefined) return false;
        put(db, { ...here, time: newer(clock, here), origin, revokedAt: here.revokedAt ?? at });
        return true;
      }),
  };
}
