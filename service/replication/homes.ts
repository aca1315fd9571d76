import type { Home, NamespaceRow } from "../kv/catalog.ts";
import { shards } from "../kv/path.ts";
import { isExpelled, type MemberStore, type MovingReceipt, type Peer, type Watermarks } from "../store/member.ts";
import { UnavailableError } from "../store/port.ts";
import type { Catalog } from "./catalog.ts";
import { ask, RefusedError } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Answer, Request } from "./protocol.ts";

/** Milliseconds for a whole move, a forced one's repairs not counted. Who asks again goes on with what is left of it. */
const moveTimeout = 60_000;
const repairTimeout = 3_600_000;
/** Milliseconds until whoever asked for a move hears that it goes on: less than requests between clouds may take. */
const answerAfter = 10_000;
/** Milliseconds between looks at what a move waits for. */
const pollInterval = 50;
/**
 * Milliseconds that all others know of a forced move before it ends: some times as long as a catalog takes to a peer that can
 * be reached. A home that any of them reaches has heard of it then, and decides nothing any more.
 */
const hearing = 5000;
/**
 * Milliseconds that a new home waits for what the old one had of other clouds to come from them. Then it compares itself with
 * the old one: the others may be lost.
 */
const comparedAfter = 3000;
/** First answers in one message, of up to 64 KiB each. */
const pageReceipts = 100;
/**
 * What a forced move adds to the epoch. The home that is gone may have counted on alone, and what it did must not win over
 * the move when it comes back.
 */
const forcedStep = 1n << 20n;

/** A home cannot be changed now. `reason`: "unknown" namespace, "unreachable" cloud, still "moving", "not-lost" though it was to be forced. */
export class HomeError extends Error {
  override readonly name = "HomeError";
  readonly reason: "unknown" | "unreachable" | "moving" | "not-lost";

  constructor(reason: HomeError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The one cloud that may change this state; null: there is no home, and any may begin to be it. */
export function ownerOf({ home, movingTo }: Home): string | null {
  return movingTo ?? home;
}

export type HomesOptions = {
  readonly io: Io;
  readonly catalog: Catalog;
  /** The other members, without those that were expelled. */
  readonly peers: () => readonly string[];
  /** Milliseconds after which every statement that began before has ended. */
  readonly statementTimeout: number;
};

/** What the home had of all clouds when it stopped in a state; null: it does not say. */
type Stopped = {
  readonly homeEpoch: bigint;
  readonly complete: Watermarks["complete"] | null;
  readonly at: number;
  isCompared: boolean;
};

/**
 * Moves homes. Never are there two, because states of a home follow each other, each with a higher epoch, and each has one
 * owner who alone may put the next one in its place:
 *
 * 1. The present home hands the namespace over: `movingTo` is the new home, which owns the state from then on. The old one
 *    decides nothing any more once this is committed, and all that it had decided is. (Where there was no home, the new one
 *    begins by itself, and every cloud stops as soon as it knows.)
 * 2. The new home waits until it has everything that the others had decided before they stopped, first answers to requests
 *    too, and what the old home had of homes before it. Did it begin before, it would decide on a state that an acknowledged
 *    write has replaced.
 * 3. It commits itself as the home, and only then decides.
 *
 * A write is decided under the epoch that its process knows, and its transaction checks that (`../store/postgres/commit.ts`).
 * Every step may be repeated, so a move that was cut off is asked for again.
 */
export class Homes {
  readonly #options: HomesOptions;
  readonly #io: Io;
  /** Namespaces that this process makes this cloud the home of right now. */
  readonly #taking = new Map<string, Promise<void>>();
  /** Of namespaces that this process tries to make this cloud the home of. */
  readonly #stopped = new Map<string, Stopped>();

  constructor(options: HomesOptions) {
    this.#options = options;
    this.#io = options.io;
  }

  /**
   * Makes this cloud the home. `force`: what the move needs and does not answer is gone for good, and is not waited for.
   * What takes longer than an answer may goes on, and who asks again waits for the same.
   */
  async take(name: string, force: boolean): Promise<void> {
    let taking = this.#taking.get(name);
    if (taking === undefined) {
      taking = this.#take(name, force).finally(() => this.#taking.delete(name));
      this.#taking.set(name, taking);
      // Nobody may be waiting any more when it fails.
      taking.catch(() => {});
    }
    const late = this.#io.sleep(answerAfter).then(() => {
      throw new HomeError("moving", `the move of ${name} goes on; ask again`);
    });
    await Promise.race([taking, late]);
  }

  async #take(name: string, force: boolean): Promise<void> {
    const { store, sleep, monotonic } = this.#io;
    const lost = force ? await this.#lost(name) : new Set<string>();
    if (lost.size > 0) await this.#repairWithout(lost);
    const end = monotonic() + moveTimeout;
    while (monotonic() < end) {
      const row = await this.#row(name);
      if (row.movingTo !== store.origin) {
        if (row.home === store.origin && row.movingTo === null) return;
        await this.#begin(row, lost);
        await sleep(pollInterval);
      } else if (await this.#hasEverything(row, lost)) {
        if (lost.size > 0) await sleep(hearing);
        await this.#change(row, { home: store.origin, movingTo: null, homeEpoch: row.homeEpoch + 1n });
        this.#stopped.delete(name);
      } else {
        await sleep(pollInterval);
      }
    }
    throw new HomeError("moving", `the move of ${name} has begun and is not through yet; ask again`);
  }

  /** Takes the home away: every cloud decides. Only the present home can. */
  async drop(name: string): Promise<void> {
    const row = await this.#row(name);
    if (row.home === this.#io.store.origin && row.movingTo === null)
      await this.#change(row, { home: null, movingTo: null, homeEpoch: row.homeEpoch + 1n });
    const now = await this.#row(name);
    if (ownerOf(now) !== null) throw new HomeError("moving", `the home of ${name} is being moved; ask again`);
  }

  /** Answers a peer that wants the home, or asks how things stand (`to` null). Members trust each other with it. */
  async answer({ row, to }: Extract<Request, { kind: "home" }>): Promise<Extract<Answer, { kind: "home" }>> {
    const { store } = this.#io;
    await this.#options.catalog.merge([row]);
    const here = await store.namespaceRow(row.id);
    // It is from the future, and not taken yet.
    if (here === null) return { kind: "home", row, stop: null, complete: null };
    // While this cloud is about to be the home, another one waits until it is: else both would pass it to and fro.
    const isMine = ownerOf(here) === store.origin && here.homeEpoch === row.homeEpoch && !this.#taking.has(row.id);
    if (to !== null && isMine && here.movingTo !== to)
      await this.#change(here, { home: here.home, movingTo: to, homeEpoch: here.homeEpoch + 1n });
    const now = await this.#row(row.id);
    // The home's writes hold the row that was just changed. Those of others do not, and have ended after a while.
    const grace = now.home === store.origin ? 0 : 1000 + this.#options.statementTimeout;
    const stop = to !== null && now.movingTo === to ? await store.stopHome(row.id, now.homeEpoch, grace) : null;
    return { kind: "home", row: now, stop, complete: stop === null ? null : (await store.watermarks()).complete };
  }

  async receipts({
    name,
    after,
  }: Extract<Request, { kind: "receipts" }>): Promise<Extract<Answer, { kind: "receipts" }>> {
    return { kind: "receipts", receipts: await this.#io.store.receiptsOf(name, after, pageReceipts) };
  }

  async #row(name: string): Promise<NamespaceRow> {
    const row = await this.#io.store.namespaceRow(name);
    if (row === null) throw new HomeError("unknown", `there is no namespace ${name}`);
    return row;
  }

  async #change(row: NamespaceRow, to: Home): Promise<void> {
    await this.#io.store.changeHome(row.id, row.homeEpoch, to);
    await this.#options.catalog.digest();
  }

  /** Gets the namespace handed over, or begins where nobody has it. */
  async #begin(row: NamespaceRow, lost: ReadonlySet<string>): Promise<void> {
    const { origin } = this.#io.store;
    const owner = ownerOf(row);
    if (owner === null || owner === origin)
      await this.#change(row, { home: row.home, movingTo: origin, homeEpoch: row.homeEpoch + 1n });
    else if (lost.has(owner))
      await this.#change(row, { home: owner, movingTo: origin, homeEpoch: row.homeEpoch + forcedStep });
    else await this.#ask(owner, row, origin);
  }

  /** Whether all that others had decided before they stopped is here. */
  async #hasEverything(row: NamespaceRow, lost: ReadonlySet<string>): Promise<boolean> {
    const { store } = this.#io;
    // Of a forced move everybody else must know before it ends: the lost home, should it come back, hears of it from any.
    const isOldAsked = lost.size === 0 && row.home !== null;
    const asked = isOldAsked ? [row.home] : this.#options.peers();
    const others = asked.filter((peer) => !lost.has(peer) && peer !== store.origin);
    const answers = await Promise.all(others.map((peer) => this.#ask(peer, row, store.origin)));
    const [{ complete }, peers] = [await store.watermarks(), await store.peers()];
    const known = new Map(peers.map((peer) => [peer.peer, peer]));
    // A restored database counts its transactions anew.
    const isHere = (peer: string, stop: number) =>
      complete.filter(
        ({ origin, mark }) =>
          origin === peer && mark.since === known.get(peer)!.incarnatedAt && mark.transaction >= stop,
      ).length === shards;
    const isCompared = (peer: string) => known.get(peer)!.repair === null && known.get(peer)!.settling === null;
    const hasAll = answers.every(({ row: theirs, stop }, i) => {
      // Another state has won, perhaps: the next look at the row tells.
      const isSame = theirs.homeEpoch === row.homeEpoch && theirs.home === row.home && theirs.movingTo === row.movingTo;
      if (!isSame) return false;
      return stop !== null && isHere(others[i]!, stop) && isCompared(others[i]!);
    });
    if (!hasAll) return false;
    // Where all were asked, what entered anywhere is here.
    const [old] = isOldAsked ? answers : [];
    if (old !== undefined && !(await this.#hasWhatItHad(row, others[0]!, old.complete, complete, peers))) return false;
    for (const peer of others) await this.#fetchReceipts(peer, row.id);
    return true;
  }

  /**
   * Whether all that the old home had of other clouds is here: one of them may have been the home before it, and sends what
   * it decided then by itself.
   */
  async #hasWhatItHad(
    row: NamespaceRow,
    home: string,
    complete: Stopped["complete"],
    here: Watermarks["complete"],
    peers: readonly Peer[],
  ): Promise<boolean> {
    const { store, monotonic } = this.#io;
    let stopped = this.#stopped.get(row.id);
    if (stopped?.homeEpoch !== row.homeEpoch) {
      stopped = { homeEpoch: row.homeEpoch, complete, at: monotonic(), isCompared: false };
      this.#stopped.set(row.id, stopped);
    }
    // What was lost with an expelled cloud is compared with every other after the expulsion.
    const others = new Set(peers.filter((peer) => peer.peer !== home && !isExpelled(peer)).map(({ peer }) => peer));
    const isHere = ({ origin, shard, mark }: Watermarks["complete"][number]) =>
      !others.has(origin) ||
      here.some(
        (one) =>
          one.origin === origin &&
          one.shard === shard &&
          one.mark.since === mark.since &&
          one.mark.transaction >= mark.transaction,
      );
    if (stopped.isCompared || stopped.complete?.every(isHere)) return true;
    if (stopped.complete === null || monotonic() - stopped.at > comparedAfter) {
      await store.startRepair(home);
      // It is waited for as any other.
      stopped.isCompared = true;
    }
    return false;
  }

  /** What a peer says to a row; its own is merged here. */
  async #ask(peer: string, row: NamespaceRow, to: string | null): Promise<Extract<Answer, { kind: "home" }>> {
    const answer = await this.#exchange(peer, { kind: "home", row, to }, "home");
    await this.#options.catalog.merge([answer.row]);
    return answer;
  }

  async #fetchReceipts(peer: string, name: string): Promise<void> {
    let after: string | null = null;
    for (;;) {
      const request: Request = { kind: "receipts", name, after };
      const { receipts }: { receipts: readonly MovingReceipt[] } = await this.#exchange(peer, request, "receipts");
      if (receipts.length > 0) await this.#io.store.putReceipts(name, receipts);
      if (receipts.length < pageReceipts) return;
      after = receipts.at(-1)!.scope;
    }
  }

  async #exchange<Kind extends Answer["kind"]>(peer: string, request: Request, expected: Kind) {
    const asking = () => ask(this.#io, peer, request, expected);
    try {
      return await asking().catch((error) => {
        // It was not heard of before, or was restored since: by its refusal it is known now.
        if (error instanceof RefusedError && error.reason === "incarnation") return asking();
        throw error;
      });
    } catch (error) {
      if (error instanceof UnavailableError) throw error;
      const why = (error as Error).message;
      throw new HomeError("unreachable", `${peer} must take part in the move and cannot be asked (${why}); try again`);
    }
  }

  /** Clouds that a forced move goes without: those that a move needs and that do not answer. None: it needs no other. */
  async #lost(name: string): Promise<ReadonlySet<string>> {
    const supposed = this.#needed(await this.#row(name));
    // What the others know comes first: the home may have moved on before it was lost.
    for (const peer of this.#options.peers().filter((peer) => !supposed.includes(peer)))
      await this.#ask(peer, await this.#row(name), null);
    const now = await this.#row(name);
    const needed = this.#needed(now);
    if (needed.some((cloud) => !supposed.includes(cloud)))
      throw new HomeError("moving", `the home has moved to ${ownerOf(now)} meanwhile; look again`);
    const silent = (await Promise.all(needed.map((cloud) => this.#isSilent(cloud, now)))).flatMap((isSilent, i) =>
      isSilent ? [needed[i]!] : [],
    );
    if (needed.length > 0 && silent.length === 0) {
      const all = needed.join(" and ");
      throw new HomeError(
        "not-lost",
        `the move needs ${all}, and gets an answer; move without force, or stop ${all} first`,
      );
    }
    // That two are gone at once is less likely than that this one is cut off.
    const members = silent.filter((cloud) => this.#options.peers().includes(cloud));
    if (members.length > 1)
      throw new HomeError("unreachable", `${members.join(" and ")} cannot be asked; expel those that are gone first`);
    return new Set(silent);
  }

  /** The other clouds that a move needs: the home stops, and what owns the state hands over. */
  #needed({ home, movingTo }: Home): readonly string[] {
    return [home, movingTo].filter((cloud) => cloud !== null && cloud !== this.#io.store.origin) as string[];
  }

  async #isSilent(cloud: string, row: NamespaceRow): Promise<boolean> {
    try {
      await this.#ask(cloud, row, null);
      return false;
    } catch (error) {
      if (error instanceof HomeError) return true;
      throw error;
    }
  }

  /** What a lost cloud has sent to one of the others only must come here: nobody else forwards it. */
  async #repairWithout(lost: ReadonlySet<string>): Promise<void> {
    const { store, sleep, monotonic } = this.#io;
    const others = this.#options.peers().filter((peer) => !lost.has(peer));
    for (const peer of others) await store.startRepair(peer);
    const end = monotonic() + repairTimeout;
    const isOpen = async () =>
      (await store.peers()).some(({ peer, repair }) => others.includes(peer) && repair !== null);
    while (await isOpen()) {
      if (monotonic() > end) throw new HomeError("moving", "what the other clouds have is not all here yet; ask again");
      await sleep(pollInterval);
    }
  }
}

/** The home of a namespace in a deployment of one cloud: nobody is asked. */
export async function setSoleHome(store: MemberStore, name: string, home: string | null): Promise<void> {
  const row = await store.namespaceRow(name);
  if (row === null) throw new HomeError("unknown", `there is no namespace ${name}`);
  if (row.home !== home || row.movingTo !== null)
    await store.changeHome(name, row.homeEpoch, { home, movingTo: null, homeEpoch: row.homeEpoch + 1n });
}
