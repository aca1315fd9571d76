import { type Carried, stateText } from "../kv/carried.ts";
import { normal } from "../kv/entry.ts";
import type { Path } from "../kv/path.ts";
import { type DigestRow, type Identity, isDoubtful, type RepairBegun } from "../store/member.ts";
import { ask, exchange, RefusedError, rebuilding, senderOf } from "./conversation.ts";
import { differing, summarise } from "./digests.ts";
import type { BlobFetcher } from "./fetcher.ts";
import type { Io } from "./io.ts";
import type { Merger, Outcome } from "./merger.ts";
import type { Range, RangeSum, Stage } from "./protocol.ts";
import { after } from "./receiver.ts";

/** Keys that are read at once where something is known to lack, and where not: the fewer, the shorter clients wait for them. */
const stepKeys = 4000;
const calmStepKeys = 1000;
/** Those of one range: a difference costs a list of one range. */
const rangeKeys = 250;
/** Keys whose entries are compared at once, and the bytes of their values. */
const exchangedKeys = 100;
const exchangedBytes = 2 * 2 ** 20;
/**
 * Milliseconds between steps, and so many times as long as a step took where nothing is known to lack: clients hardly notice,
 * and a comparison of many keys takes a small part of a core.
 */
const rest = 50;
const restFactor = 20;
const maxRest = 30_000;
/** Times that a peer is asked whether it has fetched the bytes of large values, and milliseconds in between. */
const maxWaits = 30;
const blobWait = 1000;

type Step = { readonly next: Path | null; readonly keys: number; readonly differing: number; readonly stage: Stage };

/**
 * Anti-entropy with one peer: compares digests range by range, and exchanges the entries of keys that differ, both ways.
 * Brings over what the feed cannot: what retention dropped, what a restore lost, what a lost cloud sent to one of two.
 */
export class Repair {
  readonly #io: Io;
  readonly #merger: Merger;
  readonly #fetchers: ReadonlyMap<string, BlobFetcher>;

  constructor(io: Io, merger: Merger, fetchers: ReadonlyMap<string, BlobFetcher>) {
    this.#io = io;
    this.#merger = merger;
    this.#fetchers = fetchers;
  }

  /**
   * One pass over all keys. When it resolves, everything that was here when it began is at the peer, and the other way
   * round. `renew` is called after each step. Rejects when the peer cannot be asked or cannot take a key: then it must be done again.
   */
  async pass(
    begun: RepairBegun,
    renew: () => Promise<unknown>,
  ): Promise<{ readonly keys: number; readonly differing: number }> {
    const { peer } = begun;
    const { store, now, monotonic, onEvent, sleep } = this.#io;
    const self = await store.identity();
    const { floor } = self;
    const isUrgent = begun.repair !== null || begun.settling !== null || isDoubtful(self) || !self.copied;
    let keys = 0;
    let found = 0;
    let wasRestored = false;
    for (let from: Path | null = ""; from !== null; ) {
      const startedAt = monotonic();
      const step: Step = await rebuilding(() => this.#step(peer, from!, isUrgent ? stepKeys : calmStepKeys));
      const pause = isUrgent ? rest : Math.max(rest, Math.min(maxRest, (monotonic() - startedAt) * restFactor));
      keys += step.keys;
      found += step.differing;
      wasRestored ||= step.stage === "restored";
      from = step.next;
      if (from !== null) await sleep(pause);
      await renew();
    }
    // What a restored peer gets back from others after this, it sends to nobody: the pass counts, but another must follow.
    if (wasRestored && begun.repair === null) await store.startRepair(peer);
    await store.finishRepair(wasRestored ? { peer, repair: null, settling: null } : begun, floor, now());
    onEvent({ kind: "repaired", peer, keys, differing: found });
    return { keys, differing: found };
  }

  async #step(peer: string, from: Path, size: number): Promise<Step> {
    const now = this.#io.now();
    const { floor, rows } = await this.#io.store.digests(from, null, size, now);
    const next = rows.length === size ? after(rows.at(-1)!.path) : null;
    const ranges = rangesOf(rows, from, next);
    const { head, body } = await exchange(this.#io, peer, { kind: "compare", now, ranges }, "differ", floor);
    let found = 0;
    for (const index of body.ranges) {
      const range = ranges[index];
      if (range === undefined) throw new Error(`expected a range below ${ranges.length}, found ${index}`);
      found += await rebuilding(() => this.#mend(peer, range));
    }
    return { next, keys: rows.length, differing: found, stage: head.stage };
  }

  /** Lists both sides of a range and exchanges what differs. The peer may have any number of keys in it. */
  async #mend(peer: string, { from, to }: Range): Promise<number> {
    let found = 0;
    for (let start: Path | null = from; start !== null; ) {
      const part = await this.#list(peer, start, to);
      for (let i = 0; i < part.paths.length; i += exchangedKeys) {
        found += await rebuilding(() => this.#exchange(peer, part.paths.slice(i, i + exchangedKeys)));
      }
      start = part.next;
    }
    return found;
  }

  /** Paths that differ from the start of a range on, and where to go on; null at its end. */
  async #list(peer: string, from: Path, to: Path | null): Promise<{ paths: readonly Path[]; next: Path | null }> {
    const now = this.#io.now();
    const mine = await this.#io.store.digests(from, to, stepKeys, now);
    const end = mine.rows.length === stepKeys ? after(mine.rows.at(-1)!.path) : to;
    const theirs = await ask(this.#io, peer, { kind: "list", now, from, to: end }, "listed", mine.floor);
    const upTo = theirs.end ?? end;
    const here = mine.rows.filter(({ path }) => upTo === null || isBefore(path, upTo));
    return { paths: differing(here, theirs.rows), next: upTo === to ? null : upTo };
  }

  /** Compares current entries, merges the peer's here, and sends what is newer here. Returns how many differed. */
  async #exchange(peer: string, paths: readonly Path[]): Promise<number> {
    const { store, now } = this.#io;
    let found = 0;
    for (let left = paths; left.length > 0; ) {
      const self = await store.identity();
      const { floor } = self;
      const { entries } = await ask(this.#io, peer, { kind: "fetch", paths: left }, "fetched", floor);
      if (entries.length === 0) throw new Error("expected at least one entry");
      const asked = left.slice(0, entries.length);
      const mine = await store.carried(asked, exchangedBytes);
      const compared = asked.slice(0, mine.rows.length);
      const differ = compared.filter(
        (path, i) => state(path, mine.rows[i]!, floor, now()) !== state(path, entries[i]!, floor, now()),
      );
      found += differ.length;
      await this.#mendKeys(peer, differ, entries, compared, self);
      left = left.slice(compared.length);
    }
    return found;
  }

  async #mendKeys(
    peer: string,
    differ: readonly Path[],
    entries: readonly (Carried | null)[],
    asked: readonly Path[],
    self: Identity,
  ) {
    const { store, now, sleep } = this.#io;
    const { floor } = self;
    if (differ.length === 0) return;
    const theirs = new Map(asked.map((path, i) => [path, entries[i] ?? null]));
    const coming = differ.map((path) => theirs.get(path)!).filter((carried) => carried !== null);
    await this.#merge(peer, coming, self);
    if (isDoubtful(self)) {
      const absent = differ.filter((path) => state(path, theirs.get(path)!, floor, now()) === "");
      await store.forget(absent, floor);
    }
    for (let left = differ, waits = 0; left.length > 0; waits++) {
      const after = await store.carried(left, Number.MAX_SAFE_INTEGER);
      const going = after.rows.filter(
        (row) =>
          row !== null &&
          state(row.path, row, floor, now()) !== state(row.path, theirs.get(row.path) ?? null, floor, now()),
      ) as Carried[];
      if (going.length === 0) return;
      const { results } = await ask(this.#io, peer, { kind: "batch", entries: going }, "applied", after.floor);
      left = going.flatMap(({ path }, i) => (results[i] === null ? [] : [path]));
      const failed = going.findIndex((_, i) => results[i] !== null && (results[i] !== "no-blob" || waits >= maxWaits));
      if (failed !== -1) throw new Error(`${peer} could not take a key: ${results[failed] ?? "no answer"}`);
      if (left.length > 0) await sleep(blobWait);
    }
  }

  /** Merges the peer's entries here, after their bytes have been fetched. */
  async #merge(peer: string, coming: readonly Carried[], self: Identity): Promise<void> {
    const sender = await senderOf(this.#io, peer);
    for (let left = coming, waits = 0; left.length > 0; waits++) {
      const results = await this.#merger.merge(sender, left, self);
      if (results === "floor") throw new RefusedError(peer, "floor");
      const isTaken = (result: Outcome) => result === null || result === "quarantined";
      const failed = results.find((result) => !isTaken(result) && (result !== "no-blob" || waits > 0));
      if (failed) throw new Error(`a key could not be merged: ${failed}`);
      left = left.filter((_, i) => !isTaken(results[i]!));
      await Promise.all(left.map((carried) => this.#fetchers.get(peer)!.bring(carried)));
    }
  }
}

/** Ranges without gaps from `from` to `to`, each with about as many keys. */
function rangesOf(rows: readonly DigestRow[], from: Path, to: Path | null): RangeSum[] {
  const ranges: RangeSum[] = [];
  let start = from;
  for (let i = 0; i === 0 || i < rows.length; i += rangeKeys) {
    const part = rows.slice(i, i + rangeKeys);
    const end = i + rangeKeys >= rows.length ? to : after(part.at(-1)!.path);
    ranges.push({ from: start, to: end, ...summarise(part) });
    if (end !== null) start = end;
  }
  return ranges;
}

/** In the order of the database: of bytes. */
function isBefore(a: Path, b: Path): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

function state(path: Path, carried: Carried | null, floor: bigint, now: number): string {
  const entry = normal(carried?.entry ?? null, floor, now);
  return entry === null ? "" : stateText(path, entry);
}
