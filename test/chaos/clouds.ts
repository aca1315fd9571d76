import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { formatVersion } from "../../service/kv/version.ts";
import type { Links } from "../../tools/box/links.ts";
import type { Service } from "../../tools/box/service.ts";
import { nameOf } from "../processes/values.ts";
import { Cluster, cloudOf } from "../support/cluster.ts";
import { type Copies, copiesOf, query } from "../support/databases.ts";
import { Kv } from "../support/kv.ts";
import type { ProcessCloud } from "../support/processes.ts";
import { hasRabbitMq, RabbitServer } from "../support/rabbitmq.ts";
import { hasRedis, RedisServer } from "../support/redis.ts";
import { adminKey } from "../support/service.ts";
import type { Row } from "./history.ts";

const program = fileURLToPath(new URL("../support/skewed-service.ts", import.meta.url));
/** Milliseconds. Far shorter than in earnest, so that deletions are forgotten in the midst of faults. */
const floorAge = 15_000;

/**
 * Three clouds of real processes, each with its database, its shared cache where there is a server for it, and links. Hints
 * go through the databases, in the first cloud through RabbitMQ where that is installed.
 */
export class Clouds {
  readonly #cluster: Cluster;
  readonly #caches: ReadonlyMap<string, RedisServer>;
  readonly #queues: ReadonlyMap<string, RabbitServer>;
  /** Those that nobody has killed. */
  readonly #guarded = new Set<Service>();
  /** What some fault has in its hands. */
  readonly struck = new Set<string>();
  /** Processes that ended though nobody had killed them. */
  readonly ended: string[] = [];

  private constructor(
    cluster: Cluster,
    caches: ReadonlyMap<string, RedisServer>,
    queues: ReadonlyMap<string, RabbitServer>,
  ) {
    this.#cluster = cluster;
    this.#caches = caches;
    this.#queues = queues;
    for (const name of this.processes) this.#guard(name);
  }

  static async start(names: readonly string[], processes: number): Promise<Clouds> {
    const caches = new Map<string, RedisServer>();
    if (hasRedis) for (const name of names) caches.set(name, await RedisServer.start());
    const queues = new Map(hasRabbitMq ? [[names[0]!, await RabbitServer.start()]] : []);
    const environment = (cloud: string): Record<string, string> => ({
      SKEW_MS: "0",
      FLOOR_AGE_MS: String(floorAge),
      ...(hasRedis && { REDIS_URL: caches.get(cloud)!.url }),
      ...(queues.has(cloud) && { QUEUE_URL: queues.get(cloud)!.url }),
    });
    return new Clouds(await Cluster.start(names, { processes, environment, program }), caches, queues);
  }

  get names(): string[] {
    return [...this.#cluster.clouds.keys()];
  }

  get processes(): string[] {
    return [...this.#cluster.services.keys()];
  }

  get links(): Links {
    return this.#cluster.links;
  }

  /** What is wrong between clouds now, in words. */
  troubles(): string[] {
    const pairs = this.names.flatMap((from) => this.names.filter((to) => to !== from).map((to) => [from, to] as const));
    return pairs.flatMap(([from, to]) => {
      const { trouble } = this.links.between(from, to);
      return trouble === null ? [] : [`${from}>${to} ${trouble.kind}`];
    });
  }

  get hasCaches(): boolean {
    return this.#caches.size > 0;
  }

  /** The clouds whose hints go through a queue that can be lost. */
  get withQueue(): string[] {
    return [...this.#queues.keys()];
  }

  get folders(): string[] {
    return [...this.#cluster.clouds.values()].map(({ folder }) => folder);
  }

  service(process: string): Service {
    return this.#cluster.services.get(process)!;
  }

  urlsOf(cloud: string): string[] {
    return this.#cluster.processesOf(cloud).map((name) => this.service(name).url);
  }

  databaseOf(victim: string): ProcessCloud {
    return this.#cluster.clouds.get(ownerOf(victim))!;
  }

  cacheOf(victim: string): RedisServer {
    return this.#caches.get(ownerOf(victim))!;
  }

  queueOf(victim: string): RabbitServer {
    return this.#queues.get(ownerOf(victim))!;
  }

  /** As if a cloud and all that it stored were gone for good. */
  async destroy(name: string): Promise<void> {
    await Promise.all(this.#cluster.processesOf(name).map((process) => this.kill(process)));
    const cloud = this.databaseOf(name);
    await cloud.killPostgres();
    await rm(cloud.postgres.directory, { recursive: true });
  }

  /** Another cloud is told that it is no member any more. */
  async expel(name: string): Promise<void> {
    const other = this.names.find((cloud) => cloud !== name)!;
    const response = await fetch(`${this.urlsOf(other)[0]}/v1/cluster/expel`, {
      method: "POST",
      headers: { Authorization: `Bearer ${adminKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ cloud: name }),
    });
    if (!response.ok) throw new Error(`${other} does not expel ${name}: ${await response.text()}`);
  }

  async kill(process: string): Promise<void> {
    const service = this.service(process);
    this.#guarded.delete(service);
    service.kill("SIGKILL");
    await service.exited;
  }

  /** `skew`: milliseconds that its clock is ahead. */
  async startService(process: string, skew = 0): Promise<void> {
    // A database that is down or recovers keeps a service from starting; its own fault heals it.
    for (;;) {
      try {
        await this.#cluster.startService(process, { SKEW_MS: String(skew) });
        this.#guard(process);
        return;
      } catch (error) {
        if (!this.struck.has(`${cloudOf(process)}'s database`)) throw error;
      }
    }
  }

  #guard(process: string): void {
    const service = this.service(process);
    this.#guarded.add(service);
    void service.exited.then(({ code, signal }) => {
      if (this.#guarded.has(service)) this.ended.push(`${process} ended by itself: ${signal ?? `exit code ${code}`}`);
    });
  }

  copies(): Promise<Copies> {
    return copiesOf(this.#cluster.clouds);
  }

  /** What a cloud's database holds of the namespace `default`, by key; tombstones too. */
  async rowsOf(cloud: string): Promise<Map<string, Row>> {
    const text =
      "select path, kind, hlc, origin, value, blob, expires_at, cells from entries where path like 'default/%'";
    const kv = new Kv(this.urlsOf(cloud)[0]!);
    const found = await query<EntryRow>(this.databaseOf(cloud), text);
    const rows = new Map<string, Row>();
    for (const row of found) {
      const key = row.path.slice("default/".length);
      const text = row.blob === null ? row.value?.toString() : (await kv.get(key))?.value;
      rows.set(key, rowFrom(row, text === undefined ? null : nameOf(text)));
    }
    return rows;
  }

  /** Ends everything. `keep`: the databases' folders and logs stay. */
  async close(keep: boolean): Promise<void> {
    this.#guarded.clear();
    await (keep ? this.#cluster.stop() : this.#cluster.close());
    await Promise.all([...this.#caches.values(), ...this.#queues.values()].map((server) => server.stop()));
  }
}

/** `aws` of `aws's database`. */
function ownerOf(victim: string): string {
  return victim.split("'", 1)[0]!;
}

type EntryRow = {
  readonly path: string;
  readonly kind: "v" | "t" | "c";
  readonly hlc: string;
  readonly origin: string;
  readonly value: Buffer | null;
  /** The file of a large value. */
  readonly blob: string | null;
  readonly expires_at: string | null;
  readonly cells: Readonly<Record<string, { readonly n: number }>> | null;
};

const kinds = { v: "value", t: "tombstone", c: "counter" } as const;

function rowFrom({ kind, hlc, origin, expires_at, cells }: EntryRow, value: string | null): Row {
  return {
    kind: kinds[kind],
    version: formatVersion({ time: BigInt(hlc), origin }),
    value,
    expires: expires_at !== null,
    cells: Object.fromEntries(Object.entries(cells ?? {}).map(([cloud, { n }]) => [cloud, n])),
  };
}
