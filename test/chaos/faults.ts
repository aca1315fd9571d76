/** What can go wrong. Each fault picks its victim, strikes, and returns what ends it; null: there is no victim left. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Link, Trouble } from "../../tools/box/links.ts";
import { signalProcess } from "../../tools/box/process.ts";
import { pick, type Random } from "../support/random.ts";
import type { Clouds } from "./clouds.ts";

type Heal = () => Promise<void>;
type Fault = (clouds: Clouds, random: Random) => Promise<Heal | null>;

export const faults = {
  /** A service process is killed, and started again after a while. */
  "kill-service": (clouds, random) =>
    strike(clouds, random, clouds.processes, async (name) => {
      await clouds.kill(name);
      return () => clouds.startService(name);
    }),

  /** A service process stands still with all its connections open, and goes on where it was. */
  "freeze-service": (clouds, random) =>
    strike(clouds, random, clouds.processes, async (name) => {
      const service = clouds.service(name);
      service.kill("SIGSTOP");
      return async () => service.kill("SIGCONT");
    }),

  /** A service process starts again with a clock that is wrong by up to 4 s: at 5 s it would refuse to write. */
  "skew-clock": (clouds, random) =>
    strike(clouds, random, clouds.processes, async (name) => {
      await clouds.kill(name);
      await clouds.startService(name, Math.round((random() * 2 - 1) * 4000));
      return async () => {
        await clouds.kill(name);
        await clouds.startService(name);
      };
    }),

  /** As if the power of the database's machine failed. */
  "crash-database": (clouds, random) =>
    strike(clouds, random, databasesOf(clouds), async (name) => {
      const cloud = clouds.databaseOf(name);
      await cloud.killPostgres();
      return () => cloud.restartPostgres();
    }),

  /** One process of the database dies: it ends all connections and recovers by itself. */
  "kill-connection": (clouds, random) =>
    strike(clouds, random, databasesOf(clouds), async (name) => {
      signalProcess(pick(random, await clouds.databaseOf(name).postgresChildren()), "SIGKILL");
      return async () => {};
    }),

  /** The database answers nothing and breaks no connection. */
  "freeze-database": (clouds, random) =>
    strike(clouds, random, databasesOf(clouds), async (name) => {
      const pids = await clouds.databaseOf(name).signalPostgres("SIGSTOP");
      return async () => {
        for (const pid of pids) signalProcess(pid, "SIGCONT");
      };
    }),

  /** A cloud and a peer do not hear each other. */
  "cut-link": (clouds, random) => impair(random, pairs(clouds), () => ({ kind: "cut" })),

  /** Questions arrive and answers do not, or the other way round, on the link of one cloud to one peer. */
  "cut-one-way": (clouds, random) =>
    impair(random, oneWay(clouds), () => ({ kind: "cut", direction: pick(random, ["there", "back"] as const) })),

  "reset-link": (clouds, random) => impair(random, pairs(clouds), () => ({ kind: "reset" })),

  "slow-link": (clouds, random) =>
    impair(random, pairs(clouds), () => ({
      kind: "slow",
      delay: 20 + random() * 400,
      bytesPerSecond: 20_000 + random() * 1_000_000,
    })),

  /** A cloud hears none of its peers, and none hears it. */
  "isolate-cloud": (clouds, random) =>
    impair(
      random,
      clouds.names.map((name) => clouds.links.of(name)),
      () => ({ kind: "cut" }),
    ),

  /** The shared cache forgets everything. */
  "flush-cache": (clouds, random) =>
    strike(clouds, random, cachesOf(clouds), async (name) => {
      await clouds.cacheOf(name).command("FLUSHALL");
      return async () => {};
    }),

  /** The shared cache is gone, with all that it had to tell. */
  "kill-cache": (clouds, random) =>
    strike(clouds, random, cachesOf(clouds), async (name) => {
      await clouds.cacheOf(name).kill();
      return () => clouds.cacheOf(name).start();
    }),

  /** The shared cache answers nothing and breaks no connection. */
  "freeze-cache": (clouds, random) =>
    strike(clouds, random, cachesOf(clouds), async (name) => {
      clouds.cacheOf(name).pause();
      return async () => clouds.cacheOf(name).resume();
    }),

  /** The queue for hints is gone, and starts again with nothing in it. */
  "lose-queue": (clouds, random) =>
    strike(clouds, random, queuesOf(clouds), async (name) => {
      await clouds.queueOf(name).lose();
      return () => clouds.queueOf(name).start();
    }),

  /** The queue takes and hands out nothing, and breaks no connection. */
  "freeze-queue": (clouds, random) =>
    strike(clouds, random, queuesOf(clouds), async (name) => {
      clouds.queueOf(name).pause();
      return async () => clouds.queueOf(name).resume();
    }),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as FaultName[];

/** Milliseconds that a fault lasts: mostly shorter than what the service waits for, sometimes longer. */
const longest = 12_000;
/** Milliseconds between two faults of one hand at most. */
const pause = 2500;

/** Lets faults happen until `signal`, several at a time; all are healed when it resolves. */
export async function rage(
  clouds: Clouds,
  chosen: readonly FaultName[],
  random: Random,
  signal: AbortSignal,
  onFault: (name: FaultName) => void,
): Promise<void> {
  const wait = (milliseconds: number) => sleep(milliseconds, undefined, { signal }).catch(() => {});
  const hand = async () => {
    while (!signal.aborted) {
      await wait(random() * pause);
      if (signal.aborted) return;
      const name = pick(random, chosen);
      const heal = await faults[name](clouds, random);
      if (heal === null) continue;
      onFault(name);
      await wait(200 + random() ** 2 * longest);
      await heal();
    }
  };
  await Promise.all([hand(), hand(), hand()]);
}

/** Something that no other fault has in its hands now. */
async function strike<Name extends string>(
  clouds: Clouds,
  random: Random,
  victims: readonly Name[],
  act: (name: Name) => Promise<Heal>,
): Promise<Heal | null> {
  const free = victims.filter((name) => !clouds.struck.has(name));
  if (free.length === 0) return null;
  const victim = pick(random, free);
  clouds.struck.add(victim);
  const heal = await act(victim);
  return async () => {
    await heal();
    clouds.struck.delete(victim);
  };
}

async function impair(
  random: Random,
  groups: readonly (readonly Link[])[],
  trouble: () => Trouble,
): Promise<Heal | null> {
  const free = groups.filter((links) => links.every((link) => link.trouble === null));
  if (free.length === 0) return null;
  const links = pick(random, free);
  const what = trouble();
  for (const link of links) link.trouble = what;
  return async () => {
    for (const link of links) link.trouble = null;
  };
}

const pairs = ({ names, links }: Clouds) =>
  names.flatMap((a, i) => names.slice(i + 1).map((b) => [links.between(a, b), links.between(b, a)]));
const oneWay = ({ links }: Clouds) => links.all().map((link) => [link]);
const databasesOf = ({ names }: Clouds) => names.map((name) => `${name}'s database` as const);
const cachesOf = ({ names, hasCaches }: Clouds) => (hasCaches ? names.map((name) => `${name}'s cache` as const) : []);
const queuesOf = ({ withQueue }: Clouds) => withQueue.map((name) => `${name}'s queue` as const);
