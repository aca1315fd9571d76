import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import slotOf from "cluster-key-slot";
import fc from "fast-check";
import { type CacheRecord, maxAge, type SharedCache } from "../../service/cache/port.ts";
import { type RedisCacheOptions, redisCache } from "../../service/cache/redis.ts";
import type { Entry } from "../../service/kv/entry.ts";
import { needsRedis, RedisCluster, RedisServer } from "../support/redis.ts";

type Changes = Parameters<Parameters<SharedCache["onInvalidate"]>[0]>[0];
type Opened = SharedCache & { readonly heard: Changes[]; readonly commands: string[]; readonly log: string[] };

const version = (time: bigint) => ({ time, origin: "local" });

function value(time: bigint, body: Uint8Array | null = new Uint8Array()): Entry {
  const facts = { contentType: null, contentEncoding: null, meta: null, expiresAt: null };
  return { kind: "value", version: version(time), seen: {}, body, blob: null, size: body?.length ?? 0, ...facts };
}

function recordOf(path: string, entry: Entry | null, readAt = Date.now()): CacheRecord {
  return { path, stored: entry && { entry, changed: 7 }, readAt, horizon: 3 };
}

/** Waits for a condition that must come true, and names it when it does not. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(10);
  }
}

/** Opens caches whose records nobody else sees, and closes them after each test. */
function opener(url: () => string) {
  let open: Opened[] = [];
  let scope: string;
  beforeEach(() => {
    scope = randomBytes(8).toString("hex");
  });
  afterEach(async () => {
    await Promise.all(open.map((cache) => cache.close()));
    open = [];
  });
  return async (options: Partial<RedisCacheOptions> = {}): Promise<Opened> => {
    const [heard, commands, log]: [Changes[], string[], string[]] = [[], [], []];
    const say = (level: string) => (facts: unknown, text?: string) => log.push(`${level}: ${text ?? facts}`);
    const cache = redisCache({
      url: url(),
      scope,
      // Long, where nothing is hung, so that a busy machine does not fail a test.
      commandTimeout: 2000,
      log: { info: say("info"), warn: say("warn") } as RedisCacheOptions["log"] & {},
      metrics: { command: (result) => commands.push(result) },
      ...options,
    });
    cache.onInvalidate((changes) => heard.push(changes));
    const opened = Object.defineProperties(
      { heard, commands, log },
      Object.getOwnPropertyDescriptors({
        get: cache.get.bind(cache),
        fill: cache.fill.bind(cache),
        publish: cache.publish.bind(cache),
        spend: cache.spend.bind(cache),
        close: cache.close.bind(cache),
        onInvalidate: cache.onInvalidate.bind(cache),
        get listening() {
          return cache.listening;
        },
        get state() {
          return cache.state;
        },
      }),
    ) as Opened;
    open.push(opened);
    await until("it listens", () => cache.state === "up" && cache.listening);
    heard.length = 0;
    return opened;
  };
}

const found = async (cache: SharedCache, ...paths: string[]) => cache.get(paths, Date.now());
