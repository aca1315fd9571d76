import type { Readable } from "node:stream";
import type { Path } from "../kv/path.ts";
import { isDoubtful } from "../store/member.ts";
import type { Catalog } from "./catalog.ts";
import { headFor } from "./conversation.ts";
import { summarise } from "./digests.ts";
import type { Homes } from "./homes.ts";
import type { BlobRequest, Io } from "./io.ts";
import type { Membership } from "./membership.ts";
import type { Merger } from "./merger.ts";
import {
  type Answer,
  decode,
  encode,
  type Message,
  ProtocolError,
  type Refusal,
  type Request,
  readRequest,
} from "./protocol.ts";
import { MalformedError } from "./wire.ts";

/** Digests in one answer. */
const maxListed = 4000;
/** Bytes of values in one answer. */
const maxFetchedBytes = 4 * 2 ** 20;

/** Answers what peers ask. */
export class Receiver {
  readonly #io: Io;
  readonly #merger: Merger;
  readonly #catalog: Catalog;
  readonly #homes: Homes;
  readonly #membership: Membership;

  constructor(io: Io, merger: Merger, catalog: Catalog, homes: Homes, membership: Membership) {
    this.#io = io;
    this.#merger = merger;
    this.#catalog = catalog;
    this.#homes = homes;
    this.#membership = membership;
  }

  /** `peer` is who the link says that it is. Rejects only with the store's errors: the peer tries again. */
  async receive(peer: string, bytes: Uint8Array): Promise<Uint8Array> {
    const message = read(bytes);
    const answer = "kind" in message ? message : await this.#handle(peer, message);
    if (answer.kind === "refused") this.#io.onEvent({ kind: "refused", peer, reason: answer.reason });
    return this.#answer(peer, answer);
  }

  /** A member gets the bytes of current values, which it may have anyway, and learns nothing of any other digest. */
  async openBlob({ path, digest, start }: BlobRequest): Promise<Readable | null> {
    const { rows } = await this.#io.store.carried([path], 1);
    const entry = rows[0]?.entry;
    if (entry?.kind !== "value" || entry.blob !== digest || start >= entry.size) return null;
    return this.#io.blobs.open(digest, { start, end: entry.size - 1 });
  }

  async #answer(peer: string, body: Answer): Promise<Uint8Array> {
    return encode({ head: await headFor(this.#io, peer), body });
  }

  async #handle(peer: string, { head, body }: Message<Request>): Promise<Answer> {
    const { store, onEvent } = this.#io;
    // Adopts a higher floor before anything is merged: what was built under it may rely on what it lets be forgotten.
    const self = head.sender.peer === peer ? await store.hear(head.sender, head.news) : null;
    if (self === null) return refuse("stranger");
    // What a peer calls complete, or no longer sends, it says of the database that it spoke to before.
    if (head.to !== self.incarnation) return refuse("incarnation");
    if (body.kind === "heartbeat") {
      await store.apply({ sender: head.sender, floor: self.floor, arrivals: [], quarantine: [], claims: body.claims });
      const catalog = await this.#catalog.digest();
      // A process that only answers peers meets them so.
      if (body.catalog === null || body.catalog === catalog) this.#catalog.meet(peer);
      return { kind: "heard", catalog };
    }
    // Nothing of the catalog is ever forgotten, so a floor has no say in it.
    if (body.kind === "catalog") {
      const digest = await this.#catalog.merge(body.rows);
      if (digest === body.digest) return { kind: "catalog", digest, rows: [] };
      return { kind: "catalog", ...(await this.#catalog.page(body.after)) };
    }
    if (body.kind === "home") return this.#homes.answer(body);
    if (body.kind === "receipts") return this.#homes.receipts(body);
    if (body.kind === "members") return this.#membership.answer();
    // Under a lower floor the sender may hold what was deleted and forgotten here.
    if (head.news.floor !== self.floor) return refuse("floor");
    if (body.kind === "batch") {
      const results = await this.#merger.merge(head.sender, body.entries, self);
      if (results === "floor") return refuse("floor");
      onEvent({ kind: "received", peer, entries: body.entries.length });
      return {
        kind: "applied",
        results: results.map((result) => (result === "quarantined" ? null : result)),
        quarantined: results.flatMap((result, i) => (result === "quarantined" ? [i] : [])),
      };
    }
    // Others wait until it is whole; those that are not, too, would wait for each other for ever.
    if (isDoubtful(self) || (self.recovering && head.stage === "whole")) return refuse("recovering");
    if (body.kind === "fetch")
      return { kind: "fetched", entries: (await store.carried(body.paths, maxFetchedBytes)).rows };
    if (body.kind === "compare") return this.#compare(body);
    const { rows } = await store.digests(body.from, body.to, maxListed, body.now);
    return { kind: "listed", rows, end: rows.length === maxListed ? after(rows.at(-1)!.path) : null };
  }

  async #compare({ ranges, now }: Extract<Request, { kind: "compare" }>): Promise<Answer> {
    const differ: number[] = [];
    for (const [i, { from, to, count, sum }] of ranges.entries()) {
      // One more than there should be is enough to tell.
      const { rows } = await this.#io.store.digests(from, to, count + 1, now);
      const mine = summarise(rows);
      if (mine.count !== count || mine.sum !== sum) differ.push(i);
    }
    return { kind: "differ", ranges: differ };
  }
}

/** The request in a message, or why there is none. */
function read(bytes: Uint8Array): Message<Request> | Extract<Answer, { kind: "refused" }> {
  try {
    return decode(bytes, readRequest);
  } catch (error) {
    if (error instanceof ProtocolError) return refuse("protocol");
    if (error instanceof MalformedError) return refuse("malformed");
    throw error;
  }
}

function refuse(reason: Refusal): Extract<Answer, { kind: "refused" }> {
  return { kind: "refused", reason };
}

/** The first path behind a path: no text sorts between, because no key holds U+0000. */
export function after(path: Path): Path {
  return `${path}\u0001`;
}
