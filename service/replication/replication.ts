import type { Readable } from "node:stream";
import type { Path } from "../kv/path.ts";
import { type Identity, isDoubtful, isExpelled, type Peer, repairLease } from "../store/member.ts";
import { bring } from "./bring.ts";
import { Catalog } from "./catalog.ts";
import { Confirmation } from "./confirmation.ts";
import { RefusedError } from "./conversation.ts";
import { BlobFetcher } from "./fetcher.ts";
import { Homes } from "./homes.ts";
import type { BlobRequest, Io } from "./io.ts";
import { Membership } from "./membership.ts";
import { Merger } from "./merger.ts";
import { Receiver } from "./receiver.ts";
import { Repair } from "./repair.ts";
import { Sender } from "./sender.ts";

export type ReplicationOptions = {
  readonly io: Io;
  /** The other members. */
  readonly peers: readonly string[];
  /** Milliseconds that the floor stays behind: longer than any request, read or statement lasts. */
  readonly floorAge: number;
  /** Milliseconds after which every statement that began before has ended. */
  readonly statementTimeout: number;
  /** Milliseconds between steps towards a higher floor. */
  readonly floorInterval: number;
  /** Milliseconds between two repairs of a peer that seems to lack nothing. */
  readonly repairInterval: number;
};

/** Milliseconds between looks into the quarantine and at what must be repaired. */
const quarantineInterval = 1000;
const repairLook = 2000;
/** Milliseconds that a peer has answered again before it is compared as at any other time. */
const calm = 60_000;
/** Milliseconds that a new database waits for a first word of its peers before it takes itself for the first. */
const firstContact = 10_000;
/** Milliseconds that one process keeps others from repairing the same peer. */
const repairLeaseMilliseconds = 60_000;

/** The part of a process that keeps this cloud and its peers equal. Any number of processes of a cloud may run it. */
export class Replication {
  readonly #options: ReplicationOptions;
  readonly #io: Io;
  readonly #senders: readonly Sender[];
  readonly #receiver: Receiver;
  readonly #merger: Merger;
  readonly #catalog: Catalog;
  readonly #fetchers: ReadonlyMap<string, BlobFetcher>;
  readonly homes: Homes;
  readonly membership: Membership;
  readonly #repair: Repair;
  readonly #confirmation: Confirmation;
  #stopped = false;
  #recovering = false;
  #copied = false;
  #expelled = false;
  #openedAt = 0;
  /** As this process has last seen it, a few seconds ago. */
  readonly #expelledPeers = new Set<string>();
  #running: Promise<unknown> = Promise.resolve();
  #unlisten = () => {};

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#io = options.io;
    this.#catalog = new Catalog(options.io);
    this.#senders = options.peers.map((peer) => new Sender(options.io, peer, this.#catalog, () => this.#stopped));
    this.#merger = new Merger(options.io, (peer, carried) => void this.#fetchers.get(peer)?.bring(carried));
    this.#fetchers = new Map(
      options.peers.map((peer) => [peer, new BlobFetcher(options.io, peer, this.#merger, () => this.#stopped)]),
    );
    const { io, peers, statementTimeout } = options;
    const isExpelled = (peer: string) => this.#expelledPeers.has(peer);
    const members = () => peers.filter((peer) => !isExpelled(peer));
    this.homes = new Homes({ io, catalog: this.#catalog, peers: members, statementTimeout });
    this.membership = new Membership(io, peers);
    this.#receiver = new Receiver(io, this.#merger, this.#catalog, this.homes, this.membership);
    this.#confirmation = new Confirmation(io, peers, isExpelled, () => this.#stopped);
    this.#repair = new Repair(options.io, this.#merger, this.#fetchers);
  }

  /** Takes note of what the database is, which must have joined its peers; nothing may be received before. */
  async open(): Promise<void> {
    this.#openedAt = this.#io.monotonic();
    this.#note(await this.#io.store.identity());
  }

  #note({ recovering, copied, expelledUpTo, incarnatedAt }: Identity): void {
    this.#recovering = recovering;
    this.#copied = copied;
    this.#expelled = isExpelled({ expelledUpTo, incarnatedAt });
  }

  #notePeer(known: Peer): void {
    if (isExpelled(known)) this.#expelledPeers.add(known.peer);
    else this.#expelledPeers.delete(known.peer);
  }

  /** Others go on without this database: what it took now would reach nobody. */
  isExpelled(): boolean {
    return this.#expelled;
  }

  /** The database is new and has not been compared with its peers: it does not hold what they had before it. */
  isNew(): boolean {
    return !this.#copied;
  }

  /** The database was restored and lacks writes that only its peers have: it must not serve. */
  isRecovering(): boolean {
    return this.#recovering;
  }

  /** Milliseconds since each peer was last known to have everything. */
  lags(): readonly { readonly peer: string; readonly milliseconds: number }[] {
    return this.#senders.map((sender) => ({ peer: sender.peer, milliseconds: sender.lag() }));
  }

  /** Calls back when namespaces or API keys have changed, here or in another process or cloud. */
  onCatalogChanged(callback: () => void): void {
    this.#catalog.listen(callback);
  }

  /** A namespace or an API key has been changed here: peers should know at once. */
  announceCatalog(): void {
    for (const sender of this.#senders) sender.pokeCatalog();
  }

  /**
   * Whether some peer has told since this process began what it knows of namespaces: among it, that the home of one was moved
   * away by force while this cloud was gone.
   */
  hasMet(): boolean {
    return this.#catalog.met.size > 0;
  }

  /** Begins to send, repair and raise the floor. */
  start(): void {
    const options = this.#options;
    this.#unlisten = this.#io.hints.listen((shards) => {
      for (const sender of this.#senders) sender.poke(shards);
    });
    this.#running = Promise.all([
      ...this.#senders.map((sender) => sender.run()),
      ...options.peers.map((peer) => this.#every(repairLook, peer, () => this.#repairIfDue(peer))),
      this.#every(options.floorInterval, this.#io.store.origin, () => this.#raiseFloor()),
      this.#every(quarantineInterval, this.#io.store.origin, () => this.#merger.mergeDue()),
    ]);
  }

  /** For a process that only answers peers: others of this cloud send, repair and raise the floor. */
  follow(): void {
    const { store } = this.#io;
    this.#running = this.#every(repairLook, store.origin, async () => {
      const { self, peers } = await store.members();
      this.#note(self);
      for (const peer of peers) this.#notePeer(peer);
    });
  }

  /** Answers a peer. `peer` is who the link says that it is. */
  receive(peer: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.#senders.find((sender) => sender.peer === peer)?.heard();
    return this.#receiver.receive(peer, bytes);
  }

  /** Merges the peer's current entry of one key into this cloud, now. Rejects when that cannot be done. */
  bring(peer: string, path: Path): Promise<void> {
    return bring(this.#io, this.#merger, peer, path);
  }

  /**
   * Whether one peer, or every member, has committed all of what these keys are now, or something newer, within so many
   * milliseconds. False says nothing of what peers have.
   */
  confirm(paths: readonly Path[], level: "peer" | "all", milliseconds: number): Promise<boolean> {
    return this.#confirmation.confirm(paths, level, milliseconds);
  }

  /** The rest of a blob that an entry here names; null: none does. */
  openBlob(request: BlobRequest): Promise<Readable | null> {
    return this.#receiver.openBlob(request);
  }

  async #every(milliseconds: number, peer: string, work: () => Promise<unknown>): Promise<void> {
    while (!this.#stopped) {
      try {
        await work();
      } catch (error) {
        if (!this.#stopped && !(error instanceof RefusedError)) this.#io.onEvent({ kind: "trouble", peer, error });
      }
      await this.#io.sleep(milliseconds * (0.75 + this.#io.random() / 2));
    }
  }

  async #repairIfDue(peer: string): Promise<void> {
    const { store, now, process } = this.#io;
    const known = (await store.peers()).find((one) => one.peer === peer);
    if (!this.#copied) await this.#endCopying();
    if (known !== undefined) this.#notePeer(known);
    if (known === undefined || known.incarnation === null || isExpelled(known)) return;
    const isInDoubt = isDoubtful(await store.identity());
    if (!isInDoubt) await this.#endRecovery();
    if (known.repair === null && known.settling === null && !isInDoubt) {
      const { repairInterval } = this.#options;
      const isOld = (known.cleanAt ?? 0) + repairInterval <= now();
      // What is on its way, in either direction, would only look like a difference.
      if (!isOld || (known.cleanAt !== null && !this.#isCalm(peer, Math.min(calm, repairInterval)))) return;
      if ((await store.survey(peer)).some(({ behind }) => behind)) return;
    }
    const renew = () => store.lease(peer, [repairLease], process, repairLeaseMilliseconds);
    const lease = await renew();
    if (lease.length === 0) return;
    try {
      await this.#repair.pass(known, renew);
    } finally {
      await store.release(lease);
    }
  }

  #isCalm(peer: string, milliseconds: number): boolean {
    return this.#senders.find((sender) => sender.peer === peer)!.answersFor() >= milliseconds;
  }

  /** Who reaches no peer at all cannot know whether there is one, and has to be the first cloud then. */
  async #endCopying(): Promise<void> {
    const { store, monotonic } = this.#io;
    const isAlone = monotonic() - this.#openedAt > firstContact;
    const peers = (await store.peers()).filter((peer) => !isExpelled(peer));
    if (!peers.every(({ incarnation, cleanAt }) => (incarnation === null ? isAlone : cleanAt !== null))) return;
    await store.copied();
    this.#copied = true;
  }

  /**
   * A restored database serves again when it was repaired with every peer: any of them may hold the only copy of a write, or
   * of the revocation of a key.
   */
  async #endRecovery(): Promise<void> {
    const { store } = this.#io;
    if (!this.#recovering) return;
    const members = (await store.peers()).filter((peer) => !isExpelled(peer));
    const [met, configured] = [this.#catalog.met, this.#options.peers];
    const isWhole = ({ peer, repair, cleanAt }: Peer) =>
      (repair === null || cleanAt !== null) && (met.has(peer) || !configured.includes(peer));
    if (members.every(isWhole)) await store.recovered();
    this.#recovering = (await store.identity()).recovering;
  }

  async #raiseFloor(): Promise<void> {
    const { store } = this.#io;
    const self = await store.identity();
    this.#expelled = isExpelled(self);
    // What it called confirmed would let the others forget what it has not been compared with.
    if (self.recovering || !self.copied) return;
    await store.advanceFloor(this.#options.floorAge, this.#options.statementTimeout);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    await this.#running;
  }
}
