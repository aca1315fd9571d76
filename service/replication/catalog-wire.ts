import type { CatalogPosition, CatalogRow } from "../kv/catalog.ts";
import { namespacePattern } from "../kv/path.ts";
import { cloud, count, hex, MalformedError, text, time } from "./wire.ts";

/**
 * A row of the catalog as JSON. Fields that are not listed here belong to newer releases: they are kept and passed on.
 */
export type WireRow = Readonly<Record<string, unknown>>;

const known = new Set(
  "kind id time origin created epoch deleted settings home moving homeEpoch hash name scopes limit expires revoked".split(
    " ",
  ),
);

export function rowToWire(row: CatalogRow): WireRow {
  const { kind, id, origin, createdAt, extra } = row;
  const common = { ...extra, kind, id, time: hex(row.time), origin, created: createdAt };
  if (row.kind === "namespace") {
    return {
      ...common,
      epoch: hex(row.epoch),
      deleted: row.isDeleted || undefined,
      settings: row.settings,
      home: row.home ?? undefined,
      moving: row.movingTo ?? undefined,
      homeEpoch: row.homeEpoch === 0n ? undefined : hex(row.homeEpoch),
    };
  }
  return {
    ...common,
    hash: Buffer.from(row.hash).toString("hex"),
    name: row.name,
    scopes: row.scopes,
    limit: row.rateLimit ?? undefined,
    expires: row.expiresAt ?? undefined,
    revoked: row.revokedAt ?? undefined,
  };
}

/** Throws a {@link MalformedError}. */
export function rowFromWire(wire: WireRow): CatalogRow {
  const extra = Object.fromEntries(Object.entries(wire).filter(([name]) => !known.has(name)));
  const common = {
    id: text(wire.id, "id"),
    time: time(wire.time),
    origin: wire.origin === "" ? "" : cloud(wire.origin),
    createdAt: count(wire.created, "created"),
    extra: Object.keys(extra).length === 0 ? null : extra,
  };
  if (wire.kind === "namespace") {
    if (!namespacePattern.test(common.id)) throw new MalformedError("expected the name of a namespace as `id`");
    const settings = object(wire.settings, "settings");
    const home = {
      home: wire.home === undefined ? null : cloud(wire.home),
      movingTo: wire.moving === undefined ? null : cloud(wire.moving),
      homeEpoch: wire.homeEpoch === undefined ? 0n : time(wire.homeEpoch),
    };
    const isDeleted = wire.deleted === true;
    return { kind: "namespace", ...common, ...home, epoch: time(wire.epoch), isDeleted, settings };
  }
  if (wire.kind !== "key") throw new MalformedError("expected namespace or key as `kind`");
  if (!/^[A-Za-z0-9-]{1,64}$/.test(common.id)) throw new MalformedError("expected the id of a key as `id`");
  if (!Array.isArray(wire.scopes)) throw new MalformedError("expected a list as `scopes`");
  return {
    kind: "key",
    ...common,
    hash: hashFrom(wire.hash),
    name: text(wire.name, "name"),
    scopes: wire.scopes.map((scope) => text(scope, "scopes")),
    rateLimit: wire.limit === undefined ? null : limitFrom(object(wire.limit, "limit")),
    expiresAt: wire.expires === undefined ? null : count(wire.expires, "expires"),
    revokedAt: wire.revoked === undefined ? null : count(wire.revoked, "revoked"),
  };
}

export function positionToWire(position: CatalogPosition | null): readonly string[] | null {
  return position && [hex(position.time), position.kind, position.id];
}

export function positionFromWire(wire: unknown): CatalogPosition | null {
  if (wire == null) return null;
  if (!Array.isArray(wire)) throw new MalformedError("expected a position of the catalog");
  const [at, kind, id] = wire;
  return { time: time(at), kind: text(kind, "after") as CatalogPosition["kind"], id: text(id, "after") };
}

function object(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new MalformedError(`expected an object as \`${name}\``);
  return value as Readonly<Record<string, unknown>>;
}

function hashFrom(value: unknown): Buffer {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value))
    throw new MalformedError("expected SHA-256 in hexadecimal as `hash`");
  return Buffer.from(value, "hex");
}

function limitFrom({ requests, seconds }: Readonly<Record<string, unknown>>) {
  return { requests: count(requests, "limit"), seconds: count(seconds, "limit") };
}
