import { createHash } from "node:crypto";
import { digestOf } from "../../../service/kv/carried.ts";
import { hybridTime } from "../../../service/kv/clock.ts";
import { normal } from "../../../service/kv/entry.ts";
import { namespaceOf, type Path, shardOf, shards } from "../../../service/kv/path.ts";
import {
  type Apply,
  type Arrival,
  completeAt,
  isExpelled,
  type MemberStore,
  repairLease,
  type Sender,
} from "../../../service/store/member.ts";
import type { FeedPosition } from "../../../service/store/port.ts";
import { memoryCatalog } from "./catalog.ts";
import type { Aside, MemoryDatabase, Row } from "./database.ts";

const unheard = {
  ...{ incarnation: null, incarnatedAt: 0, confirmed: 0n, repair: null, repairs: 0, cleanAt: null, lag: 0 },
  ...{ expelledUpTo: null, settling: null, expulsions: 0, settled: true },
};

function later(a: FeedPosition, b: FeedPosition): boolean {
  return a.xid !== b.xid ? a.xid > b.xid : a.id > b.id;
}

/** A member's view of a database in memory. As simple as the promises of the port allow. */
export function memoryMember(db: MemoryDatabase, origin: string): MemberStore {
  const { cluster } = db;

  /** The peer has committed everything that transactions below it wrote here into the shard. */
  function completeFor(peer: string, shard: number): number {
    if (cluster.recovering || db.peers.get(peer)?.repair !== null) return 0;
    let complete = completeAt(db.cursor(peer, shard).position);
    for (const aside of db.setAside.get(peer)?.values() ?? [])
      if (aside.shard === shard && aside.below < complete) complete = aside.below;
    return complete;
  }

  function toRepair(peer: string): void {
    const known = db.peers.get(peer)!;
    db.toEnd(peer);
    db.peers.set(peer, { ...known, repairs: known.repairs + 1, repair: known.repairs + 1, cleanAt: null });
  }

  function write(xid: number, { path, expects, write, loser }: Arrival): number | null {
    const row = db.entries.get(path);
    if (write !== null) {
      if (row !== undefined && row.changed !== expects) return null;
      const namespace = db.livingNamespace(namespaceOf(path));
      if (namespace === null || write.entry.version.time <= namespace.epoch) return null;
    }
    if (loser !== null) {
      const { version } = loser.entry;
      const key = `${path} ${version.time} ${version.origin}`;
      if (!db.conflicts.has(key)) db.conflicts.set(key, { carried: loser, at: db.pace.now() });
    }
    if (write === null) return 0;
    db.entries.set(path, { ...write, changed: xid });
    db.append(xid, shardOf(path), path, false);
    return xid;
  }

  function claim(sender: Sender, shard: number, complete: number): void {
    const key = `${sender.peer} ${shard}`;
    const known = db.watermarks.get(key);
    if (known !== undefined && known.incarnatedAt > sender.incarnatedAt) return;
    if (known?.incarnation === sender.incarnation && known.complete >= complete) return;
    const { incarnation, incarnatedAt } = sender;
    db.watermarks.set(key, { incarnation, incarnatedAt, complete });
  }

  function apply(xid: number, { sender, floor, arrivals, quarantine, claims }: Apply) {
    if (cluster.floor !== floor) return "floor" as const;
    const changed = arrivals.map((arrival) => write(xid, arrival));
    for (const { carried, shard } of quarantine) {
      const { time, origin: by } = carried.entry.version;
      const key = `${carried.path} ${time} ${by}`;
      const below = db.watermarks.get(`${sender.peer} ${shard}`)?.complete ?? 0;
      if (!db.quarantine.has(key)) db.quarantine.set(key, { carried, sender: sender.peer, shard, below });
    }
    if (!changed.includes(null)) for (const { shard, complete } of claims) claim(sender, shard, complete);
    return { changed, horizon: db.horizon() };
  }

  function isSelfExpelled(): boolean {
    return cluster.expelledUpTo !== null && cluster.expelledUpTo >= cluster.incarnatedAt;
  }

  /** Up to which incarnation a cloud is known here to be expelled; -1: none. */
  function expelledUpTo(cloud: string): number {
    return (cloud === origin ? cluster.expelledUpTo : db.peers.get(cloud)?.expelledUpTo) ?? -1;
  }

  function expel(cloud: string, upTo: number): void {
    if (expelledUpTo(cloud) >= upTo) return;
    if (cloud === origin) {
      cluster.expelledUpTo = upTo;
      return;
    }
    db.peers.set(cloud, { ...(db.peers.get(cloud) ?? { peer: cloud, ...unheard }), expelledUpTo: upTo });
    db.setAside.delete(cloud);
    for (let shard = repairLease; shard < shards; shard++) {
      const cursor = db.cursor(cloud, shard);
      Object.assign(cursor, { owner: null, until: 0, fence: cursor.fence + 1 });
    }
    for (const [peer, known] of db.peers) {
      const expulsions = known.expulsions + 1;
      if (peer !== cloud) db.peers.set(peer, { ...known, expulsions, settling: expulsions, settled: false });
    }
  }

  const members = () => [...db.peers.values()].filter((peer) => !isExpelled(peer));

  /** Everything that entered here up to the mark has reached all peers, and nothing up to it is in doubt here. */
  function isConfirmed(mark: bigint, markXid: number): boolean {
    for (const { peer, settling } of members()) {
      if (settling !== null) return false;
      for (let shard = 0; shard < shards; shard++) if (completeFor(peer, shard) < markXid) return false;
      for (const aside of db.setAside.get(peer)?.values() ?? []) if (aside.time <= mark) return false;
    }
    for (const { carried } of db.quarantine.values()) if (carried.entry.version.time <= mark) return false;
    return true;
  }

  const identity = () => ({
    incarnation: cluster.incarnation!,
    incarnatedAt: cluster.incarnatedAt,
    floor: cluster.floor,
    confirmed: cluster.confirmed,
    recovering: cluster.recovering,
    copied: cluster.copied,
    soundUpTo: cluster.soundUpTo,
    expelledUpTo: cluster.expelledUpTo,
  });

  const peers = () => [...db.peers.values()].map(({ repairs: _, expulsions: __, settled: ___, ...peer }) => peer);

  return {
    origin,
    identity: () => db.read(identity),
    join: (peers, now) =>
      db.write(() => {
        for (const peer of peers) if (!db.peers.has(peer)) db.peers.set(peer, { peer, ...unheard });
        const incarnation = createHash("md5").update(db.system).digest("hex").slice(0, 12);
        if (cluster.incarnation === incarnation) return;
        if (cluster.incarnation !== null) {
          db.watermarks.clear();
          for (const peer of db.peers.keys()) toRepair(peer);
          if (peers.length > 0) cluster.recovering = true;
        } else if (db.entries.size > 0 || peers.length === 0) cluster.copied = true;
        cluster.soundUpTo = cluster.floor;
        cluster.incarnation = incarnation;
        cluster.incarnatedAt = Math.max(now, cluster.incarnatedAt + 1);
      }),
    peers: () => db.read(peers),
    members: () => db.read(() => ({ self: identity(), peers: peers() })),
    hear: (sender, { floor, confirmed, yours, expelled, settled }) =>
      db.write(() => {
        const known = db.peers.get(sender.peer);
        if (known === undefined || known.incarnatedAt > sender.incarnatedAt) return null;
        if (expelledUpTo(sender.peer) >= sender.incarnatedAt) return null;
        for (const [cloud, upTo] of Object.entries(expelled)) expel(cloud, upTo);
        if (!isSelfExpelled() && floor > cluster.floor) cluster.floor = floor;
        if (yours !== null && yours > cluster.stampedAbove) cluster.stampedAbove = yours;
        if (known.incarnation !== null && known.incarnation !== sender.incarnation) toRepair(sender.peer);
        const { peer, incarnation, incarnatedAt } = sender;
        const highest = confirmed > known.confirmed ? confirmed : known.confirmed;
        const knowsAll = [...db.peers.keys()].every((cloud) => expelledUpTo(cloud) <= (expelled[cloud] ?? -1));
        const heard = { incarnation, incarnatedAt, confirmed: highest, settled: settled && knowsAll };
        db.peers.set(peer, { ...db.peers.get(peer)!, ...heard });
        return identity();
      }),

    expel: (cloud, upTo) => db.write(() => expel(cloud, upTo)),

    lease: (peer, shards, owner, milliseconds) =>
      db.write(() => {
        const known = db.peers.get(peer);
        if (known === undefined || isExpelled(known)) return [];
        const now = db.pace.now();
        return shards.flatMap((shard) => {
          const cursor = db.cursor(peer, shard);
          if (cursor.owner !== owner) {
            if (cursor.until > now) return [];
            cursor.owner = owner;
            cursor.fence++;
          }
          cursor.until = now + milliseconds;
          return [{ peer, shard, position: cursor.position, fence: cursor.fence }];
        });
      }),
    release: (cursors) =>
      db.write(() => {
        for (const cursor of cursors) {
          const held = db.held(cursor);
          if (held !== null) held.until = 0;
        }
      }),
    window: (cursors, limit) =>
      db.read(() => {
        const from = cursors.map(({ position }) => position).reduce((a, b) => (later(a, b) ? b : a));
        if (cluster.trimmed > from.xid) return null;
        const peer = cursors[0]!.peer;
        const shards = new Map(cursors.map(({ shard, position }) => [shard, position]));
        const due = [...(db.setAside.get(peer) ?? [])].flatMap(([path, { shard, retryAt }]) =>
          shards.has(shard) && retryAt <= db.pace.now() ? [path] : [],
        );
        const paths = new Set(due.slice(0, limit));
        const horizon = db.horizon();
        let rows = 0;
        for (let i = db.firstAfter(from); i < db.feed.length; i++) {
          const row = db.feed[i]!;
          if (row.xid >= horizon) break;
          const position = shards.get(row.shard);
          if (position === undefined || !row.enteredHere || !later({ ...row, at: 0 }, position)) continue;
          paths.add(row.path);
          if (++rows === limit) return { to: { xid: row.xid, id: row.id, at: 0 }, paths: [...paths], more: true };
        }
        const end = db.endOfFeed();
        return { to: later(end, from) ? end : from, paths: [...paths], more: due.length >= limit };
      }),
    carried: (paths, maxBytes) =>
      db.read(() => {
        const rows = [];
        let bytes = 0;
        for (const path of paths) {
          const row = db.entries.get(path) ?? null;
          if (row?.entry.kind === "value") bytes += row.entry.body?.length ?? 0;
          if (rows.length > 0 && bytes > maxBytes) break;
          rows.push(row && outward(row));
        }
        return { floor: cluster.floor, rows };
      }),
    advance: (cursors, { to, delivered, setAside, hold }) =>
      db.write(() => {
        const held = cursors.map((cursor) => db.held(cursor)).filter((cursor) => cursor !== null);
        if (held.length < cursors.length) return null;
        const { peer } = cursors[0]!;
        const below = new Map(cursors.map(({ shard }) => [shard, completeFor(peer, shard)]));
        const aside = db.setAside.get(peer) ?? new Map<Path, Aside>();
        db.setAside.set(peer, aside);
        for (const path of delivered) aside.delete(path);
        for (const { path, time, reason, delay } of setAside) {
          const shard = shardOf(path);
          const since = aside.get(path)?.below ?? below.get(shard)!;
          aside.set(path, { shard, below: since, time, reason, retryAt: db.pace.now() + delay });
        }
        return cursors.map((cursor, i) => {
          const kept = held[i]!;
          kept.until = db.pace.now() + hold;
          if (later(to, kept.position)) kept.position = to;
          return { ...cursor, position: kept.position };
        });
      }),
    survey: (peer) =>
      db.write(() => {
        const horizon = db.horizon();
        return Array.from({ length: shards }, (_, shard) => {
          const cursor = db.cursor(peer, shard);
          let behind = cluster.trimmed > cursor.position.xid;
          for (let i = db.firstAfter(cursor.position); i < db.feed.length && !behind; i++) {
            const row = db.feed[i]!;
            if (row.xid >= horizon) break;
            behind = row.shard === shard && row.enteredHere;
          }
          const end = db.endOfFeed();
          if (!behind && later(end, cursor.position)) cursor.position = end;
          const due = [...(db.setAside.get(peer)?.values() ?? [])].some(
            (aside) => aside.shard === shard && aside.retryAt <= db.pace.now(),
          );
          return { shard, behind: behind || due, complete: completeFor(peer, shard) };
        });
      }),
    noteLags: (lags) =>
      db.write(() => {
        for (const { peer, milliseconds } of lags) db.peers.set(peer, { ...db.peers.get(peer)!, lag: milliseconds });
      }),
    startRepair: (peer) => db.write(() => toRepair(peer)),
    finishRepair: ({ peer, repair, settling }, floor, now) =>
      db.write(() => {
        if (floor > cluster.soundUpTo) cluster.soundUpTo = floor;
        const known = db.peers.get(peer);
        if (known === undefined) return;
        const left = {
          repair: known.repair === repair ? null : known.repair,
          settling: known.settling === settling ? null : known.settling,
        };
        db.peers.set(peer, { ...known, ...left, cleanAt: now });
      }),
    forget: (paths, floor) =>
      db.write(() => {
        for (const path of paths) {
          const entry = db.entries.get(path)?.entry;
          if (entry === undefined) continue;
          const cells = entry.kind === "counter" ? Object.values(entry.cells) : [];
          if (entry.version.time <= floor || cells.some(({ time }) => time <= floor)) db.entries.delete(path);
        }
      }),
    copied: () =>
      db.write(() => {
        cluster.copied = true;
      }),
    recovered: () =>
      db.write(() => {
        if (!cluster.recovering) return;
        cluster.recovering = false;
        for (const { peer } of members()) toRepair(peer);
      }),

    current: (paths) =>
      db.read(() =>
        paths.map((path) => {
          const namespace = db.namespaces.get(namespaceOf(path));
          const row = db.entries.get(path);
          const hidden = row === undefined || namespace === undefined || row.entry.version.time <= namespace.epoch;
          return {
            changed: row?.changed ?? 0,
            carried: hidden || isPlaceholder(row) ? null : outward(row),
            namespace:
              namespace === undefined ? null : { epoch: namespace.epoch, isDeleted: namespace.isDeleted ?? false },
          };
        }),
      ),
    apply: (request) => db.write((xid) => apply(xid, request)),
    dueQuarantine: (time, limit) =>
      db.read(() =>
        [...db.quarantine.values()]
          .map(({ carried }) => carried)
          .filter(({ entry }) => entry.version.time <= time)
          .slice(0, limit),
      ),
    releaseQuarantine: (carried) =>
      db.write(() => {
        for (const { path, entry } of carried)
          db.quarantine.delete(`${path} ${entry.version.time} ${entry.version.origin}`);
      }),
    watermarks: () =>
      db.read(() => ({
        asOf: db.ahead() - 1,
        binding: (members().some(({ settling }) => settling !== null) ? [...db.peers.values()] : members()).map(
          ({ peer }) => peer,
        ),
        complete: [...db.watermarks].map(([key, { incarnatedAt, complete }]) => {
          const [peer, shard] = [key.split(" ")[0]!, Number(key.split(" ")[1])];
          const held = [...db.quarantine.values()].filter((q) => q.sender === peer && q.shard === shard);
          const transaction = Math.min(complete, ...held.map((q) => q.below));
          return { origin: peer, shard, mark: { since: incarnatedAt, transaction } };
        }),
      })),

    advanceFloor: (age, grace) =>
      db.write(() => {
        const mark = hybridTime(db.pace.now() - age);
        if (cluster.mark === null) {
          if (mark > cluster.confirmed) {
            cluster.mark = mark;
            cluster.markXid = null;
            cluster.markedAt = db.pace.now();
            if (mark > cluster.stampedAbove) cluster.stampedAbove = mark;
          }
        } else if (cluster.markXid === null) {
          if (db.pace.now() - cluster.markedAt >= grace) cluster.markXid = db.ahead();
        } else if (isConfirmed(cluster.mark, cluster.markXid)) {
          cluster.confirmed = cluster.mark;
          cluster.mark = null;
        }
        let floor = cluster.confirmed;
        for (const { confirmed } of members()) if (confirmed < floor) floor = confirmed;
        const isSettled = members().every(({ settling, settled }) => settling === null && settled);
        if (isSettled && floor > cluster.floor) cluster.floor = floor;
        return { floor: cluster.floor, confirmed: cluster.confirmed };
      }),

    digests: (from, to, limit, now) =>
      db.read(() => {
        const rows = [];
        const paths = [...db.entries.keys()].filter(
          (path) => before(from, path) <= 0 && (to === null || before(path, to) < 0),
        );
        for (const path of paths.sort(before)) {
          const entry = normal(db.entries.get(path)!.entry, cluster.floor, now);
          const epoch = db.livingNamespace(namespaceOf(path))?.epoch;
          if (entry === null || epoch === undefined || entry.version.time <= epoch) continue;
          if (rows.length === limit) break;
          rows.push({ path, digest: digestOf(path, entry) });
        }
        return { floor: cluster.floor, rows };
      }),

    conflict: (path, { time, origin: by }) => db.read(() => db.conflicts.get(`${path} ${time} ${by}`)?.carried ?? null),
    conflicts: (prefix, limit) =>
      db.read(() =>
        [...db.conflicts.values()]
          .filter(({ carried }) => carried.path.startsWith(prefix))
          .reverse()
          .slice(0, limit),
      ),
    ...memoryCatalog(db),
  };
}

/** A row as peers get it. */
function outward({ changed: _, ...carried }: Row) {
  return carried;
}

/** A row that only holds the place of an absent key for a transaction. */
function isPlaceholder({ entry }: Row): boolean {
  return entry.kind === "tombstone" && entry.version.time === 0n;
}

function before(a: Path, b: Path): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
