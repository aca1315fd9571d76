import { createHash } from "node:crypto";
import type { Path } from "../../kv/path.ts";
import type { MemberStore } from "../member.ts";
import type { Commit, CommitAnswer, FeedPosition, KeptReceipt, ListRequest, Probe, Store } from "../port.ts";
import { commit } from "./commit.ts";
import { Connections, type DatabaseOptions } from "./connection.ts";
import { feedEnd, feedWindow } from "./feed.ts";
import { createPartitions, floor } from "./maintenance.ts";
import { postgresMember } from "./member/member.ts";
import { requireSchema } from "./migrate.ts";
import { listRows, readRow, readRows } from "./read.ts";
import * as settings from "./settings.ts";

export type PostgresOptions = DatabaseOptions & {
  /** The cloud whose writes these are. */
  readonly origin: string;
  /** Wall clock, milliseconds since 1970: what counts as expired. */
  readonly now: () => number;
};

/** A write batch is in flight while the next one forms; more would only split batches. */
const writeConnections = 2;
const readConnections = 2;
/** Lists, large values, settings, feed, maintenance. */
const otherConnections = 6;
/** Windows, batches and what arrives: more would take the processor from clients. */
const replicationConnections = 4;

export type PostgresStore = Store & {
  /** For the maintenance tasks, which are this adapter's own. */
  readonly others: Connections;
  /** What replication needs of the database, on connections of its own. */
  readonly member: MemberStore;
  /** Of the server, for example 18.1. */
  readonly version: string;
};

/** Brings the schema up to date and opens the store. Safe while another release of the service runs on the database. */
export async function openPostgres(options: PostgresOptions): Promise<PostgresStore> {
  await requireSchema(options.url);
  const others = new Connections(options, "others", otherConnections);
  const reads = new Connections(options, "reads", readConnections);
  const writes = new Connections(options, "writes", writeConnections);
  const replication = new Connections(options, "replication", replicationConnections);
  const { origin, now } = options;
  await createPartitions(others);
  const incarnation = await incarnationOf(others);
  const [[version]] = (await others.read(undefined, "show server_version")) as [[string]];

  return {
    origin,
    incarnation,
    others,
    member: postgresMember(replication, origin, incarnation),
    version,
    read: (paths) => readRows(reads, paths),
    readLarge: (path: Path) => readRow(others, path),
    commit: (request: Commit): Promise<CommitAnswer> => commit(writes, origin, request),
    receipt: (scope) => receipt(others, origin, scope),
    knownReceipts: (scopes) => knownReceipts(reads, scopes),
    list: (request: ListRequest) => listRows(others, request),
    feedEnd: () => feedEnd(others),
    feed: (after: FeedPosition, limit: number) => feedWindow(others, after, limit),
    probe: () => probe(writes, now),
    drain: async (drained) => {
      await others.query(undefined, "update cluster set drained = $1", [drained]);
    },
    floor: () => floor(others),
    namespace: (name) => settings.namespace(others, name),
    namespaceSize: (name) => settings.namespaceSize(others, name, now()),
    namespaces: () => settings.namespaces(others, now()),
    putNamespace: (name, values, clock, receipt, home = null) =>
      settings.putNamespace(others, origin, name, values, clock, receipt, home),
    deleteNamespace: (name, force, clock, receipt) =>
      settings.deleteNamespace(others, origin, name, force, clock, now(), receipt),
    apiKey: (id) => settings.apiKey(others, id),
    apiKeys: () => settings.apiKeys(others),
    putApiKey: (record, clock) => settings.putApiKey(others, origin, record, clock),
    revokeApiKey: (id, at, clock) => settings.revokeApiKey(others, origin, id, at, clock),
    close: async () => {
      await Promise.all([writes.close(), reads.close(), others.close(), replication.close()]);
    },
  };
}

async function incarnationOf(connections: Connections): Promise<string> {
  const rows = await connections.read(
    undefined,
    `select id, (select system_identifier from pg_control_system()), (select timeline_id from pg_control_checkpoint()) from cluster`,
  );
  return createHash("sha256").update(rows[0]!.join(" ")).digest("hex").slice(0, 12);
}

const kept = "at > now() - interval '24 hours'";

async function receipt(connections: Connections, origin: string, scope: Buffer): Promise<KeptReceipt | null> {
  const text = `select encode(fingerprint, 'hex'), answer, written, pg_snapshot_xmax(pg_current_snapshot()) from idempotency where scope = $1 and ${kept}`;
  const rows = await connections.read("receipt", text, [scope]);
  const row = rows[0];
  if (!row) return null;
  const written = Object.entries(
    (row[2] == null ? {} : JSON.parse(row[2])) as Record<string, [string, boolean, string?]>,
  );
  return {
    fingerprint: Buffer.from(row[0]!, "hex"),
    answer: JSON.parse(row[1]!),
    // Only what came from another home names who wrote it.
    written: new Map(
      written.map(([path, [time, replaced, by = origin]]) => [path, { time: BigInt(time), origin: by, replaced }]),
    ),
    seen: Number(row[3]) - 1,
  };
}

async function knownReceipts(connections: Connections, scopes: readonly Buffer[]): Promise<Set<string>> {
  const text = `select encode(scope, 'hex') from idempotency where scope = any($1::bytea[]) and ${kept}`;
  const rows = await connections.read("known receipts", text, [scopes]);
  return new Set(rows.map((row) => row[0]!));
}

/** Commits a write, as every write of a client does, and reads the database's clock and the feed's horizon with it. */
async function probe(connections: Connections, now: () => number): Promise<Probe> {
  const before = now();
  const rows = await connections.query(
    "probe",
    `update cluster set probed_at = clock_timestamp()
     returning (extract(epoch from probed_at) * 1000)::bigint, pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), drained`,
  );
  const [databaseNow, transaction, horizon] = rows[0]!.map(Number) as [number, number, number];
  return { databaseNow, localNow: (before + now()) / 2, transaction, horizon, drained: rows[0]![3] === "t" };
}
