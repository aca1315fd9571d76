import { shards } from "../../../kv/path.ts";
import type { MemberStore } from "../../member.ts";
import type { Connections } from "../connection.ts";
import * as applying from "./apply.ts";
import * as catalog from "./catalog.ts";
import * as cursors from "./cursors.ts";
import { digests } from "./digests.ts";
import { expel } from "./expel.ts";
import { advanceFloor } from "./floor.ts";
import * as homes from "./home.ts";
import * as identities from "./identity.ts";

/** A cloud's database as a member of a cluster. `connections` are replication's own, so that it holds nobody else up. */
export function postgresMember(connections: Connections, origin: string, incarnation: string): MemberStore {
  return {
    origin,
    identity: () => identities.identity(connections),
    join: (peers, now) => identities.join(connections, incarnation, peers, shards, now),
    peers: () => identities.peersOf(connections),
    members: () => identities.members(connections),
    hear: (sender, news) => identities.hear(connections, origin, sender, news),
    expel: (cloud, upTo) => expel(connections, origin, cloud, upTo),
    lease: (peer, shards, owner, milliseconds) => cursors.lease(connections, peer, shards, owner, milliseconds),
    release: (held) => cursors.release(connections, held),
    window: (held, limit) => cursors.window(connections, held, limit),
    carried: (paths, maxBytes) => cursors.carried(connections, origin, paths, maxBytes),
    advance: (held, step) => cursors.advance(connections, held, step),
    survey: (peer) => cursors.survey(connections, peer),
    noteLags: (lags) => identities.noteLags(connections, lags),
    startRepair: (peer) => identities.startRepair(connections, peer),
    finishRepair: (begun, floor, now) => identities.finishRepair(connections, begun, floor, now),
    forget: (paths, floor) => identities.forget(connections, paths, floor),
    recovered: () => identities.recovered(connections),
    copied: () => identities.copied(connections),
    current: (paths) => applying.current(connections, origin, paths),
    apply: (request) => applying.apply(connections, request),
    dueQuarantine: (time, limit) => applying.dueQuarantine(connections, time, limit),
    releaseQuarantine: (carried) => applying.releaseQuarantine(connections, carried),
    watermarks: () => applying.watermarks(connections),
    advanceFloor: (age, grace) => advanceFloor(connections, age, grace),
    digests: (from, to, limit, now) => digests(connections, from, to, limit, now),
    conflicts: (prefix, limit) => applying.conflicts(connections, prefix, limit),
    conflict: (path, version) => applying.conflict(connections, path, version),
    catalogDigest: () => catalog.digest(connections),
    catalogRows: (after, limit) => catalog.rows(connections, after, limit),
    mergeCatalog: (rows) => catalog.merge(connections, rows),
    retryUnknown: (peer) => catalog.retryUnknown(connections, peer),
    namespaceRow: (name) => catalog.namespaceRow(connections, name),
    changeHome: (name, from, to) => homes.changeHome(connections, name, from, to),
    stopHome: (name, homeEpoch, grace) => homes.stopHome(connections, name, homeEpoch, grace),
    receiptsOf: (namespace, after, limit) => homes.receiptsOf(connections, origin, namespace, after, limit),
    putReceipts: (namespace, receipts) => homes.putReceipts(connections, namespace, receipts),
  };
}
