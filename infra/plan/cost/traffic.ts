/** What a load makes one of several clouds do in a month. Every figure grows with the load, or stays. */
import type { Load } from "../../config/load.ts";

export const hours = 730;
const seconds = hours * 3600;

/** Of HTTP, TLS and TCP around a request or an answer: values of 1,024 bytes take 1,400 to 1,500 on the wire. */
const wrapping = 400;
/** Of an entry beside its value: key, version, ancestors, its row of the feed. */
const entryOverhead = 200;

export type Traffic = {
  /** A second. */
  readonly requests: number;
  /** A second: those of all clouds, since each stores all. */
  readonly stored: number;
  /** A second. */
  readonly databaseReads: number;
  /** In a month. */
  readonly writesTaken: number;
  readonly writesStored: number;
  readonly databaseRequests: number;
  /** GB in a month. */
  readonly answersGb: number;
  readonly requestsGb: number;
  readonly toPeersGb: number;
  readonly fromPeersGb: number;
  /** Between the service and its database and cache. */
  readonly insideGb: number;
  /** Entries, on average over the month. */
  readonly storedGb: number;
  /** What is written within so many days, of which backups keep each state. */
  readonly writtenGb: (days: number) => number;
  readonly logGb: number;
};

/** @param clouds how many share the requests */
export function trafficOf(load: Load, clouds: number): Traffic {
  const gb = (requests: number, bytes: number) => (requests * bytes) / 1e9;
  const [reads, taken, stored] = [load.reads / clouds, load.writes / clouds, load.writes];
  const databaseReads = reads * (1 - load.cacheHits);
  const entry = load.valueBytes + entryOverhead;
  const month = { reads: reads * seconds, taken: taken * seconds, stored: stored * seconds };
  const growth = gb(month.stored * load.newKeys, entry);
  return {
    requests: reads + taken,
    stored,
    databaseReads,
    writesTaken: month.taken,
    writesStored: month.stored,
    databaseRequests: month.stored + databaseReads * seconds,
    answersGb: gb(month.reads, load.valueBytes + wrapping) + gb(month.taken, wrapping),
    requestsGb: gb(month.reads, wrapping) + gb(month.taken, load.valueBytes + wrapping),
    toPeersGb: gb(month.taken, entry) * (clouds - 1),
    fromPeersGb: gb(month.stored - month.taken, entry),
    insideGb: gb(month.reads + month.stored, entry),
    storedGb: load.storedGb + growth / 2,
    writtenGb: (days) => gb(stored * days * 86_400, entry),
    logGb: load.logGb,
  };
}
