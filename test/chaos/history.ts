/** What clients of several clouds did and were told. The checks know nothing else, save what the databases hold in the end. */

/** `refused`: certainly not done. `unknown`: done, not done, or done later. */
export type Outcome = "ok" | "refused" | "unknown";

export type Kind = "read" | "put" | "delete" | "touch" | "swap" | "increment";

/** One call for one key; a batch or a list is several with the same times. Times are milliseconds of one monotonic clock. */
export type Call = {
  readonly client: number;
  readonly cloud: string;
  readonly key: string;
  readonly kind: Kind;
  readonly invoked: number;
  readonly completed: number;
  readonly outcome: Outcome;
  /** Of the state that was read or written, `KV-Version`; null: absent, or not told. */
  readonly version: string | null;
  /** What was read, or was to be written; of a counter its decimal text. Null: absent, or none. */
  readonly value: string | null;
  /** Milliseconds that a put or touch gave the entry to live; null: for ever. */
  readonly ttl: number | null;
  /** The version that a swap replaces. */
  readonly expected: string | null;
};

/** What a watcher in a cloud was told, in its order. */
export type Told = { readonly key: string; readonly version: string; readonly type: "put" | "delete" };

/** A row of a database, when all is quiet. */
export type Row = {
  readonly kind: "value" | "tombstone" | "counter";
  readonly version: string;
  readonly value: string | null;
  /** Whether it expires one day, or has. */
  readonly expires: boolean;
  /** Of a counter: what each cloud counted. */
  readonly cells: Readonly<Record<string, number>>;
};

/** Every value names its key and its write, so that it can be found out where a state comes from. */
export const prefixes = {
  /** Put, touched, swapped and deleted. Their versions only grow. */
  values: "v/",
  /** Only ever incremented. */
  counters: "c/",
  /** Incremented, put and deleted: their versions need not grow, for a counter's newest cell may belong to an old life. */
  mixed: "m/",
} as const;

export const isWrite = ({ kind }: Call): boolean => kind !== "read";

/** Whether the state that this write makes goes by itself, or is none. */
export const isPassing = ({ kind, ttl }: Call): boolean => kind === "delete" || ttl !== null;
