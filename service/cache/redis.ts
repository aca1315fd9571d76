import { createHash } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Path } from "../kv/path.ts";
import { type Change, Channel, type Line } from "./channel.ts";
import { openClient, openPlain, parseRedisUrl, type RedisAddress } from "./connection.ts";
import { type CommandResult, Lane } from "./lane.ts";
import { type CacheRecord, maxAge, type SharedCache } from "./port.ts";
import { decodeRecord, encodeRecord, orderBytes } from "./record.ts";

export type RedisCacheOptions = {
  /** See `parseRedisUrl` for the forms. Further certificate authorities: `NODE_EXTRA_CA_CERTS`. */
  readonly url: string;
  /**
   * Whose records these are: letters, digits, `.`, `_` and `-`. Caches of different databases may share a server, so
   * it should name the database's incarnation.
   */
  readonly scope: string;
  readonly log?: Pick<Logger, "info" | "warn">;
  readonly metrics?: { command(result: CommandResult): void };
  /** Milliseconds. */
  readonly commandTimeout?: number;
};

/** Keys, and bytes of records, in one command: what holds up the next one. */
const maxKeys = 64;
const maxBytes = 256 * 1024;

/** Names whose spending is followed; the least recently used one starts anew. */
const maxNames = 10_000;

type Client = Redis | Cluster;
type Script = { readonly lua: string; readonly sha: string };

/** KEYS, with the record and the milliseconds to live of each in ARGV. */
const setIfNewer = script(`
for i, key in ipairs(KEYS) do
  local record = ARGV[2 * i - 1]
  if redis.call('GETRANGE', key, 0, ${orderBytes - 1}) < string.sub(record, 1, ${orderBytes}) then
    redis.call('SET', key, record, 'PX', ARGV[2 * i])
  end
end`);

/** Adds ARGV[1] to the sum of KEYS[1] and lets it live for ARGV[2] milliseconds from now. Returns the sum. */
const addUp = script(`
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return sum`);

/**
 * The shared cache on Valkey or Redis, one server or cluster mode. Throws when the URL has none of the forms; from then
 * on trouble with the server is only seen in `state`, `listening`, the metrics and the log.
 *
 * Reads have a connection of their own, so that they do not wait behind fills, and so has each side of the invalidation
 * channel. Bodies above `maxBodyBytes` are not kept here (see `record.ts`).
 */
export function redisCache(options: RedisCacheOptions): SharedCache {
  return new RedisCache(options);
}

class RedisCache implements SharedCache {
  readonly #address: RedisAddress;
  readonly #prefix: string;
  readonly #log: Pick<Logger, "info" | "warn"> | undefined;
  readonly #reads: Lane;
  readonly #writes: Lane;
  readonly #channel: Channel;
  readonly #handlers: ((changes: readonly Change[] | null) => void)[] = [];
  /** Of each name, the sum that the last call learned. */
  readonly #sums = new LRUCache<string, number>({ max: maxNames });
  #state: "up" | "down" | null = null;

  constructor({ url, scope, log, metrics, commandTimeout = 50 }: RedisCacheOptions) {
    if (!/^[\w.-]{1,100}$/.test(scope)) throw new Error(`"${scope}" cannot be the scope of a shared cache.`);
    this.#address = parseRedisUrl(url);
    this.#prefix = `skykv:${scope}:`;
    this.#log = log;
    const lane = (probe: (client: Client, key: string) => Promise<unknown>) =>
      new Lane({
        client: openClient(this.#address),
        probe,
        commandTimeout,
        count: (result) => metrics?.command(result),
        changed: (trouble) => this.#note(trouble),
      });
    this.#reads = lane((client, key) => client.exists(key));
    // Changes nothing, but fails like a write: on a replica, or when the memory is full.
    this.#writes = lane((client, key) => client.setrange(key, 0, ""));
    this.#channel = new Channel({
      name: `${this.#prefix}changes`,
      open: () => this.#openLine(),
      // A primary that was demoted would still bring the pings back, but nobody listens to it any more.
      verify: async (voice) => this.#address.cluster || voice.setrange(this.#prefix, 0, ""),
      heard: (changes) => {
        for (const handler of this.#handlers) handler(changes);
      },
      changed: () => {
        if (this.listening) this.#log?.info("hears the invalidations of other processes");
        else this.#log?.warn("does not hear the invalidations of other processes");
      },
    });
  }

  get listening(): boolean {
    return this.#channel.listening;
  }

  get state(): "up" | "down" {
    return this.#reads.up && this.#writes.up ? "up" : "down";
  }

  async get(paths: readonly Path[], now: number): Promise<readonly (CacheRecord | undefined)[]> {
    const records = new Array<CacheRecord | undefined>(paths.length).fill(undefined);
    const keys = paths.map((path, index) => ({ path, index, key: this.#prefix + path, bytes: 0 }));
    const reading = groups(this.#reads, keys).map(async (group) => {
      const names = group.map(({ key }) => key);
      const found = await this.#reads.ask(names[0]!, 100 * names.length, (client) => getAll(client, names));
      if (found === undefined) return;
      group.forEach(({ path, index }, i) => {
        const bytes = found[i];
        const record = bytes ? decodeRecord(path, bytes) : undefined;
        if (record !== undefined && now - record.readAt < maxAge) records[index] = record;
      });
    });
    await Promise.all(reading);
    return records;
  }

  fill(records: readonly CacheRecord[], now: number): void {
    void this.#keep(records, now);
  }

  publish(records: readonly CacheRecord[], now: number): void {
    const changes = records.map(({ path, stored }) => ({ path, newest: stored?.entry.version.time ?? 0n }));
    // Only then: who is told looks here first, and should find the new state.
    void this.#keep(records, now).then(() => this.#channel.say(changes));
  }

  onInvalidate(handler: (changes: readonly Change[] | null) => void): void {
    this.#handlers.push(handler);
  }

  async spend(name: string, requests: number, windowSeconds: number): Promise<number | undefined> {
    // Namespaces hold no colon, so that this is no record's key.
    const key = `${this.#prefix}spent:${name}`;
    const sum = await this.#writes.ask(key, 300, (client) =>
      run(client, addUp, [key], [requests, Math.ceil(2000 * windowSeconds)]),
    );
    const last = this.#sums.get(name);
    if (typeof sum !== "number") {
      // It may have been added all the same, and must not count as somebody else's next time.
      this.#sums.delete(name);
      return undefined;
    }
    this.#sums.set(name, sum);
    const others = sum - requests;
    if (last === undefined) return 0;
    // A sum that fell has begun anew, from zero.
    return others >= last ? others - last : Math.max(0, others);
  }

  async close(): Promise<void> {
    this.#channel.close();
    this.#reads.close();
    this.#writes.close();
  }

  async #keep(records: readonly CacheRecord[], now: number): Promise<void> {
    if (!this.#writes.connected) return;
    const items = records.flatMap((record) => {
      const life = Math.min(maxAge, Math.ceil(record.readAt + maxAge - now));
      if (life <= 0) return [];
      const value = encodeRecord(record);
      return { key: this.#prefix + record.path, value, life, bytes: record.path.length + value.length };
    });
    const writing = groups(this.#writes, items).map((group) => {
      const bytes = group.reduce((sum, item) => sum + item.bytes, 0);
      return this.#writes.ask(group[0]!.key, bytes, (client) => setAll(client, group));
    });
    await Promise.all(writing);
  }

  #openLine(): Line {
    const { client } = this.#reads;
    const known = client.isCluster ? (client as Cluster).nodes().map(({ options }) => options) : [];
    const hosts =
      known.length > 0 ? known.map(({ host, port }) => ({ host: host!, port: port! })) : this.#address.hosts;
    const first = Math.floor(Math.random() * hosts.length);
    const connect = (index: number) => openPlain(this.#address, hosts[index % hosts.length]!);
    return { voice: connect(first), ear: connect(first + 1) };
  }

  /** One line a change, not one a command. */
  #note(trouble: string | null): void {
    const state = this.state;
    if (state === this.#state || (state === "down" && this.#state === null && trouble === null)) return;
    this.#state = state;
    if (state === "up") this.#log?.info("the shared cache answers");
    else this.#log?.warn({ trouble }, "the shared cache does not answer: going without it");
  }
}

/** Parts that one `ask` may be about: of one node, and small. */
function groups<T extends { key: string; bytes: number }>(lane: Lane, items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (const ofNode of Map.groupBy(items, ({ key }) => lane.nodeOf(key)).values()) {
    let part: T[] = [];
    let bytes = 0;
    for (const item of ofNode) {
      if (part.length === maxKeys || (bytes + item.bytes > maxBytes && part.length > 0)) {
        parts.push(part);
        part = [];
        bytes = 0;
      }
      part.push(item);
      bytes += item.bytes;
    }
    parts.push(part);
  }
  return parts;
}

/** In cluster mode a command may only name keys of one slot, so each key has its own. */
async function getAll(client: Client, keys: string[]): Promise<(Buffer | null)[]> {
  return client.isCluster ? Promise.all(keys.map((key) => client.getBuffer(key))) : client.mgetBuffer(keys);
}

async function setAll(client: Client, items: { key: string; value: Buffer; life: number }[]): Promise<void> {
  const set = (part: typeof items) =>
    run(
      client,
      setIfNewer,
      part.map(({ key }) => key),
      part.flatMap(({ value, life }) => [value, life]),
    );
  await (client.isCluster ? Promise.all(items.map((item) => set([item]))) : set(items));
}

function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Sends the hash of a script, and the script itself to a server that has not seen it since its start. */
async function run(client: Client, { lua, sha }: Script, keys: string[], args: (Buffer | number)[]): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return client.eval(lua, keys.length, ...keys, ...args);
  }
}
