import { createHash } from "node:crypto";
import { descendsFrom, type Entry, normal } from "./entry.ts";
import { type Marks, noMarks, raise } from "./marks.ts";
import { merge } from "./merge.ts";
import type { Path } from "./path.ts";
import { compareVersions } from "./version.ts";

/** An entry on its way between clouds, with what must not get lost on it. */
export type Carried = {
  readonly path: Path;
  readonly entry: Entry;
  /** By which transactions it entered the clouds that it comes from, for sessions; empty where that is not known. */
  readonly marks: Marks;
  /** Fields that this release does not know: kept and passed on. */
  readonly extra: Readonly<Record<string, unknown>> | null;
};

/** What comes of an entry that arrives: the state to write (null: none), and the state that lost to a concurrent one. */
export type Meeting = { readonly write: Carried | null; readonly loser: Carried | null };

/**
 * Merges what arrives with what is here, both in normal form under one floor. Pure: receiver, repair, quarantine and
 * simulation share it. `now` is milliseconds since 1970.
 */
export function meet(current: Carried | null, incoming: Carried, floor: bigint, now: number): Meeting {
  const here = normal(current?.entry ?? null, floor, now);
  const there = normal(incoming.entry, floor, now);
  if (there === null) return { write: null, loser: null };
  const merged = merge(here, there)!;
  const stays = here !== null && stateText(incoming.path, merged) === stateText(incoming.path, here);
  const write = stays ? null : carry(current, incoming, merged);
  if (here === null || !isConflict(here, there)) return { write, loser: null };
  return { write, loser: stays ? { ...incoming, entry: there } : { ...current!, entry: here } };
}

/** A merged counter is both of them; of anything else it is the one that won. */
function carry(current: Carried | null, incoming: Carried, merged: Entry): Carried {
  const extra = merged.kind === "counter" && current?.extra ? { ...current.extra, ...incoming.extra } : incoming.extra;
  const isIncoming = compareVersions(merged.version, incoming.entry.version) === 0;
  const mine = current?.marks ?? noMarks;
  const marks = merged.kind === "counter" ? raise(mine, incoming.marks) : isIncoming ? incoming.marks : mine;
  return { path: incoming.path, entry: withOwnEpoch(merged, current?.entry, incoming.entry), marks, extra };
}

/**
 * A counter keeps what it was born over when the floor has passed that: a database of before then, which was restored, can
 * tell by it that what it has counted belongs to an earlier life.
 */
function withOwnEpoch(merged: Entry, ...from: readonly (Entry | undefined)[]): Entry {
  if (merged.kind !== "counter" || merged.epoch.time > 0n) return merged;
  const epochs = from.flatMap((entry) => (entry?.kind === "counter" ? [entry.epoch] : []));
  return { ...merged, epoch: epochs.reduce((a, b) => (compareVersions(a, b) < 0 ? b : a), merged.epoch) };
}

/**
 * Whether merging the two loses a write that nobody has seen be replaced. Counters of one life add up, and a counter
 * contains what it was born over; otherwise one wins whole, and the other is lost unless the winner descends from it.
 */
function isConflict(a: Entry, b: Entry): boolean {
  if (descendsFrom(a, b) || descendsFrom(b, a)) return false;
  if (a.kind === "counter" && b.kind === "counter") {
    return a.epoch.time !== b.epoch.time || a.epoch.origin !== b.epoch.origin;
  }
  return true;
}

/** Stands for a field that is not set: no field may hold it. */
const unset = "\u0001";

/**
 * The whole state in one text, equal exactly where the bytes are: what digests of anti-entropy are made of. The database
 * writes the same text in SQL (`skykv_digest`). `seen` is no part of it: it says where a state came from, not what it is.
 */
export function stateText(path: Path, entry: Entry): string {
  const { version } = entry;
  if (entry.kind === "tombstone") return ["t", version.time, version.origin, path].join("\n");
  if (entry.kind === "counter") {
    const cells = Object.keys(entry.cells)
      .sort()
      .map((origin) => `${origin}=${entry.cells[origin]!.time}:${entry.cells[origin]!.sum}`);
    return ["c", entry.epoch.time, entry.epoch.origin, cells.join(","), path].join("\n");
  }
  const { expiresAt, size, blob, contentType, contentEncoding, meta, body } = entry;
  const bytes = body === null ? null : createHash("md5").update(body).digest("hex");
  const fields = [expiresAt, size, blob, contentType, contentEncoding, meta, bytes].map((field) => field ?? unset);
  return ["v", version.time, version.origin, ...fields, path].join("\n");
}

/** 64 bits of the state. Not for secrets: two states that collide hide one difference from one comparison. */
export function digestOf(path: Path, entry: Entry): bigint {
  return BigInt(`0x${createHash("md5").update(stateText(path, entry)).digest("hex").slice(0, 16)}`);
}
