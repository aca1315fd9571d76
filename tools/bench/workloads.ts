/** What is measured: one mix of requests, on one configuration of the service. */
export type Workload = {
  readonly name: string;
  /** For people, one line. */
  readonly what: string;
  /** Part of the requests that are GET; the others are PUT. */
  readonly reads: number;
  /** Keys that requests choose from, evenly. */
  readonly keys: number;
  /** What the service's memory for values is bounded by; null: its default. */
  readonly cacheBytes: number | null;
  /** Requests a second of the subject as a part of the reference's, at least; null: only shown. */
  readonly target: number | null;
};

/** Keys that exist. With the least cache that the service takes, one in a hundred of them is in memory. */
export const seededKeys = 100_000;
/** The least that the service takes: about 1,200 entries. */
const leastCache = 1_000_000;

export const workloads: readonly Workload[] = [
  {
    name: "hot GET",
    what: "1,000 keys, answered from memory",
    reads: 1,
    keys: 1000,
    cacheBytes: null,
    target: 0.65,
  },
  {
    name: "uncached GET",
    what: `${seededKeys.toLocaleString("en")} keys and memory for 1 % of them: read from PostgreSQL`,
    reads: 1,
    keys: seededKeys,
    cacheBytes: leastCache,
    target: 0.35,
  },
  {
    name: "durable PUT",
    what: `replaces ${seededKeys.toLocaleString("en")} keys; answered when it is on disk`,
    reads: 0,
    keys: seededKeys,
    cacheBytes: null,
    target: 0.3,
  },
  {
    name: "80/20 mix",
    what: "80 % GET, 20 % durable PUT on the same 10,000 keys",
    reads: 0.8,
    keys: 10_000,
    cacheBytes: null,
    target: null,
  },
];

/** Bytes of every value. */
export const valueBytes = 256;
/** Open at once to the server that is measured, each with one request under way. */
export const connections = 256;

export const namespace = "bench";

/** Values that keys take turns with. */
const values = Array.from({ length: 64 }, (_, i) => String.fromCharCode(48 + i).repeat(valueBytes));

export function valueFor(index: number): string {
  return values[index % values.length]!;
}

/** All keys have the same length, so that all requests do. */
export function keyOf(index: number): string {
  return `key-${String(index).padStart(7, "0")}`;
}
