import type { Digest } from "../../service/blobs/port.ts";
import { stateText } from "../../service/kv/carried.ts";
import { type Counter, counterValue, type Entry, epochOf, isLive, normal } from "../../service/kv/entry.ts";
import { merge } from "../../service/kv/merge.ts";
import type { Path } from "../../service/kv/path.ts";
import { compareVersions, formatVersion, type Version, zeroVersion } from "../../service/kv/version.ts";
import type { Cloud } from "./cloud.ts";
import { showHome } from "./homed.ts";
import { type Invariant, Violation, type World } from "./world.ts";

/**
 * Every write of a client that any database committed, whether the client heard of it or not: what all clouds must agree
 * on in the end follows from these alone, without floors, cursors and watermarks.
 */
export class Ledger {
  readonly #writes = new Map<Path, Entry[]>();
  /** When each write was recorded. */
  readonly #order = new Map<Entry, number>();
  /** Writes that a restore may have undone for good, or not: they may have been on their way. */
  readonly uncertain = new Map<Path, Entry[]>();
  /** Bytes of values that were to be written once, whatever the number of tries. */
  readonly #once = new Set<string>();
  readonly #check: (invariant: Invariant) => void;
  /** The newest write of each key that a home has decided, whichever cloud was the home then. */
  readonly #atHome = new Map<Path, Entry>();
  /** Large values that clients have sent: what else a cloud holds is nobody's. */
  readonly uploaded = new Set<Digest>();
  count = 0;

  constructor(check: (invariant: Invariant) => void) {
    this.#check = check;
  }

  /** `floor` of the database that committed it. */
  record(path: Path, entry: Entry, floor: bigint): void {
    this.count++;
    this.#mustBeFirst(path, entry);
    const writes = this.#writes.get(path) ?? [];
    this.#writes.set(path, writes);
    const write = this.trueForm(path, entry, floor);
    writes.push(write);
    this.#order.set(write, this.count);
  }

  /** What a home decides it decides on what homes decided before: so there are never two that both count. In true form. */
  recordAtHome(cloud: string, path: Path, replaced: Entry | null, write: Entry, floor: bigint, now: number): void {
    this.#check(7);
    const last = this.#atHome.get(path) ?? null;
    if (!this.isNoOlder(path, last, replaced, floor, now))
      throw new Violation(`${cloud} decides on ${show(replaced)} of ${path}, after a home has written ${show(last)}`);
    this.#atHome.set(path, write);
  }

  /** Who repeats a request with its key gets the first answer: it is not written again. */
  #mustBeFirst(path: Path, entry: Entry): void {
    if (entry.kind !== "value" || !isWrittenOnce(path)) return;
    const text = Buffer.from(entry.body!).toString();
    if (this.#once.has(text)) throw new Violation(`${path} is written "${text}" a second time by a retry`);
    this.#once.add(text);
  }

  /** A restore of that cloud has undone what it took since then, as far as `isLost` says. It may still turn up. */
  discard(cloud: string, since: number, isLost: (path: Path, write: Entry) => boolean): void {
    this.#atHome.clear();
    for (const [path, writes] of this.#writes) {
      const kept = writes.filter(
        (write) => write.version.origin !== cloud || this.#order.get(write)! <= since || !isLost(path, write),
      );
      const lost = writes.filter((write) => !kept.includes(write));
      if (lost.length > 0) this.uncertain.set(path, [...(this.uncertain.get(path) ?? []), ...lost]);
      this.#writes.set(path, kept);
    }
  }

  /**
   * A counter that was born after its key's deletion was forgotten says that it was born over nothing; in truth it was
   * born over the last deletion that the floor let go, which everybody knew. In this form entries of different times can
   * be compared; `floor` is the one under which the entry was current.
   */
  trueForm(path: Path, entry: Entry, floor: bigint): Entry {
    return entry.kind === "counter" ? { ...entry, epoch: this.#trueEpoch(path, entry, floor) } : entry;
  }

  #trueEpoch(path: Path, { epoch }: Counter, floor: bigint): Version {
    if (epoch.time > floor) return epoch;
    let last = epoch;
    for (const { kind, version } of [...(this.#writes.get(path) ?? []), ...(this.uncertain.get(path) ?? [])])
      if (kind === "tombstone" && version.time <= floor && compareVersions(version, last) > 0) last = version;
    return last;
  }

  /** The state that all clouds must end with. */
  expected(path: Path): Entry | null {
    const writes = this.#writes.get(path) ?? [];
    const last = writes.reduce<Entry | null>(merge, null);
    if (last?.kind === "counter" && !this.uncertain.has(path)) this.#checkSums(path, last, writes);
    return last;
  }

  /** Every increment is by one, so a cell is the number of increments of its life. */
  #checkSums(path: Path, last: Counter, writes: readonly Entry[]): void {
    for (const [origin, { sum }] of Object.entries(last.cells)) {
      this.#check(8);
      const increments = writes.filter(
        (write) =>
          write.kind === "counter" && write.version.origin === origin && compareVersions(write.epoch, last.epoch) === 0,
      );
      if (increments.length !== sum)
        throw new Violation(`${path} counts ${sum} of ${origin}, expected ${increments.length}`);
    }
  }

  /** A write that is newer than `entry` (in true form) and so old that clouds may have forgotten it. */
  forgotten(path: Path, entry: Entry, floor: bigint): Entry | undefined {
    return this.#writes
      .get(path)
      ?.find(
        (write) =>
          write.kind !== "counter" && write.version.time <= floor && compareVersions(write.version, epochOf(entry)) > 0,
      );
  }

  /** Whether `found` is no older than `old`; both in true form, null for absent. Absent is right after what was forgotten. */
  isNoOlder(path: Path, old: Entry | null, found: Entry | null, floor: bigint, now: number): boolean {
    if (old === null) return true;
    const isDeletion = ({ kind, version }: Entry) => kind !== "counter" && compareVersions(version, epochOf(old)) > 0;
    if (found === null)
      return (
        !isLive(old, now) ||
        this.forgotten(path, old, floor) !== undefined ||
        (this.uncertain.get(path)?.some(isDeletion) ?? false)
      );
    return show(merge(old, found)) === show(found);
  }

  paths(): Path[] {
    return [...this.#writes.keys()];
  }
}

/** What keeps the clouds from being equal, byte by byte, to each other and to what was written; null for nothing. */
export function firstDifference({ ledger, check }: World, clouds: readonly Cloud[], now: number): string | null {
  const floor = clouds.reduce((highest, { db }) => (db.cluster.floor > highest ? db.cluster.floor : highest), 0n);
  for (const path of ledger.paths()) {
    const expected = ledger.expected(path);
    const texts = new Set<string>();
    for (const { name, db } of clouds) {
      const found = db.entries.get(path)?.entry ?? null;
      check(2);
      const isRight = ledger.uncertain.has(path)
        ? ledger.isNoOlder(path, expected, found && ledger.trueForm(path, found, floor), floor, now)
        : agrees(expected, found, floor, now);
      if (!isRight) return `${path} is ${show(found)} in ${name}, expected ${show(expected)}`;
      const state = normal(found, floor, now);
      texts.add(state === null ? "" : stateText(path, state));
    }
    check(1);
    if (texts.size > 1) return `${path} differs between the clouds`;
  }
  for (const cloud of clouds) {
    check(2);
    if (!cloud.hasAllBytes()) throw new Violation(`${cloud.name} lacks the bytes of an entry, or of one that is kept`);
    for (const digest of cloud.blobs.kept.keys())
      if (!ledger.uploaded.has(digest)) throw new Violation(`${cloud.name} keeps ${digest}, which nobody has written`);
  }
  const homes = new Set(clouds.map(({ db }) => showHome(db)));
  return homes.size === 1 ? null : `the home differs between the clouds: ${[...homes].join("; ")}`;
}

/** Keys whose values are put by requests with a key for retries, and never touched: a text is there by one write. */
export function isWrittenOnce(path: Path): boolean {
  return path.includes("once");
}

/** An entry as one short text, for comparing and for people. */
export function show(entry: Entry | null | undefined): string {
  if (entry == null) return "absent";
  if (entry.kind === "counter") {
    const cells = Object.keys(entry.cells)
      .sort()
      .map((origin) => `${origin}:${entry.cells[origin]!.sum}@${entry.cells[origin]!.time.toString(16)}`);
    return `counter ${counterValue(entry)} (${cells.join(" ")}) epoch ${formatVersion(entry.epoch)}`;
  }
  if (entry.kind === "tombstone") return `deleted ${formatVersion(entry.version)}`;
  // What a receipt says holds no bytes.
  const text = entry.body === null ? "a value" : `"${Buffer.from(entry.body).toString()}"`;
  const value = entry.blob === null ? text : `blob ${entry.blob.slice(0, 6)}`;
  return `${value} ${formatVersion(entry.version)}${entry.expiresAt === null ? "" : ` expires ${entry.expiresAt}`}`;
}

/** Whether a cloud's entry is what it must be, once nothing is under way any more. */
export function agrees(expected: Entry | null, found: Entry | null, floor: bigint, now: number): boolean {
  const [a, b] = [normal(expected, floor, now), normal(found, floor, now)];
  if (a?.kind === "counter" && b?.kind === "counter")
    return show({ ...a, epoch: zeroVersion }) === show({ ...b, epoch: zeroVersion });
  if (!isLive(a, now) && !isLive(b, now)) return a === null || b === null || show(a) === show(b);
  return show(a) === show(b);
}
