import type { Draft } from "../../kv/decide.ts";
import type { Ancestors } from "../../kv/entry.ts";
import { type Path, shardOf } from "../../kv/path.ts";
import {
  type Commit,
  type CommitAnswer,
  ReceiptExistsError,
  type Stamp,
  UnavailableError,
  type Write,
} from "../port.ts";
import { type Connections, isConflict, isDuplicate, type Row } from "./connection.ts";
import { bigints, cellsJson, seenJson } from "./rows.ts";

/** Which of the optional parts a statement has. The plain one is the hot path and carries none of them. */
type Shape = {
  readonly keepVersions: boolean;
  readonly receipts: boolean;
  readonly atomic: boolean;
  /** Some namespace was made again: a row of its earlier life may be there, and is not replaced but absent. */
  readonly reborn: boolean;
  /** Some namespace has a home, or had one: whoever moves it waits until the statement has ended. */
  readonly homed: boolean;
};

/**
 * The one statement that writes entries: guards, stamps, upserts and appends to the feed, for a whole batch.
 *
 * - Rows are taken in path order, so that two batches cannot deadlock on each other.
 * - The stamp is made under the row lock: whatever the clocks say, a later commit of a key is newer.
 * - A guard travels in `replaces`, the column that a successful guarded write fills with the same value anyway: an
 *   upsert's WHERE sees nothing of the input but the row to insert. A null guard takes any state, 0 means "no row".
 * - A guarded state that vanished meanwhile was dead and below the floor, which is the same as absent: inserting is right.
 * - Ancestors: what the replaced row had seen, plus its own version if another origin wrote it, plus a counter's cells.
 * - Never at or below \`stamped_above\`: this cloud has told its peers that it will not write there any more.
 * - Nor at or below the namespace's epoch, which another cloud's clock may have made: it would be hidden at once.
 */
function statement({ keepVersions, receipts, atomic, reborn, homed }: Shape): string {
  const cells = (time: string) =>
    keepVersions
      ? "excluded.cells"
      : `jsonb_set(excluded.cells, array[excluded.origin, 't'], to_jsonb((${time})::text))`;
  const start = "greatest(s.stamp, i.namespace_epoch + 1)";
  const stamped = "greatest(excluded.hlc, e.hlc + 1)";
  return `
with input as (
  select * from unnest($1::text[], $2::bigint[], $3::xid8[], $4::"char"[], $5::int[], $6::int[], $7::text[], $8::text[],
      $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::jsonb[], $15::smallint[], $20::bigint[], $21::text[], $22::jsonb[],
      $23::bigint[])
    as i(path, namespace_epoch, expects, kind, position, size, blob, content_type, content_encoding, meta, expires_at,
      epoch_hlc, epoch_origin, cells, shard, hlc, origin, seen, home_epoch)
)${homed ? homedPart : ""}, start as (
  select greatest($17::bigint, floor + 1, stamped_above + 1) as stamp, $19::text as here from cluster
), written as (
  insert into entries as e (path, hlc, origin, changed, replaces, seen, kind, size, value, blob, content_type,
    content_encoding, meta, expires_at, epoch_hlc, epoch_origin, cells)
  select i.path, ${keepVersions ? "i.hlc, i.origin" : `${start}, s.here`}, pg_current_xact_id(), i.expects, i.seen, i.kind, i.size,
    case when i.position is not null then substring($16::bytea from i.position + 1 for i.size) end,
    i.blob, i.content_type, i.content_encoding, i.meta, i.expires_at, i.epoch_hlc, i.epoch_origin,
    ${keepVersions ? "i.cells" : `case when i.cells is not null then jsonb_set(i.cells, array[s.here, 't'], to_jsonb((${start})::text)) end`}
  from input i cross join start s
  join namespaces n on n.name = split_part(i.path, '/', 1) and n.epoch = i.namespace_epoch and not n.deleted
    and n.home_epoch = coalesce(i.home_epoch, 0)${homed ? " and (i.home_epoch is null or n.name in (select name from homed))" : ""}
  order by i.path
  on conflict (path) do update set
    hlc = ${keepVersions ? "excluded.hlc" : stamped},
    origin = excluded.origin,
    changed = excluded.changed,
    replaces = case when e.kind <> 't' and (e.expires_at is null or e.expires_at > $18::bigint)${reborn ? visible : ""} then e.changed end,
    marks = null,
    seen = ${
      keepVersions
        ? "excluded.seen"
        : `case when e.cells is not null then skykv_lineage(e.seen, e.origin, e.hlc, e.cells) - excluded.origin
        when e.origin = excluded.origin then e.seen else (coalesce(e.seen, '{}') - excluded.origin) || jsonb_build_object(e.origin, e.hlc::text) end`
    },
    kind = excluded.kind, size = excluded.size, value = excluded.value, blob = excluded.blob,
    content_type = excluded.content_type, content_encoding = excluded.content_encoding, meta = excluded.meta,
    expires_at = excluded.expires_at, epoch_hlc = excluded.epoch_hlc, epoch_origin = excluded.epoch_origin,
    cells = case when excluded.cells is not null then ${cells(stamped)} end,
    extra = null
  where excluded.replaces is null or excluded.replaces = e.changed
  -- Zero: inserted, and what stands in \`replaces\` is only the guard.
  returning path, hlc, changed, case when xmax <> 0 then replaces end as replaces, seen
), appended as (
  insert into feed (shard, path, entered_here) select i.shard, w.path, true from written w join input i using (path)
)${receipts ? receiptsPart(atomic) : ""}${atomic ? holdsPart : ""}
select path, hlc, changed, replaces, seen, pg_snapshot_xmin(pg_current_snapshot()) from written
${atomic ? "union all select null, null, null, null, null, (select pg_snapshot_xmin(pg_current_snapshot()) from required)" : ""}`;
}

/**
 * The rows that say where the homes are, locked for this transaction. One that a move has changed since the statement
 * began is looked at again, as it is then, and falls out: nothing of it is written. A move waits for these locks, so that
 * behind it all that was decided before is committed, and in the feed.
 */
const homedPart = `, homed as materialized (
  select n.name from namespaces n
  where (n.name, n.home_epoch) in (select split_part(path, '/', 1), home_epoch from input) order by n.name for share of n
)`;

const visible = " and e.hlc > (select epoch from namespaces where name = split_part(e.path, '/', 1))";

/** An atomic commit has one receipt for all its paths; in a group each belongs to one path. */
function receiptsPart(atomic: boolean): string {
  const became = "jsonb_build_array(w.hlc::text, coalesce(w.replaces, '0') <> '0')";
  const versions = atomic
    ? `(select jsonb_object_agg(w.path, ${became}) from written w)`
    : `case when w.path is not null then jsonb_build_object(w.path, ${became}) end`;
  return `, recorded as (
  insert into idempotency (scope, fingerprint, answer, written, namespace)
  select decode(r.scope, 'hex'), decode(r.fingerprint, 'hex'), r.answer, ${versions}, r.namespace
  from unnest($24::text[], $25::text[], $26::jsonb[], $27::text[], $28::text[]) as r(scope, fingerprint, answer, path, namespace)
  ${atomic ? "" : "left join written w on w.path = r.path where r.path is null or w.path is not null"}
)`;
}

/**
 * Locks what a transaction only reads. A key without a row is held by a placeholder, a tombstone of version zero: a
 * concurrent insert of it waits for this transaction. It counts as absent everywhere and is collected like one.
 */
const holdsPart = `, held as (
  select e.path from entries e join unnest($29::text[], $30::xid8[]) as h(path, expects) using (path)
  where e.changed = h.expects order by e.path for share of e
), placed as (
  insert into entries (path, hlc, origin, changed, kind)
  select h.path, 0, $19::text, pg_current_xact_id(), 't' from unnest($29::text[], $30::xid8[]) as h(path, expects)
  where h.expects = '0' order by h.path on conflict do nothing returning path
), required as (
  select skykv_require((select count(*) from written) = cardinality($1::text[])
    and (select count(*) from held) + (select count(*) from placed) = cardinality($29::text[]))
)`;

const statements = new Map<string, string>();

function statementFor(shape: Shape): { name: string; text: string } {
  const name = `commit${shape.keepVersions ? " keep" : ""}${shape.receipts ? " receipts" : ""}${shape.atomic ? " atomic" : ""}${shape.reborn ? " reborn" : ""}${shape.homed ? " homed" : ""}`;
  let text = statements.get(name);
  if (text === undefined) {
    text = statement(shape);
    statements.set(name, text);
  }
  return { name, text };
}

const noAncestors: Ancestors = {};

/** Writes a batch in one transaction. See {@link Commit} and the port for what it promises. */
export async function commit(connections: Connections, origin: string, request: Commit): Promise<CommitAnswer> {
  const { writes } = request;
  const shape = {
    keepVersions: request.keepVersions,
    receipts: request.atomic || request.receipts.length > 0,
    atomic: request.atomic,
    reborn: writes.some(({ epoch }) => epoch > 0n),
    homed: writes.some(({ homeEpoch }) => homeEpoch !== undefined),
  };
  const { name, text } = statementFor(shape);
  const byPath = new Map<Path, Stamp>();
  let rows: Row[];
  try {
    rows = await connections.query(name, text, parameters(request, origin, shape));
  } catch (error) {
    if (isDuplicate(error, "idempotency_pkey"))
      throw new ReceiptExistsError("a request with this key was answered meanwhile");
    if (isConflict(error)) {
      if (request.atomic) return { stamps: writes.map(() => null), horizon: 0 };
      throw new UnavailableError("the database could not order this write among others", { cause: error });
    }
    throw error;
  }
  let horizon = 0;
  for (const [path, hlc, changed, replaces, seen, xmin] of rows) {
    horizon = Number(xmin);
    if (path == null) continue;
    const replaced = replaces != null && replaces !== "0";
    byPath.set(path, {
      time: BigInt(hlc!),
      changed: Number(changed),
      replaced,
      seen: seen == null ? noAncestors : bigints(seen),
    });
  }
  return { stamps: writes.map((write) => byPath.get(write.path) ?? null), horizon };
}

function parameters(request: Commit, origin: string, shape: Shape): unknown[] {
  const { writes, receipts, holds } = request;
  const column = (of: (write: Write) => Element) => arrayLiteral(writes, of);
  const { positions, sizes, bytes } = packValues(writes);
  const values: unknown[] = [
    arrayLiteral(writes, (w) => w.path, "{}"),
    column((w) => w.epoch),
    column((w) => w.expects),
    column((w) => kinds[w.draft.kind]),
    positions,
    sizes,
    column((w) => (w.draft.kind === "value" ? w.draft.blob : null)),
    column((w) => (w.draft.kind === "value" ? w.draft.contentType : null)),
    column((w) => (w.draft.kind === "value" ? w.draft.contentEncoding : null)),
    column((w) => (w.draft.kind === "value" ? w.draft.meta : null)),
    column((w) => (w.draft.kind === "value" ? w.draft.expiresAt : null)),
    column((w) => (w.draft.kind === "counter" ? w.draft.epoch.time : null)),
    column((w) => (w.draft.kind === "counter" ? w.draft.epoch.origin : null)),
    column((w) => (w.draft.kind === "counter" ? cellsJson(w.draft.cells) : null)),
    column((w) => shardOf(w.path)),
    bytes,
    request.clock,
    request.now,
    origin,
    column((w) => w.kept?.version.time ?? null),
    column((w) => w.kept?.version.origin ?? null),
    column((w) => (w.kept ? seenJson(w.kept.seen) : null)),
    column((w) => w.homeEpoch ?? null),
  ];
  // Parameters are numbered once for all shapes; those that a shape does not mention are not sent.
  if (shape.receipts) {
    values.push(
      arrayLiteral(receipts, (r) => r.scope.toString("hex")),
      arrayLiteral(receipts, (r) => r.fingerprint.toString("hex")),
      arrayLiteral(receipts, (r) => JSON.stringify(r.answer)),
      arrayLiteral(receipts, (r) => r.path),
      arrayLiteral(receipts, (r) => r.namespace ?? null),
    );
  }
  if (shape.atomic)
    values.push(
      arrayLiteral(holds, (h) => h.path, "{}"),
      arrayLiteral(holds, (h) => h.expects, "{}"),
    );
  return values;
}

type Element = string | number | bigint | null;

const kinds: Record<Draft["kind"], string> = { value: "v", tombstone: "t", counter: "c" };

/** One binary parameter for all values: arrays of bytea would go over the wire as hex, twice as long. */
function packValues(writes: readonly Write[]) {
  const bodies: Uint8Array[] = [];
  let length = 0;
  const positions = arrayLiteral(writes, ({ draft }) => {
    if (draft.kind !== "value" || draft.body === null) return null;
    bodies.push(draft.body);
    length += draft.body.length;
    return length - draft.body.length;
  });
  const sizes = arrayLiteral(writes, ({ draft }) => (draft.kind === "value" ? draft.size : 0));
  return { positions, sizes, bytes: bodies.length === 1 ? asBuffer(bodies[0]!) : Buffer.concat(bodies, length) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** PostgreSQL's text form of an array; null when all elements are, which `unnest` pads with nulls to the longest. */
function arrayLiteral<T>(items: readonly T[], of: (item: T) => Element, empty: string | null = null): string | null {
  let text = "";
  let any = false;
  for (const item of items) {
    const value = of(item);
    if (text !== "") text += ",";
    if (value === null) {
      text += "NULL";
    } else {
      any = true;
      text += typeof value === "string" ? quoted(value) : value;
    }
  }
  return any ? `{${text}}` : empty;
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
