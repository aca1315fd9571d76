import { type Call, type CallOptions, type Durability, discard, readJson, type Transport } from "./http.ts";
import { bodyOf, json } from "./value.ts";
import { randomKey } from "./wire.ts";

/** At most `requests` in any `seconds`, with bursts up to `requests`. */
export type RateLimit = { requests: number; seconds?: number | undefined };

export type NamespaceSettings = {
  /**
   * The cloud that takes all writes, so that conditions and `strong` reads are linearizable; null: every cloud takes writes.
   * Chosen when the namespace is made; moved with `moveHome` later.
   */
  home: string | null;
  /** Seconds; null: entries without a `ttl` of their own never expire. */
  defaultTtl: number | null;
  defaultDurability: Durability;
  /** Bytes. */
  maxValueBytes: number;
  rateLimit: RateLimit | null;
  /** Whether PUT, DELETE and touch must carry a condition. */
  requireCondition: boolean;
  /** Whether everyone may read entries, without a key. */
  publicRead: boolean;
  /** Seconds for which caches may keep public reads. */
  publicMaxAge: number;
};

export type NamespaceInfo = NamespaceSettings & {
  name: string;
  createdAt: Date;
  entries: number;
  bytes: number;
  /** The cloud that will be the home; until it is, writes are refused. Null: no move is under way. */
  movingTo: string | null;
};

/** `verb:namespace` or `verb:prefix*`; the verbs are `read`, `write` and `admin`. */
export type Scope = `${"read" | "write" | "admin"}:${string}`;

export type NewApiKey = {
  name: string;
  scopes: readonly Scope[];
  /** Null or absent: never. */
  expiresAt?: Date | null | undefined;
  rateLimit?: RateLimit | null | undefined;
};

export type ApiKey = {
  id: string;
  name: string;
  scopes: Scope[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  rateLimit: RateLimit | null;
};

/** What the service that answers knows of itself and its peers. */
export type Cluster = {
  cloud: string;
  release: string;
  incarnation: string;
  ready: boolean;
  /** An administrator keeps clients away from this cloud. */
  drained: boolean;
  /** `lagMs`: milliseconds by which what came from that cloud is behind. */
  clouds: { name: string; self: boolean; ready: boolean; expelled: boolean; lagMs: number }[];
  database: { version: string; clockSkewMs: number; horizonAgeMs: number };
  cache: { l1Entries: number; l1Bytes: number; l2: "none" | "up" | "down" };
  watchers: number;
};

/**
 * How far a cloud is that becomes a member: `expected`: all others wait for it, it may start; `copying`: it lacks what the
 * others have; `member`: it has it.
 */
export type Arrival = { cloud: string; state: "expected" | "copying" | "member" };

/** Administration of namespaces; needs the scope `admin` on them. */
export class Namespaces {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(options: CallOptions = {}): Promise<NamespaceInfo[]> {
    const request: Call = { method: "GET", path: "/v1/namespaces", repeatable: true };
    return (await this.#transport.send(request, options, fromWire<{ namespaces: NamespaceInfo[] }>)).namespaces;
  }

  get(name: string, options: CallOptions = {}): Promise<NamespaceInfo> {
    return this.#transport.send(
      { method: "GET", path: pathOf(name), repeatable: true },
      options,
      fromWire<NamespaceInfo>,
    );
  }

  /** Creates a namespace or replaces all its settings: those that are not given take their defaults. */
  put(name: string, settings: Partial<NamespaceSettings> = {}, options: CallOptions = {}): Promise<NamespaceInfo> {
    const request: Call = {
      method: "PUT",
      path: pathOf(name),
      headers: { "idempotency-key": randomKey() },
      body: bodyOf(json(toWire(settings))),
      repeatable: true,
    };
    return this.#transport.send(request, options, fromWire<NamespaceInfo>);
  }

  /**
   * Moves the home of a namespace; `to` null: every cloud takes writes. Resolves when the new home decides. `force`: the
   * present home is gone for good and not waited for; what it had taken and no other cloud has is lost.
   */
  moveHome(
    name: string,
    to: string | null,
    options: CallOptions & { force?: boolean | undefined } = {},
  ): Promise<NamespaceInfo> {
    const request: Call = {
      method: "POST",
      path: `${pathOf(name)}:move-home`,
      body: bodyOf(json({ to, force: options.force ?? false })),
      repeatable: true,
    };
    return this.#transport.send(request, options, fromWire<NamespaceInfo>);
  }

  /** Deletes an empty namespace, or with `force` one with all its entries. */
  async delete(name: string, options: CallOptions & { force?: boolean | undefined } = {}): Promise<void> {
    const request: Call = {
      method: "DELETE",
      path: pathOf(name),
      query: { force: options.force ? "1" : undefined },
      // Else the retry of a deletion whose answer was lost would find nothing, and fail.
      headers: { "idempotency-key": randomKey() },
      repeatable: true,
    };
    await this.#transport.send(request, options, discard);
  }
}

/** Administration of API keys; needs the scope `admin`. */
export class ApiKeys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(options: CallOptions = {}): Promise<ApiKey[]> {
    const request: Call = { method: "GET", path: "/v1/keys", repeatable: true };
    return (await this.#transport.send(request, options, fromWire<{ keys: ApiKey[] }>)).keys;
  }

  /** Makes a key. `key` of the answer is the secret: it is shown this once. Not retried, lest there be two. */
  create(key: NewApiKey, options: CallOptions = {}): Promise<ApiKey & { key: string }> {
    const request: Call = { method: "POST", path: "/v1/keys", body: bodyOf(json(toWire(key))), repeatable: false };
    return this.#transport.send(request, options, fromWire<ApiKey & { key: string }>);
  }

  /** Ends a key for good, within 5 seconds. */
  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    const request: Call = { method: "DELETE", path: `/v1/keys/${encodeURIComponent(id)}`, repeatable: true };
    await this.#transport.send(request, options, discard);
  }
}

export function readCluster(transport: Transport, options: CallOptions): Promise<Cluster> {
  return transport.send({ method: "GET", path: "/v1/cluster", repeatable: true }, options, fromWire<Cluster>);
}

export function changeCluster<Changed extends Cluster | Arrival>(
  transport: Transport,
  action: "drain" | "expel" | "add" | "replace",
  asked: object,
  options: CallOptions,
): Promise<Changed> {
  const request: Call = {
    method: "POST",
    path: `/v1/cluster/${action}`,
    body: bodyOf(json(toWire(asked))),
    repeatable: true,
  };
  return transport.send(request, options, fromWire<Changed>);
}

function pathOf(name: string): string {
  return `/v1/namespaces/${encodeURIComponent(name)}`;
}

/** The JSON of an answer with the names of this language, and its times as dates. */
async function fromWire<T>(response: Response): Promise<T> {
  return renamed(await readJson(response), camel, (name, value) => {
    return name.endsWith("At") && typeof value === "string" ? new Date(value) : value;
  }) as T;
}

/** What {@link fromWire} undoes. */
export function toWire(value: object): unknown {
  return renamed(value, snake, (_, value) => (value instanceof Date ? value.toISOString() : value));
}

function renamed(
  value: unknown,
  rename: (name: string) => string,
  convert: (name: string, value: unknown) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, convert));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const renamedName = rename(name);
      return [renamedName, convert(renamedName, renamed(member, rename, convert))];
    }),
  );
}

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
