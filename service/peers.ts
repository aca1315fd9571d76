import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Blobs } from "./blobs/port.ts";
import type { Config } from "./config.ts";
import type { HybridClock, Now } from "./kv/clock.ts";
import type { Hints } from "./queue/port.ts";
import type { Event } from "./replication/io.ts";
import { HttpsLink } from "./replication/link.ts";
import { type ListenerOptions, PeerListener } from "./replication/listener.ts";
import { Replication } from "./replication/replication.ts";
import type { MemberStore } from "./store/member.ts";
import type { Committed } from "./store/writer.ts";

const floorInterval = 5000;
/** Milliseconds between repairs of a peer that seems to lack nothing. */
const repairInterval = 600_000;
/** Milliseconds between two notes of how far peers are behind. */
const lagInterval = 1000;

export type PeersOptions = {
  readonly config: Config;
  readonly store: MemberStore;
  readonly blobs: Blobs;
  readonly hints: Hints;
  readonly clock: HybridClock;
  readonly now: Now;
  readonly monotonic: Now;
  readonly process: string;
  /** Milliseconds that the floor stays behind. */
  readonly floorAge: number;
  readonly onApplied: (committed: Committed) => void;
  readonly onCatalogChanged: () => void;
  /** A peer's message was taken in: this cloud may be more complete than before. */
  readonly onHeard: () => void;
  readonly serve: ListenerOptions["serve"];
  readonly registry: Registry;
  readonly log: Logger;
};

/** The peers of a running process. */
export type Peers = {
  readonly names: readonly string[];
  readonly store: MemberStore;
  readonly replication: Replication;
  readonly request: HttpsLink["request"];
  /** Of the listener; null where other processes of this cloud answer the peers. */
  readonly port: number | null;
  close(): Promise<void>;
};

/**
 * Joins the cluster, as far as this process's role goes: those that serve clients answer the peers, since what comes from them
 * changes what clients see; those that replicate send. Rejects when it cannot; nothing is left running then.
 */
export async function openPeers(options: PeersOptions): Promise<Peers> {
  const { config, store, blobs, hints, clock, now, monotonic, floorAge, log } = options;
  const tls = { cert: config.PEER_TLS_CERT_FILE!, key: config.PEER_TLS_KEY_FILE!, ca: config.PEER_TLS_CA_FILE! };
  const link = new HttpsLink(config.PEERS, tls);
  const stopped = new AbortController();
  const onEvent = eventsTo(options.registry, log);
  const replication = new Replication({
    peers: [...config.PEERS.keys()],
    floorAge,
    floorInterval,
    statementTimeout: config.REQUEST_TIMEOUT_MS,
    repairInterval,
    io: {
      store,
      link,
      blobs,
      hints,
      clock,
      now,
      monotonic,
      random: Math.random,
      sleep: (milliseconds) => sleep(milliseconds, undefined, { signal: stopped.signal, ref: false }).catch(() => {}),
      process: options.process,
      onApplied: options.onApplied,
      onEvent,
    },
  });
  replication.onCatalogChanged(options.onCatalogChanged);
  const [answers, sends] = [config.ROLE !== "replicator", config.ROLE !== "api"];
  const listener = new PeerListener({
    host: config.HOST,
    port: config.PEER_PORT,
    tls,
    peers: new Set(config.PEERS.keys()),
    receive: async (peer, message) => {
      const answer = await replication.receive(peer, message);
      options.onHeard();
      return answer;
    },
    openBlob: (request) => replication.openBlob(request),
    serve: options.serve,
    onRefused: (reason) => onEvent({ kind: "refused", peer: "", reason }),
    onTrouble: (error) => log.warn({ err: error }, "a peer's request failed"),
  });
  await replication.open();
  const port = answers ? await listener.listen() : null;
  if (sends) {
    replication.start();
    void noteLags(replication, store, stopped.signal);
  } else replication.follow();
  gauges(options.registry, store, now);
  return {
    names: [...config.PEERS.keys()],
    store,
    replication,
    request: (peer, request) => link.request(peer, request),
    port,
    close: async () => {
      if (answers) await listener.close();
      const ended = replication.stop();
      stopped.abort();
      // A repair may wait for minutes for a large value.
      link.close();
      await ended;
    },
  };
}

/** Tells the other processes of this cloud how far the peers are behind. */
async function noteLags(replication: Replication, store: MemberStore, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // A database that does not answer is noticed by all that follows from it.
    await store.noteLags(replication.lags()).catch(() => {});
    await sleep(lagInterval, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** Counts what happens. Labels are bounded: the peers of the configuration, and reasons of the protocol. */
function eventsTo(registry: Registry, log: Logger): (event: Event) => void {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const batches = counter("skykv_replication_batches_total", "Batches that peers have committed", ["peer"]);
  const sent = counter("skykv_replication_sent_entries_total", "Entries that peers have committed", ["peer"]);
  const received = counter("skykv_replication_received_entries_total", "Entries that peers sent", ["peer"]);
  const fetched = counter("skykv_replication_fetched_bytes_total", "Bytes of large values that peers sent", ["peer"]);
  const conflicts = counter("skykv_conflicts_total", "Writes that lost to a concurrent write of another cloud", [
    "peer",
  ]);
  const quarantined = counter("skykv_quarantined_total", "Entries that came from the future", ["peer"]);
  const setAside = counter("skykv_set_aside_total", "Entries that a peer could not take yet", ["peer", "reason"]);
  const refused = counter("skykv_replication_refused_total", "Messages that were refused, here or by the peer", [
    "peer",
    "reason",
  ]);
  const troubles = counter("skykv_replication_failures_total", "Exchanges that failed and will be tried again", [
    "peer",
  ]);
  const repaired = counter("skykv_repaired_keys_total", "Keys that a repair found to differ", ["peer"]);
  return (event) => {
    const { peer } = event;
    switch (event.kind) {
      case "sent":
        batches.inc({ peer });
        sent.inc({ peer }, event.entries);
        break;
      case "received":
        received.inc({ peer }, event.entries);
        break;
      case "fetched":
        fetched.inc({ peer }, event.bytes);
        break;
      case "conflict":
        conflicts.inc({ peer }, event.entries);
        break;
      case "quarantined":
        quarantined.inc({ peer }, event.entries);
        break;
      case "set-aside":
        setAside.inc({ peer, reason: event.reason });
        break;
      case "refused":
        refused.inc({ peer, reason: event.reason });
        log.warn({ peer, reason: event.reason }, "a message was refused");
        break;
      case "repaired":
        repaired.inc({ peer }, event.differing);
        log.info({ peer, keys: event.keys, differing: event.differing }, "repaired");
        break;
      case "trouble":
        troubles.inc({ peer });
        log.warn({ peer, err: event.error }, "an exchange with a peer failed");
    }
  };
}

function gauges(registry: Registry, store: MemberStore, now: Now): void {
  new Gauge({
    name: "skykv_replication_lag_seconds",
    help: "Time since the peer was last known to have everything",
    labelNames: ["peer"],
    registers: [registry],
    async collect() {
      for (const { peer, lag } of await store.peers()) this.set({ peer }, lag / 1000);
    },
  });
  new Gauge({
    name: "skykv_floor_age_seconds",
    help: "Age of the time up to which all clouds have confirmed everything, and deletions may be forgotten",
    registers: [registry],
    async collect() {
      const { floor } = await store.identity();
      this.set(now() / 1000 - Number(floor >> 16n) / 1000);
    },
  });
}
