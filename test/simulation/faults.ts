import type { Backup } from "../support/memory/database.ts";
import { pick } from "../support/random.ts";
import type { Cloud } from "./cloud.ts";
import type { Network } from "./network.ts";
import { Operators } from "./operators.ts";
import type { Process } from "./process.ts";
import type { Supervisor } from "./supervisor.ts";
import type { World } from "./world.ts";

/** All kinds of harm. */
export const faultKinds = [
  "link cut in one direction",
  "link cut",
  "cloud cut off",
  "network loses",
  "network repeats",
  "network delays",
  "process killed",
  "cloud killed",
  "database crashed",
  "database slow",
  "database restored",
  "transaction held open",
  "shared cache lost",
  "shared cache down",
  "invalidations lost",
  "clock jumped",
  "clock wrong",
  "hints lost",
  "feed trimmed",
  "namespace unknown",
  "large values damaged",
  "home moved",
  "cloud expelled",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Does harm, at random times and places, and undoes it later. */
export class Faults {
  readonly #world: World;
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #supervisor: Supervisor;
  readonly operators: Operators;
  readonly #network: Network;
  /** A backup of each cloud, and how much the ledger held when it was made. */
  readonly #backups = new Map<string, { readonly backup: Backup; readonly since: number }>();
  /** How many faults there were. */
  struck = 0;

  constructor(world: World, clouds: ReadonlyMap<string, Cloud>, supervisor: Supervisor, network: Network) {
    this.#world = world;
    this.#clouds = clouds;
    this.#supervisor = supervisor;
    this.operators = new Operators(world, clouds, supervisor);
    this.#network = network;
  }

  /** Whether it could strike: not everything can happen at any time. */
  readonly #kinds: Readonly<Record<FaultKind, () => boolean>> = {
    "link cut in one direction": () => this.#cut(false),
    "link cut": () => this.#cut(true),
    "cloud cut off": () => this.#cutOff(this.#name()),
    "network loses": () => this.#bad("loss", 0.3),
    "network repeats": () => this.#bad("repeats", 0.4),
    "network delays": () => this.#bad("delays", 0.2),
    "large values damaged": () => this.#bad("damage", 0.5),
    "process killed": () => this.#supervisor.kill(this.#process(), 0, 6000),
    "cloud killed": () => {
      const running = this.#supervisor.of(this.#name()).filter(({ isAlive }) => isAlive);
      for (const process of running) this.#supervisor.kill(process, 2000, 12_000);
      return running.length > 0;
    },
    "database crashed": () => {
      const cloud = this.#cloud();
      cloud.isDown = true;
      cloud.db.rollBackAll();
      return this.#later(100, 4000, () => {
        cloud.isDown = false;
      });
    },
    "database slow": () => {
      const cloud = this.#cloud();
      cloud.slowness = this.#world.scheduler.between(10, 100);
      return this.#later(500, 5000, () => {
        cloud.slowness = 1;
      });
    },
    "database restored": () => this.#restore(),
    "transaction held open": () => {
      const { db, heldOpen } = this.#cloud();
      const xid = db.begin();
      heldOpen.add(xid);
      const { system } = db;
      return this.#later(200, 6000, () => {
        if (db.system === system) db.end(xid);
      });
    },
    "shared cache lost": () => {
      const { sharedCache } = this.#cloud();
      sharedCache?.lose();
      return sharedCache !== null;
    },
    "shared cache down": () => {
      const { sharedCache } = this.#cloud();
      sharedCache?.goDown(this.#world.scheduler.between(500, 6000));
      return sharedCache !== null;
    },
    "invalidations lost": () => {
      const { shared } = this.#process();
      shared?.cutOff(this.#world.scheduler.between(100, 5000));
      return shared !== null;
    },
    "clock jumped": () => {
      const process = this.#process();
      process.skew = this.#world.scheduler.between(-4500, 4500);
      return this.#later(1000, 15_000, () => {
        process.skew = this.#world.scheduler.between(-300, 300);
      });
    },
    "clock wrong": () => {
      const process = this.#process();
      process.skew = this.#world.scheduler.between(-60_000, 60_000);
      return this.#later(500, 6000, () => {
        process.skew = 0;
      });
    },
    "hints lost": () => {
      this.#world.hintLoss = 0.9;
      return this.#later(1000, 10_000, () => {
        this.#world.hintLoss = 0.1;
      });
    },
    "feed trimmed": () => {
      const { db } = this.#cloud();
      const before = db.feed.length;
      db.trim(Math.floor(this.#world.scheduler.between(0, 30)));
      return db.feed.length < before;
    },
    "namespace unknown": () => {
      const { name, db } = this.#cloud();
      const known = db.namespaces.get("late");
      if (known === undefined) return false;
      // Really, a database has no entries of a namespace that it does not know. A comparison would take them for deleted.
      const sides = [...this.#clouds.values()].flatMap((cloud) =>
        [...cloud.db.peers].filter(([peer]) => cloud.name === name || peer === name),
      );
      if (sides.some(([, { repair }]) => repair !== null)) return false;
      db.namespaces.delete("late");
      return this.#later(500, 8000, () => db.namespaces.set("late", known));
    },
    "home moved": () => {
      const to = this.#cloud();
      if (to.isOut) return false;
      const { scheduler } = this.#world;
      // What the first home decides then comes late to the third, which must wait for it all the same.
      if (scheduler.chance(0.3)) return this.#moveOn(to);
      void this.operators.moveHome(to);
      const trouble = pick(scheduler.random, [
        () => {},
        () => this.#supervisor.kill(this.#process(), 500, 5000),
        () => this.#cutOff(this.#name()),
      ]);
      // In the midst of it, or right behind.
      return this.#later(50, 2500, trouble);
    },
    "cloud expelled": () => {
      if (this.#world.losses > 0) return false;
      const { scheduler } = this.#world;
      void this.operators.expel(this.#cloud(), scheduler.chance(0.5));
      return true;
    },
  };

  /** Somebody makes backups, of course. */
  makeBackups(): void {
    for (const cloud of this.#clouds.values())
      this.#later(1000, 14_000, () => {
        this.#backups.set(cloud.name, { backup: cloud.backup(), since: this.#world.ledger.count });
      });
  }

  /** A fault of this kind, or of a random one. */
  strike(kind: FaultKind = pick(this.#world.scheduler.random, faultKinds)): void {
    if (!this.#kinds[kind]()) {
      this.strike();
      return;
    }
    this.#world.count(`fault: ${kind}`);
    this.#world.note(`fault: ${kind}`);
    this.struck++;
  }

  /** Ends all harm, so that what is under way can arrive. */
  heal(): void {
    this.#network.heal();
    this.#world.hintLoss = 0;
    this.#world.connectionLoss = 0;
    for (const cloud of this.#clouds.values()) {
      cloud.isDown = false;
      cloud.slowness = 1;
      cloud.db.namespaces.set("late", { epoch: 0n });
      for (const process of this.#supervisor.of(cloud.name)) process.skew = 0;
      this.#supervisor.replaceAll(cloud);
    }
  }

  /** One loss at most: what two restored clouds had only told each other is lost. */
  #restore(): boolean {
    const made = [...this.#backups.keys()];
    if (made.length === 0 || this.#world.losses > 0) return false;
    this.#world.restores++;
    this.#world.losses++;
    const name = pick(this.#world.scheduler.random, made);
    const { backup, since } = this.#backups.get(name)!;
    const cloud = this.#clouds.get(name)!;
    for (const process of this.#supervisor.of(name)) this.#supervisor.kill(process, 1000, 5000);
    cloud.restore(
      backup,
      since,
      [...this.#clouds.values()].filter((other) => other !== cloud),
    );
    cloud.db.namespaces.set("late", { epoch: 0n });
    return true;
  }

  #name(): string {
    return pick(this.#world.scheduler.random, this.#world.names);
  }

  #cloud(): Cloud {
    return this.#clouds.get(this.#name())!;
  }

  #process(): Process {
    return pick(this.#world.scheduler.random, this.#supervisor.of(this.#name()));
  }

  #later(from: number, to: number, undo: () => void): true {
    this.#world.scheduler.after(this.#world.scheduler.between(from, to), undo);
    return true;
  }

  #cutOff(cloud: string): boolean {
    const links = this.#world.names.flatMap((other) => [`${cloud} ${other}`, `${other} ${cloud}`]);
    for (const link of links) this.#network.cut.add(link);
    return this.#later(1000, 12_000, () => {
      for (const link of links) this.#network.cut.delete(link);
    });
  }

  /** The home moves to a cloud and from there to a second one, which the third cannot reach. */
  #moveOn(to: Cloud): boolean {
    const { scheduler, names } = this.#world;
    const next = this.#clouds.get(
      pick(
        scheduler.random,
        names.filter((name) => name !== to.name),
      ),
    )!;
    const third = names.find((name) => name !== to.name && name !== next.name);
    if (third !== undefined) this.#cut(true, third, next.name);
    return this.#later(500, 2000, () => {
      void this.operators.moveHome(to).then(() => this.operators.moveHome(next));
    });
  }

  #cut(bothWays: boolean, a = this.#name(), other: string | null = null): boolean {
    const others = this.#world.names.filter((name) => name !== a);
    const b = other ?? pick(this.#world.scheduler.random, others);
    const links = bothWays ? [`${a} ${b}`, `${b} ${a}`] : [`${a} ${b}`];
    for (const link of links) this.#network.cut.add(link);
    return this.#later(1000, 10_000, () => {
      for (const link of links) this.#network.cut.delete(link);
    });
  }

  #bad(what: "loss" | "repeats" | "delays" | "damage", probability: number): boolean {
    this.#network[what] = probability;
    return this.#later(1000, 10_000, () => {
      this.#network[what] = what === "repeats" || what === "damage" ? 0.03 : 0;
    });
  }
}
