import { type Carried, meet } from "../kv/carried.ts";
import { hybridTime, maxAhead } from "../kv/clock.ts";
import { aboveFloor, type Entry } from "../kv/entry.ts";
import { type Path, shardOf } from "../kv/path.ts";
import { compareVersions } from "../kv/version.ts";
import { type Arrival, type Identity, isDoubtful, type Sender } from "../store/member.ts";
import type { Io } from "./io.ts";
import type { Result } from "./protocol.ts";

/** Times that a key is decided anew because somebody wrote it in between. */
const maxAttempts = 8;
const dueBatch = 500;

/** What became of an entry; the sender of one in quarantine is rid of it, but must not call it committed. */
export type Outcome = Result | "quarantined";

/** Takes entries in: the one way by which what another cloud wrote gets into this one's database. */
export class Merger {
  readonly #io: Io;
  readonly #fetch: (peer: string, carried: Carried) => void;

  /** `fetch` is told of entries whose bytes are not here, and need not do anything: the peer tells of them again. */
  constructor(io: Io, fetch: (peer: string, carried: Carried) => void) {
    this.#io = io;
    this.#fetch = fetch;
  }

  /**
   * Merges entries that were current at the sender under the floor of `self`; each path once. When it resolves with
   * results they are committed. "floor": this cloud's floor is another one by now; nothing more was done, and the sender
   * must read its entries anew: a higher floor here means that what superseded them may be forgotten.
   */
  async merge(sender: Sender, entries: readonly Carried[], self: Identity): Promise<readonly Outcome[] | "floor"> {
    const { store, now, clock, onEvent } = this.#io;
    const results = new Map<Path, Outcome>();
    const newest = hybridTime(now() + maxAhead);
    // Never dropped: the copies would differ for good. Never merged: nobody could overwrite it until its time has come.
    const future: Carried[] = [];
    for (const carried of entries) {
      if (carried.entry.version.time <= newest) continue;
      // A counter's life may be deleted and forgotten before the time of its newest cell has come, so what is kept of it
      // here would bring that life back. The sender keeps it, and sends what it is by then.
      if (carried.entry.kind === "counter") results.set(carried.path, "future");
      else if (!(await this.#hasBytes(sender, carried))) results.set(carried.path, "no-blob");
      else {
        results.set(carried.path, "quarantined");
        future.push(carried);
      }
    }
    let waiting = entries.filter(({ entry }) => entry.version.time <= newest);
    const quarantine = future.map((carried) => ({ carried, shard: shardOf(carried.path) }));
    let conflicts = 0;
    for (
      let attempt = 0;
      attempt < maxAttempts && (waiting.length > 0 || (attempt === 0 && future.length > 0));
      attempt++
    ) {
      const arrivals = await this.#decide(sender, waiting, self, results);
      const kept = attempt === 0 ? quarantine : [];
      if (arrivals.every(({ write, loser }) => write === null && loser === null) && kept.length === 0) return finish();
      const startedAt = this.#io.monotonic();
      const applied = await store.apply({ sender, floor: self.floor, arrivals, quarantine: kept, claims: [] });
      if (applied === "floor") return "floor";
      const again = new Set(arrivals.filter((_, i) => applied.changed[i] === null).map(({ path }) => path));
      const rows = arrivals.flatMap(({ path, write }, i) =>
        write !== null && !again.has(path)
          ? [{ path, stored: { entry: write.entry, changed: applied.changed[i]!, marks: write.marks } }]
          : [],
      );
      conflicts += arrivals.filter(({ path, loser }) => loser !== null && !again.has(path)).length;
      if (rows.length > 0) this.#io.onApplied({ rows, horizon: applied.horizon, startedAt });
      waiting = waiting.filter(({ path }) => again.has(path));
    }
    for (const { path } of waiting) results.set(path, "busy");
    return finish();

    function finish(): readonly Outcome[] {
      for (const { entry } of entries) if (entry.version.time <= newest) clock.observe(entry.version.time);
      if (conflicts > 0) onEvent({ kind: "conflict", peer: sender.peer, entries: conflicts });
      if (future.length > 0) onEvent({ kind: "quarantined", peer: sender.peer, entries: future.length });
      return entries.map(({ path }) => results.get(path) ?? null);
    }
  }

  /** What is to be done with each entry, on the present state of its key. Notes in `results` what must come again. */
  async #decide(
    sender: Sender,
    entries: readonly Carried[],
    self: Identity,
    results: Map<Path, Outcome>,
  ): Promise<Arrival[]> {
    const { floor } = self;
    const isInDoubt = isDoubtful(self);
    const arrivals: Arrival[] = [];
    if (entries.length === 0) return arrivals;
    const found = await this.#io.store.current(entries.map(({ path }) => path));
    for (const [i, incoming] of entries.entries()) {
      const { path, entry } = incoming;
      const { changed, carried, namespace } = found[i]!;
      if (namespace !== null && entry.version.time <= namespace.epoch) continue;
      if (namespace === null || namespace.isDeleted) {
        results.set(path, "unknown-namespace");
        continue;
      }
      // Merged with what the backup had, what was deleted and forgotten since would come back.
      const here = isInDoubt ? trusted(carried, incoming, self) : carried;
      const meeting = meet(here, incoming, floor, this.#io.now());
      // What lost is kept to be looked at, so its bytes must be here too; an old state that nobody keeps needs none.
      const isKept = meeting.write !== null || meeting.loser !== null;
      if (isKept && !(await this.#hasBytes(sender, incoming))) results.set(path, "no-blob");
      else arrivals.push({ path, expects: changed, ...meeting });
    }
    return arrivals;
  }

  /** Whether all of the value is here, durably; what is not is fetched. */
  async #hasBytes({ peer }: Sender, carried: Carried): Promise<boolean> {
    const { entry } = carried;
    if (entry.kind !== "value" || entry.blob === null || (await this.#io.blobs.touch(entry.blob))) return true;
    this.#fetch(peer, carried);
    return false;
  }

  /** Merges what is in quarantine and no longer from the future. */
  async mergeDue(): Promise<void> {
    const { store, now } = this.#io;
    const due = await store.dueQuarantine(hybridTime(now()), dueBatch);
    if (due.length === 0) return;
    const self = await store.identity();
    const sender = { peer: store.origin, incarnation: self.incarnation, incarnatedAt: self.incarnatedAt };
    // The floor does not pass what is in quarantine here. What is below it came with a backup, and is known to every peer.
    await store.releaseQuarantine(due.filter(({ entry }) => entry.version.time <= self.floor));
    const above = due.filter(({ entry }) => entry.version.time > self.floor);
    const latest = new Map(above.map((carried) => [carried.path, carried]));
    const results = await this.merge(sender, [...latest.values()], self);
    if (results === "floor") return;
    const paths = [...latest.keys()];
    const merged = new Set(paths.filter((_, i) => results[i] === null));
    // Of several of one path the others come next time.
    await store.releaseQuarantine(
      above.filter((carried) => latest.get(carried.path) === carried && merged.has(carried.path)),
    );
  }
}

/** What a restored database has of a key that its peers, of which one sends `incoming`, cannot have deleted and forgotten. */
function trusted(carried: Carried | null, incoming: Carried, { floor, soundUpTo }: Identity): Carried | null {
  const entry = carried && aboveFloor(carried.entry, floor);
  if (entry === null || isOfEarlierLife(entry, incoming.entry, soundUpTo)) return null;
  return { ...carried!, entry };
}

/** Whether a counter began anew when the backup, made under the floor `soundUpTo`, had been made. */
function isOfEarlierLife(entry: Entry, incoming: Entry, soundUpTo: bigint): boolean {
  if (entry.kind !== "counter" || incoming.kind !== "counter" || incoming.epoch.time <= soundUpTo) return false;
  return compareVersions(entry.epoch, incoming.epoch) < 0;
}
