import type { Stored } from "./entry.ts";
import { compareMarks, type Mark, type Marks, noMarks, raise } from "./marks.ts";

/**
 * What a session has seen, as its token tells it from request to request and from cloud to cloud.
 *
 * Text form: `cloud.since.transaction` for each mark, `@cloud.since.transaction` for the witness and `!time` for the
 * newest time, joined by `~`; numbers to the base 36. Opaque to clients, at most 256 bytes.
 */
export type Session = {
  /** Per cloud, the newest of its transactions that the session has seen or written. */
  readonly marks: Marks;
  /**
   * A cloud whose database holds all that the session has seen from that transaction on, whatever it is told by others.
   * So a session that stays in a cloud asks nothing of the others, also when one is lost in the middle of a sentence.
   */
  readonly witness: Witness | null;
  /** The newest hybrid time among the versions that were seen: what the session writes must be newer, in any cloud. */
  readonly newest: bigint;
};

export type Witness = Mark & { readonly cloud: string };

export const noSession: Session = { marks: noMarks, witness: null, newest: 0n };

export const maxSessionBytes = 256;

/** The cloud that answers. */
export type Here = {
  readonly cloud: string;
  /** When the incarnation of its database began. */
  readonly since: number;
  /** The other members: what was seen of clouds that are none any more binds nobody. */
  readonly members: ReadonlySet<string>;
  /** But clouds that the database still counts, or has not been compared without: others may have more of their writes. */
  readonly binding: Pick<ReadonlySet<string>, "has">;
};

/** What a read found, or what is known before one. */
export type View = {
  /** Every transaction of this cloud below it is part of the read. Infinite: it is of after the request. */
  readonly horizon: number;
  /** Per other cloud, below which of its transactions this one held everything of the key's shard when the read began. */
  readonly complete: Marks;
  /** The key's row; null where there was none, or where the view is of many keys. */
  readonly stored: Stored | null;
};

/** How far a whole cloud is, in all shards: `complete` of a moment after which its transactions are above `asOf`. */
export type Coverage = { readonly complete: Marks; readonly asOf: number };

/** What an answer has shown of this cloud's database. */
export type Seen = {
  readonly marks: Marks;
  /** No transaction of this database above it is part of the answer. */
  readonly transaction: number;
  readonly newest: bigint;
};

/** What an answer about `stored` has shown. Also deletions and expired values are seen. */
export function seenOf(stored: Stored | null, here: Here): Seen {
  if (stored === null) return nothingSeen;
  return { marks: marksOf(stored, here), transaction: stored.changed, newest: stored.entry.version.time };
}

export const nothingSeen: Seen = { marks: noMarks, transaction: 0, newest: 0n };

export function bothSeen(a: Seen, b: Seen): Seen {
  return {
    marks: raise(a.marks, b.marks),
    transaction: Math.max(a.transaction, b.transaction),
    newest: a.newest > b.newest ? a.newest : b.newest,
  };
}

/**
 * Which clouds' writes the session may have seen and the view may lack; empty when it may be served. Pure: the service
 * and the simulation share it.
 *
 * Sufficient is any of these, for each cloud in the token: this cloud was complete in it below the mark; the key's row
 * is itself of that transaction or a later one, and no older than any version that the session saw. The number alone says
 * little: of two transactions of one moment the one that has the lower number may write a key last.
 */
export function lacks(session: Session, view: View, here: Here): string[] {
  const { witness } = session;
  const isNewest = view.stored !== null && view.stored.entry.version.time >= session.newest;
  // The row's own transaction covers what the key was before, as for other clouds below.
  const holds = (transaction: number) =>
    transaction < view.horizon || (isNewest && view.stored!.changed >= transaction);
  if (isHere(witness, here)) return holds(witness.transaction) ? [] : [here.cloud];
  const row = isNewest ? marksOf(view.stored!, here) : noMarks;
  const lacking: string[] = [];
  for (const [cloud, mark] of Object.entries(session.marks)) {
    if (isOver(cloud, mark, view.complete, here)) continue;
    if (cloud === here.cloud ? holds(mark.transaction) : isCovered(cloud, mark, view.complete)) continue;
    const own = row[cloud];
    if (own === undefined || compareMarks(own, mark) < 0) lacking.push(cloud);
  }
  return lacking;
}

/** The session after an answer of this cloud that showed `seen`. Marks that bind nobody any more are left out. */
export function extend(session: Session | null, seen: Seen, coverage: Coverage, here: Here): Session {
  const { cloud, since } = here;
  const newest = session !== null && session.newest > seen.newest ? session.newest : seen.newest;
  // By itself, its own transactions and the newest time say all: shorter tokens on every answer.
  if (here.members.size === 0) {
    const marks = raise({ [cloud]: { since, transaction: seen.transaction } }, seen.marks);
    return {
      marks: session === null ? marks : withoutOver(raise(session.marks, marks), noMarks, here),
      witness: null,
      newest,
    };
  }
  if (session === null) {
    return { marks: seen.marks, witness: { cloud, since, transaction: seen.transaction }, newest: seen.newest };
  }
  const marks = withoutOver(raise(session.marks, seen.marks), coverage.complete, here);
  return { marks, witness: witnessAfter(session, seen, coverage, here), newest };
}

function witnessAfter(session: Session, seen: Seen, coverage: Coverage, here: Here): Witness | null {
  const { witness } = session;
  const from = (transaction: number): Witness => ({ cloud: here.cloud, since: here.since, transaction });
  if (isHere(witness, here)) return from(Math.max(witness.transaction, seen.transaction));
  const known = session.marks[here.cloud];
  const own = known?.since === here.since ? known.transaction : 0;
  const all = Object.entries(session.marks).every(
    ([cloud, mark]) =>
      cloud === here.cloud || isOver(cloud, mark, coverage.complete, here) || isCovered(cloud, mark, coverage.complete),
  );
  if (all) return from(Math.max(own, seen.transaction, coverage.asOf));
  // The old witness need not have what this answer showed; also not when a mark was there: it names the newest
  // transaction that was seen, and the witness may lack an older one.
  return seen.transaction === 0 ? witness : null;
}

/** A row that entered here is whole in what its transaction sent to the others, whatever it was merged from before. */
function marksOf(stored: Stored, { cloud, since }: Here): Marks {
  return stored.marks ?? { [cloud]: { since, transaction: stored.changed } };
}

function isHere(witness: Witness | null, here: Here): witness is Witness {
  return witness !== null && witness.cloud === here.cloud && witness.since === here.since;
}

/** Whether a mark binds nobody any more: its cloud was removed for good, or restored. */
function isOver(cloud: string, mark: Mark, complete: Marks, here: Here): boolean {
  if (cloud === here.cloud) return mark.since !== here.since;
  if (!here.members.has(cloud)) return !here.binding.has(cloud);
  const known = complete[cloud];
  return known !== undefined && known.since > mark.since;
}

function isCovered(cloud: string, mark: Mark, complete: Marks): boolean {
  const known = complete[cloud];
  return known !== undefined && known.since === mark.since && mark.transaction < known.transaction;
}

function withoutOver(marks: Marks, complete: Marks, here: Here): Marks {
  const entries = Object.entries(marks);
  const kept = entries.filter(([cloud, mark]) => !isOver(cloud, mark, complete, here));
  return kept.length === entries.length ? marks : Object.fromEntries(kept);
}

const part = /^(@?)([a-z0-9-]{1,32})\.([0-9a-z]{1,9})\.([0-9a-z]{1,11})$/;

/** Null when `text` is not a token. */
export function parseSession(text: string): Session | null {
  if (text.length > maxSessionBytes) return null;
  const marks: Record<string, Mark> = {};
  let witness: Witness | null = null;
  let newest = 0n;
  for (const piece of text.split("~")) {
    if (/^![0-9a-f]{1,16}$/.test(piece)) {
      newest = BigInt(`0x${piece.slice(1)}`);
      continue;
    }
    const match = part.exec(piece);
    if (match === null) return null;
    const mark = { since: Number.parseInt(match[3]!, 36), transaction: Number.parseInt(match[4]!, 36) };
    if (!Number.isSafeInteger(mark.since) || !Number.isSafeInteger(mark.transaction)) return null;
    if (match[1] === "@") witness = { cloud: match[2]!, ...mark };
    else marks[match[2]!] = mark;
  }
  return { marks, witness, newest };
}

export function formatSession({ marks, witness, newest }: Session): string {
  const pieces = Object.entries(marks).map(([cloud, mark]) => formatMark(cloud, mark));
  if (witness !== null) pieces.push(`@${formatMark(witness.cloud, witness)}`);
  if (newest > 0n) pieces.push(`!${newest.toString(16)}`);
  return pieces.join("~");
}

/** Bytes of the longest token that clouds of these names can make: beyond the bound they could take none from another. */
export function longestSession(clouds: readonly string[]): number {
  // Eight digits to the base 36 are milliseconds until 2059.
  const mark = { since: 36 ** 8 - 1, transaction: Number.MAX_SAFE_INTEGER };
  const longest = clouds.reduce((a, b) => (b.length > a.length ? b : a));
  const marks = Object.fromEntries(clouds.map((cloud) => [cloud, mark]));
  return formatSession({ marks, witness: { cloud: longest, ...mark }, newest: 2n ** 63n - 1n }).length;
}

function formatMark(cloud: string, { since, transaction }: Mark): string {
  return `${cloud}.${since.toString(36)}.${transaction.toString(36)}`;
}
