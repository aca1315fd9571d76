import { ApiKeys, type Arrival, type Cluster, changeCluster, Namespaces, readCluster } from "./admin.ts";
import { type CallOptions, type SkyKVOptions, Transport } from "./http.ts";
import { Namespace } from "./namespace.ts";

export type {
  ApiKey,
  ApiKeys,
  Arrival,
  Cluster,
  NamespaceInfo,
  NamespaceSettings,
  Namespaces,
  NewApiKey,
  RateLimit,
  Scope,
} from "./admin.ts";
export type { CounterParts, Meta } from "./entry.ts";
export { Entry, StreamEntry, ValueEntry } from "./entry.ts";
export { type ErrorCode, type Problem, SkyKVError } from "./errors.ts";
export type { ExportOptions } from "./export.ts";
export type { CallOptions, Consistency, Durability, SkyKVOptions } from "./http.ts";
export type { ImportOptions, ImportProgress, ImportRecord, ImportResult, UnitOptions } from "./import.ts";
export type { Listing, Page } from "./listing.ts";
export type {
  ListOptions,
  Namespace,
  PutOptions,
  ReadOptions,
  WriteOptions,
  Written,
} from "./namespace.ts";
export type { Conditions, Expiry, Operation, OperationResult, PutFields } from "./operation.ts";
export { type Json, json, type Value } from "./value.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";

/**
 * A client of a SkyKV service, for Node, Deno, Bun and browsers: it needs `fetch` and web streams, nothing else.
 *
 * ```ts
 * const kv = new SkyKV({ url: "https://kv.example.com", key: process.env.SKYKV_KEY });
 * const users = kv.namespace("users");
 * await users.putJson("42", { name: "Ada" }, { ttl: 3600 });
 * const ada = await users.getJson<{ name: string }>("42");
 * ```
 *
 * All durations are in seconds, all sizes in bytes. Failures are thrown as a {@link SkyKVError}; that there is no such
 * entry is not one: reads give null. One client serves a whole program, and holds nothing that has to be closed.
 */
export class SkyKV {
  readonly namespaces: Namespaces;
  readonly keys: ApiKeys;
  readonly #transport: Transport;

  constructor(options: SkyKVOptions) {
    this.#transport = new Transport(options);
    this.namespaces = new Namespaces(this.#transport);
    this.keys = new ApiKeys(this.#transport);
  }

  /** The entries of a namespace; `default` exists from the start. */
  namespace(name = "default"): Namespace {
    return new Namespace(this.#transport, name);
  }

  /**
   * The session token: what this client has seen. It is sent with every request, so that this client reads its own
   * writes and never older states than before, whichever cloud answers. Give it to another client, say through a
   * cookie, to carry the session on there; null when nothing was read or written yet.
   */
  get session(): string | null {
    return this.#transport.session.token;
  }

  set session(token: string | null) {
    this.#transport.session.token = token;
  }

  /** Keeps clients away from the cloud that is asked, which must be `cloud`, or lets them come again; needs `admin:*`. */
  drain(cloud: string, drained: boolean, options: CallOptions = {}): Promise<Cluster> {
    return changeCluster(this.#transport, "drain", { cloud, drained }, options);
  }

  /** Ends the membership of a cloud that is lost for good; needs `admin:*`. */
  expel(cloud: string, options: CallOptions = {}): Promise<Cluster> {
    return changeCluster(this.#transport, "expel", { cloud }, options);
  }

  /** Makes sure that all clouds know a new one, which may start then; needs `admin:*`. Rejects with all that is in the way. */
  addCloud(cloud: string, options: CallOptions = {}): Promise<Arrival> {
    return changeCluster(this.#transport, "add", { cloud }, options);
  }

  /** Expels a cloud that is lost for good, so that a new one may take its name, and may be repeated; needs `admin:*`. */
  replaceCloud(cloud: string, options: CallOptions = {}): Promise<Arrival> {
    return changeCluster(this.#transport, "replace", { cloud }, options);
  }

  /** State of the clouds, the database and the cache; needs the scope `admin`. */
  cluster(options: CallOptions = {}): Promise<Cluster> {
    return readCluster(this.#transport, options);
  }
}
