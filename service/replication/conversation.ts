import type { Path } from "../kv/path.ts";
import { isExpelled, type News, type Sender } from "../store/member.ts";
import type { Io } from "./io.ts";
import {
  type Answer,
  decode,
  encode,
  type Head,
  type Message,
  type Refusal,
  type Request,
  readAnswer,
} from "./protocol.ts";

/** The peer has not done what was asked. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly reason: Refusal;
  constructor(peer: string, reason: Refusal) {
    super(`${peer} refused: ${reason}`);
    this.reason = reason;
  }
}

/** What this member says of itself to a peer. `floor` is the one that the message was built under. */
export async function headFor(io: Io, peer: string, floor?: bigint): Promise<Head> {
  const { self, peers } = await io.store.members();
  const known = peers.find((one) => one.peer === peer);
  const sender: Sender = { peer: io.store.origin, incarnation: self.incarnation, incarnatedAt: self.incarnatedAt };
  const news: News = {
    floor: floor ?? self.floor,
    confirmed: self.confirmed,
    yours: known?.incarnation == null ? null : known.confirmed,
    expelled: Object.fromEntries(
      [{ ...self, peer: io.store.origin }, ...peers].flatMap((one) =>
        one.expelledUpTo === null ? [] : [[one.peer, one.expelledUpTo] as const],
      ),
    ),
    settled: peers.every((one) => one.settling === null || isExpelled(one)),
  };
  const stage = self.recovering ? "restored" : self.copied ? "whole" : "new";
  return { sender, to: known?.incarnation ?? null, stage, news };
}

/** A peer as the sender of what was fetched from it. */
export async function senderOf({ store }: Io, peer: string): Promise<Sender> {
  const known = (await store.peers()).find((one) => one.peer === peer)!;
  return { peer, incarnation: known.incarnation!, incarnatedAt: known.incarnatedAt };
}

/** The body of {@link exchange}'s answer. */
export async function ask<Kind extends Answer["kind"]>(
  ...asked: Parameters<typeof exchange<Kind>>
): Promise<Extract<Answer, { kind: Kind }>> {
  return (await exchange(...asked)).body;
}

/** Asks a peer and takes note of what its answer says of itself. Rejects with a {@link RefusedError}, or with the link's errors. */
export async function exchange<Kind extends Answer["kind"]>(
  io: Io,
  peer: string,
  request: Request,
  expected: Kind,
  floor?: bigint,
): Promise<Message<Extract<Answer, { kind: Kind }>>> {
  const head = await headFor(io, peer, floor);
  const { head: theirs, body } = decode(await io.link.call(peer, encode({ head, body: request })), readAnswer);
  if (theirs.sender.peer !== peer) throw new Error(`expected an answer of ${peer}, found one of ${theirs.sender.peer}`);
  const isCurrent = (await io.store.hear(theirs.sender, theirs.news)) !== null;
  if (body.kind === "refused") {
    io.onEvent({ kind: "refused", peer, reason: body.reason });
    throw new RefusedError(peer, body.reason);
  }
  // An answer of a database that is no more says nothing of the one that took its place.
  if (!isCurrent || theirs.sender.incarnation !== head.to) throw new RefusedError(peer, "incarnation");
  if (body.kind !== expected) throw new Error(`expected the answer ${expected}, found ${body.kind}`);
  return { head: theirs, body: body as Extract<Answer, { kind: Kind }> };
}

/** What a key is at the peer now, with all that merging it here needs; null: nothing. `stage` is the peer's. */
export async function fetchCurrent(io: Io, peer: string, path: Path) {
  const self = await io.store.identity();
  const { head, body } = await exchange(io, peer, { kind: "fetch", paths: [path] }, "fetched", self.floor);
  const { entries } = body;
  if (entries.length !== 1) throw new Error(`expected one entry of ${peer}, found ${entries.length}`);
  return { self, stage: head.stage, sender: await senderOf(io, peer), carried: entries[0] ?? null };
}

/** Times that something is done anew because the floor rose. */
const maxRebuilds = 5;

/** Does something that reads here and asks there; anew when the floor rose in between, which is adopted by then. */
export async function rebuilding<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isFloor = error instanceof RefusedError && error.reason === "floor";
      if (!isFloor || attempt >= maxRebuilds) throw error;
    }
  }
}
