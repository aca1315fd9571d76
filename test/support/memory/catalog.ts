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
const noHome = { home: null, movingTo: null, homeEpoch: 0n };

/** What every database begins with. */
export function firstCatalog(): Map<string, CatalogRow> {
  const row = builtNamespace("default");
  return new Map([[nameOf(row), row]]);
}

/** A namespace as every cloud has it by itself. */
function builtNamespace(name: string): NamespaceRow {
  return { kind: "namespace", id: name, ...built, ...noHome, epoch: 0n, isDeleted: false, settings: {} };
}

/** Gives the database a namespace that the others have as well. */
export function addNamespace(db: MemoryDatabase, name: string): void {
  put(db, builtNamespace(name));
}

export function namespaceIn(db: MemoryDatabase, name: string): NamespaceRow | null {
  return (db.catalog.get(nameOf({ kind: "namespace", id: name })) as NamespaceRow | undefined) ?? null;
}

function nameOf({ kind, id }: Pick<CatalogRow, "kind" | "id">): string {
  return `${kind} ${id}`;
}

/** Asked for by every heartbeat, and hardly ever another one. */
const digests = new WeakMap<MemoryDatabase["catalog"], bigint>();

function digestOf(catalog: MemoryDatabase["catalog"]): bigint {
  let digest = digests.get(catalog);
  if (digest === undefined) {
    digest = catalogDigest(catalog.values());
    digests.set(catalog, digest);
  }
  return digest;
}

function put(db: MemoryDatabase, row: CatalogRow): void {
  db.catalog.set(nameOf(row), row);
  digests.delete(db.catalog);
  if (row.kind !== "namespace") return;
  const { epoch, isDeleted, homeEpoch } = row;
  db.namespaces.set(row.id, { epoch, isDeleted, homeEpoch });
}

/** A member's part of the port that is about the catalog. */
export function memoryCatalog(
  db: MemoryDatabase,
): Pick<
  MemberStore,
  | "catalogDigest"
  | "catalogRows"
  | "mergeCatalog"
  | "retryUnknown"
  | "namespaceRow"
  | "changeHome"
  | "stopHome"
  | "receiptsOf"
  | "putReceipts"
> {
  const namespace = (name: string) => namespaceIn(db, name);
  return {
    catalogDigest: () => db.read(() => digestOf(db.catalog)),
    catalogRows: (after: CatalogPosition | null, limit) =>
      db.read(() => {
        const rows = [...db.catalog.values()].sort(compareRows);
        return rows.filter((row) => after === null || compareRows(after, row) < 0).slice(0, limit);
      }),
    mergeCatalog: (rows) =>
      db.write(() => {
        for (const row of rows) {
          const here = db.catalog.get(nameOf(row));
          const merged = here === undefined ? row : mergeRows(here, row);
          if (here?.kind === "namespace" && merged.kind === "namespace" && merged.homeEpoch !== here.homeEpoch)
            db.stops.set(row.id, { since: db.pace.now(), stop: null });
          put(db, merged);
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
    namespaceRow: (name) => db.read(() => namespace(name)),
    changeHome: (name, from, to) =>
      db.write(() => {
        const here = namespace(name);
        if (here?.homeEpoch !== from) return false;
        put(db, { ...here, ...to });
        db.stops.set(name, { since: db.pace.now(), stop: null });
        return true;
      }),
    stopHome: (name, homeEpoch, grace) =>
      db.write(() => {
        if (namespace(name)?.homeEpoch !== homeEpoch) return null;
        const { since, stop } = db.stops.get(name) ?? { since: Number.NEGATIVE_INFINITY, stop: null };
        if (stop !== null) return stop;
        if (since > db.pace.now() - grace) return null;
        db.stops.set(name, { since, stop: db.ahead() });
        return db.ahead();
      }),
    receiptsOf: (name, after, limit) =>
      db.read(() =>
        [...db.receipts]
          .filter(([scope, kept]) => kept.namespace === name && (after === null || scope > after))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([scope, { fingerprint, answer, written }]) => ({
            scope,
            fingerprint: fingerprint.toString("hex"),
            at: Math.floor(db.pace.now()),
            answer,
            written: Object.fromEntries(
              Array.from(written, ([path, { time, replaced, origin }]) => [path, [String(time), replaced, origin]]),
            ),
          })),
      ),
    putReceipts: (name, receipts) =>
      db.write(() => {
        for (const { scope, fingerprint, answer, written } of receipts) {
          if (db.receipts.has(scope)) continue;
          const became = Object.entries(written ?? {}).map(
            ([path, [time, replaced, origin]]) => [path, { time: BigInt(time), origin, replaced }] as const,
          );
          const kept = {
            fingerprint: Buffer.from(fingerprint, "hex"),
            answer,
            written: new Map(became),
            seen: db.ahead() - 1,
          };
          db.receipts.set(scope, { ...kept, namespace: name });
        }
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
    const { id, epoch, createdAt, settings, home, movingTo, homeEpoch } = row;
    return { name: id, epoch, createdAt, settings, home, movingTo, homeEpoch };
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
        const { home, movingTo, homeEpoch } = here ?? noHome;
        const row: NamespaceRow = {
          ...{ home, movingTo, homeEpoch },
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
