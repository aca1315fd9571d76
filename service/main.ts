/** One process of the service: `node service/main.ts`, configured by its environment (`--help` lists it). */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { pino } from "pino";
import { fileBlobs } from "./blobs/files.ts";
import { EntryCache } from "./cache/entries.ts";
import { redisCache } from "./cache/redis.ts";
import { type Config, ConfigError, configHelp, printable, readConfig, refuseUnsupported } from "./config.ts";
import { HealthMonitor } from "./health.ts";
import { createHandler } from "./http/app.ts";
import { Auth, adminKeyRecord } from "./http/auth.ts";
import { Metrics } from "./http/metrics.ts";
import { Namespaces } from "./http/namespaces.ts";
import { RateLimits } from "./http/rate-limits.ts";
import { ApiServer } from "./http/server.ts";
import type { Service } from "./http/service.ts";
import { HybridClock, type Now } from "./kv/clock.ts";
import { shardOf } from "./kv/path.ts";
import { Maintenance } from "./maintenance.ts";
import { runMigration } from "./migration.ts";
import { openPeers, type Peers, type PeersOptions } from "./peers.ts";
import { openHints } from "./queue/open.ts";
import { setSoleHome } from "./replication/homes.ts";
import { runReseed } from "./reseed.ts";
import { Completeness } from "./sessions/completeness.ts";
import { Sessions } from "./sessions/sessions.ts";
import { Feed } from "./store/feed.ts";
import { type Store, UnavailableError } from "./store/port.ts";
import { openPostgres } from "./store/postgres/store.ts";
import { Reader } from "./store/reader.ts";
import { type Committed, Writer } from "./store/writer.ts";

/** What the process takes from the outside, so that tests can give it something else. */
export type Io = {
  /** Wall clock, milliseconds since 1970. */
  readonly now: Now;
  /** Milliseconds that never jump. */
  readonly monotonic: Now;
  /** May put something around the store: a fault, another clock. */
  readonly around: (store: Store) => Store;
  /** Milliseconds that the floor stays behind in a cloud with peers: longer than any request, read or retry lasts. */
  readonly floorAge: number;
};

export type Running = {
  /** Of the API; empty for a role that serves no clients. */
  readonly url: string;
  readonly metricsUrl: string;
  /** Null: a cloud by itself, or a role that does not answer peers. */
  readonly peerUrl: string | null;
  readonly service: Service;
  readonly maintenance: Maintenance;
  /** Graceful: see `docs/operations.md`. Resolves when everything has ended. */
  readonly close: () => Promise<void>;
};

const realIo: Io = {
  now: Date.now,
  monotonic: () => performance.now(),
  around: (store) => store,
  floorAge: 3_600_000,
};

/** Starts the service. Rejects when it cannot: nothing is left running then. */
export async function startService(config: Config, io: Partial<Io> = {}): Promise<Running> {
  const { now, monotonic, around, floorAge } = { ...realIo, ...io };
  const serves = config.ROLE !== "replicator";
  const log = pino({
    level: config.LOG_LEVEL,
    base: { cloud: config.SKYKV_CLOUD },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const trouble = (what: string) => (error: unknown) => log.warn({ err: error }, what);

  const postgres = await openPostgres({
    url: config.DATABASE_URL,
    origin: config.SKYKV_CLOUD,
    timeout: config.REQUEST_TIMEOUT_MS,
    onTrouble: trouble("a database connection broke"),
    now,
  });
  const members = new Set(config.PEERS.keys());
  await postgres.member.join([...members], now());
  const here = {
    cloud: config.SKYKV_CLOUD,
    since: (await postgres.member.identity()).incarnatedAt,
    members,
  };
  const store = around(postgres);
  const reader = new Reader(store);
  const clock = new HybridClock(now);
  const feed = new Feed(store, trouble("the change feed could not be read"));
  const health: HealthMonitor = new HealthMonitor({
    store,
    now,
    monotonic,
    databaseVersion: postgres.version,
    unfit: () => unfit() ?? (peers?.replication.isNew() ? "the database is new and lacks what its peers have" : null),
    onClose: () => serves && server.closeListener(),
    onReopen: () => (serves ? server.reopen() : Promise.resolve()),
    onTrouble: (message, error) => log.warn({ err: error }, message),
  });
  const metrics = new Metrics({
    horizonAge: () => health.horizonAge() / 1000,
    clockSkew: () => health.skew() / 1000,
    watchers: () => feed.followers,
    cacheBytes: () => cache.size.bytes,
    ready: () => health.notReady() === null,
    pendingWrites: () => writer.pending,
  });
  const shared = config.REDIS_URL
    ? redisCache({
        url: config.REDIS_URL,
        scope: `${config.SKYKV_CLOUD}.${store.incarnation}`,
        log,
        metrics: { command: (result) => metrics.l2Commands.inc({ result }) },
      })
    : null;
  const completeness = new Completeness({
    read: () => postgres.member.watermarks(),
    monotonic,
    sleep: (milliseconds) => sleep(milliseconds, undefined, { ref: false }),
    onTrouble: trouble("how far this cloud is complete could not be read"),
  });
  const cache: EntryCache = new EntryCache({
    reader,
    shared,
    monotonic,
    databaseOffset: () => health.databaseOffset(),
    maxBytes: config.L1_BYTES,
    complete: (path) => completeness.ofShard(shardOf(path)),
    count: (tier) => metrics.read(tier),
  });
  shared?.onInvalidate(() => feed.poke());
  const sessions = new Sessions({
    here,
    cache,
    completeness,
    clock,
    now,
    bring: (peer, path) => peers!.replication.bring(peer, path),
    sleep: (milliseconds) => sleep(milliseconds, undefined, { ref: false }),
  });
  const namespaces = new Namespaces(store, monotonic);
  const hints = openHints(config, metrics.registry, log);
  let peers: Peers | null = null;
  const unfit = () => {
    if (peers?.replication.isExpelled()) return "this cloud was expelled by the others and must be seeded anew";
    return peers?.replication.isRecovering() ? "the database was restored and is not repaired yet" : null;
  };
  const keep = (committed: Committed) => {
    cache.committed(committed);
    feed.poke();
  };
  const mayStamp = () => {
    health.checkClock();
    // What it would write over may be older than what its peers hold: an increment would take the place of lost ones.
    const reason = unfit();
    if (reason !== null) throw new UnavailableError(reason);
  };
  const writer: Writer = new Writer({
    store,
    reader,
    clock,
    now,
    monotonic,
    timeout: config.REQUEST_TIMEOUT_MS,
    namespaceNow: (name) => namespaces.readNow(name),
    checkClock: mayStamp,
    onCommitted: (committed) => {
      metrics.commits.inc();
      metrics.commitRows.inc(committed.rows.length);
      keep(committed);
      if (config.PEERS.size > 0) hints.announce([...new Set(committed.rows.map(({ path }) => shardOf(path)))]);
    },
  });
  const processId = randomUUID();
  const drainCallbacks = new Set<() => void>();
  const blobs = await fileBlobs(config.BLOBS_DIR);
  const jwt = config.JWT_ISSUER
    ? { issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE!, jwksUrl: config.JWT_JWKS_URL! }
    : null;
  const service: Service = {
    cloud: config.SKYKV_CLOUD,
    store,
    member: postgres.member,
    reader,
    writer,
    cache,
    sessions,
    shared,
    blobs,
    feed,
    stamp: () => {
      mayStamp();
      return clock.next();
    },
    moveHome: async (name, to, force) => {
      if (peers === null) await setSoleHome(postgres.member, name, to);
      else if (to === null) await peers.replication.homes.drop(name);
      else await peers.replication.homes.take(name, force);
      namespaces.forget(name);
      peers?.replication.announceCatalog();
    },
    now,
    monotonic,
    namespaces,
    auth: new Auth(store, now, monotonic, jwt),
    rateLimits: new RateLimits(monotonic, shared),
    metrics,
    log,
    peers: null,
    corsOrigins: config.CORS_ORIGINS,
    health,
    onDrain: (callback) => {
      drainCallbacks.add(callback);
      return () => drainCallbacks.delete(callback);
    },
  };
  const tls = config.TLS_CERT_FILE
    ? { cert: config.TLS_CERT_FILE, key: config.TLS_KEY_FILE!, clientCa: config.TLS_CLIENT_CA_FILE ?? null }
    : null;
  const server: ApiServer = new ApiServer({
    host: config.HOST,
    port: config.PORT,
    tls,
    maxConnections: config.MAX_CONNECTIONS,
    handle: createHandler(service),
    monotonic,
    log,
    metrics,
  });
  const maintenance = new Maintenance({
    connections: postgres.others,
    blobs,
    retention: { hours: config.FEED_HOURS, bytes: config.FEED_BYTES },
    hasPeers: config.PEERS.size > 0,
    now,
    process: processId,
    onReaped: (entries) => metrics.reaped.inc(entries),
    onTrouble: trouble("a maintenance task failed"),
  });
  const probes = metricsServer(service);

  const endBackground = async () => {
    health.stop();
    feed.close();
    service.rateLimits.close();
    completeness.stop();
    await peers?.close();
    await hints.close();
    await maintenance.stop();
    await shared?.close();
    await store.close();
  };
  try {
    await health.start();
    const adminKey = config.SKYKV_ADMIN_KEY ?? config.SKYKV_ADMIN_KEY_FILE?.toString().trim();
    if (adminKey !== undefined) await store.putApiKey(adminKeyRecord(adminKey, now()), null);
    if (config.PEERS.size > 0) {
      const { registry } = metrics;
      const onApplied = keep;
      const onCatalogChanged = () => {
        namespaces.forgetAll();
        service.auth.forgetAll();
      };
      const serve: PeersOptions["serve"] = (req, res, peer) => {
        // Without peers it would take itself for the only cloud, and decide everything.
        if (service.peers === null) res.writeHead(503, { "Retry-After": "1" }).end();
        else server.serve(req, res, peer);
      };
      const io = {
        store: postgres.member,
        blobs,
        hints,
        clock,
        now,
        monotonic,
        floorAge,
        process: processId,
        onApplied,
        onCatalogChanged,
        onHeard: () => completeness.heard(),
        serve,
      };
      peers = await openPeers({ config, ...io, registry, log });
      service.peers = peers;
      void completeness.run();
    }
    await new Promise<void>((resolve, reject) => {
      probes.once("error", reject).listen(config.METRICS_PORT, config.HOST, resolve);
    });
    if (serves) await server.listen();
  } catch (error) {
    probes.close();
    await endBackground();
    throw error;
  }
  maintenance.start();
  const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
  const url = serves ? `${tls ? "https" : "http"}://${host}:${server.port}` : "";
  const metricsUrl = `http://${host}:${(probes.address() as AddressInfo).port}`;
  const peerPort = (peers as Peers | null)?.port ?? null;
  const peerUrl = peerPort === null ? null : `https://${host}:${peerPort}`;
  log.info({ url, metricsUrl, peerUrl, database: postgres.version }, "listening");

  let closing: Promise<void> | null = null;
  const close = async () => {
    log.info("draining");
    health.drain();
    await sleep(config.SHUTDOWN_PAUSE_MS);
    for (const callback of drainCallbacks) callback();
    if (serves) await server.drain(config.SHUTDOWN_TIMEOUT_MS);
    await writer.close();
    await endBackground();
    probes.close();
    probes.closeAllConnections();
    log.info("ended");
  };
  return { url, metricsUrl, peerUrl, service, maintenance, close: () => (closing ??= close()) };
}

/** `/metrics`, and the probes of a container platform, on a port that the world does not see. */
function metricsServer({ metrics, health }: Service) {
  return createServer((req, res) => {
    const answer = (status: number, type: string, body: string) =>
      res.writeHead(status, { "Content-Type": type }).end(body);
    if (req.url === "/metrics") {
      metrics.registry.metrics().then(
        (text) => answer(200, metrics.registry.contentType, text),
        () => answer(500, "text/plain", "the metrics could not be collected\n"),
      );
    } else if (req.url === "/health") {
      answer(200, "text/plain", "ok\n");
    } else if (req.url === "/ready") {
      const reason = health.notReady();
      answer(reason === null ? 200 : 503, "text/plain", `${reason ?? "ok"}\n`);
    } else {
      answer(404, "text/plain", "/metrics, /health or /ready\n");
    }
  });
}

const help = `node service/main.ts [--help | --print-config]

Serves SkyKV's HTTP API. Everything is configured by environment variables:

${configHelp()}

SIGTERM and SIGINT end it gracefully. Exit codes: 0 ended, 1 could not start, 2 bad configuration.
`;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help")) {
    process.stdout.write(help);
    return;
  }
  const unknown = args.find((arg) => arg !== "--print-config");
  if (unknown !== undefined) throw new ConfigError(`expected --help or --print-config, found ${unknown}`);
  const config = readConfig(process.env);
  if (args.includes("--print-config")) {
    process.stdout.write(`${JSON.stringify(printable(config), null, 2)}\n`);
    return;
  }
  refuseUnsupported(config);
  if (config.ROLE === "migration") return runMigration(config);
  if (config.ROLE === "reseed") return void process.stdout.write(`${await runReseed(config)}\n`);
  const running = await startService(config);
  const end = () => {
    // A second signal, or a drain that hangs: the hard end.
    setTimeout(() => process.exit(1), config.SHUTDOWN_PAUSE_MS + config.SHUTDOWN_TIMEOUT_MS + 5000).unref();
    void running.close().then(() => process.exit(0));
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

if (import.meta.main) {
  // A full collection when memory has doubled since the last one. By itself V8 begins one for every 10 MB of buffers, which
  // under load is twice a second, and clients wait up to 20 ms for a step of it.
  setFlagsFromString("--heap-growing-percent=100");
  main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : `could not start: ${error.message}`}\n`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  });
}
