import type { Backup } from "../support/memory/database.ts";
import { pick } from "../support/random.ts";
import type { Cloud } from "./cloud.ts";
import type { Network } from "./network.ts";
import { Process, type World } from "./process.ts";

/** Does harm, at random times and places, and undoes it later. */
export class Faults {
  readonly #world: World;
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #processes: Map<string, Process[]>;
  readonly #network: Network;
  /** A backup of each cloud, and how much the ledger held when it was made. */
  readonly #backups = new Map<string, { readonly backup: Backup; readonly since: number }>();
  #restores = 0;

  constructor(world: World, clouds: ReadonlyMap<string, Cloud>, processes: Map<string, Process[]>, network: Network) {
    this.#world = world;
    this.#clouds = clouds;
    this.#processes = processes;
    this.#network = network;
  }

  readonly #kinds: Readonly<Record<string, () => void>> = {
    "link cut in one direction": () => this.#cut(false),
    "link cut": () => this.#cut(true),
    "cloud cut off": () => {
      const cloud = this.#name();
      const links = this.#world.names.flatMap((other) => [`${cloud} ${other}`, `${other} ${cloud}`]);
      for (const link of links) this.#network.cut.add(link);
      this.#later(1000, 12_000, () => {
        for (const link of links) this.#network.cut.delete(link);
      });
    },
    "network loses": () => this.#bad("loss", 0.3),
    "network repeats": () => this.#bad("repeats", 0.4),
    "network delays": () => this.#bad("delays", 0.2),
    "process killed": () => this.#kill(this.#process(), 0, 6000),
    "cloud killed": () => {
      for (const process of [...this.#processes.get(this.#name())!]) this.#kill(process, 2000, 12_000);
    },
    "database crashed": () => {
      const cloud = this.#cloud();
      cloud.isDown = true;
      cloud.db.rollBackAll();
      this.#later(100, 4000, () => {
        cloud.isDown = false;
      });
    },
    "database slow": () => {
      const cloud = this.#cloud();
      cloud.slowness = this.#world.scheduler.between(10, 100);
      this.#later(500, 5000, () => {
        cloud.slowness = 1;
      });
    },
    "transaction held open": () => {
      const { db } = this.#cloud();
      const xid = db.begin();
      const { system } = db;
      this.#later(200, 6000, () => {
        if (db.system === system) db.end(xid);
      });
    },
    "cache lost": () => this.#process().loseCache(),
    "clock jumped": () => {
      const process = this.#process();
      process.skew = this.#world.scheduler.between(-4500, 4500);
      this.#later(1000, 15_000, () => {
        process.skew = this.#world.scheduler.between(-300, 300);
      });
    },
    "clock wrong": () => {
      const process = this.#process();
      process.skew = this.#world.scheduler.between(-60_000, 60_000);
      this.#later(500, 6000, () => {
        process.skew = 0;
      });
    },
    "hints lost": () => {
      this.#world.hintLoss = 0.9;
      this.#later(1000, 10_000, () => {
        this.#world.hintLoss = 0.1;
      });
    },
    "feed trimmed": () => this.#cloud().db.trim(Math.floor(this.#world.scheduler.between(0, 30))),
    "database restored": () => this.#restore(),
    "namespace unknown": () => {
      const { db } = this.#cloud();
      const known = db.namespaces.get("late");
      if (known === undefined) return;
      db.namespaces.delete("late");
      this.#later(500, 8000, () => db.namespaces.set("late", known));
    },
  };

  /** Somebody makes backups, of course. */
  makeBackups(): void {
    for (const { name, db } of this.#clouds.values())
      this.#later(1000, 14_000, () => {
        this.#backups.set(name, { backup: db.backup(), since: this.#world.ledger.count });
      });
  }

  /** One fault of a random kind. */
  strike(): void {
    const kind = pick(this.#world.scheduler.random, Object.keys(this.#kinds));
    this.#world.count(kind);
    this.#world.note(`fault: ${kind}`);
    this.#kinds[kind]!();
  }

  /** Ends all harm, so that what is under way can arrive. */
  heal(): void {
    this.#network.heal();
    this.#world.hintLoss = 0;
    for (const cloud of this.#clouds.values()) {
      cloud.isDown = false;
      cloud.slowness = 1;
      cloud.db.namespaces.set("late", { epoch: 0n });
      for (const process of [...this.#processes.get(cloud.name)!]) {
        process.skew = 0;
        if (!process.isAlive) this.#replace(process);
      }
    }
  }

  /** One of them at most: what two restored clouds had only told each other is lost. */
  #restore(): void {
    const made = [...this.#backups.keys()];
    if (made.length === 0 || this.#restores++ > 0) return;
    const name = pick(this.#world.scheduler.random, made);
    const { backup, since } = this.#backups.get(name)!;
    const cloud = this.#clouds.get(name)!;
    for (const process of [...this.#processes.get(name)!]) this.#kill(process, 1000, 5000);
    cloud.restore(
      backup,
      since,
      [...this.#clouds.values()].filter((other) => other !== cloud),
    );
    cloud.db.namespaces.set("late", { epoch: 0n });
    this.#world.count("restored");
  }

  #name(): string {
    return pick(this.#world.scheduler.random, this.#world.names);
  }

  #cloud(): Cloud {
    return this.#clouds.get(this.#name())!;
  }

  #process(): Process {
    return pick(this.#world.scheduler.random, this.#processes.get(this.#name())!);
  }

  #later(from: number, to: number, undo: () => void): void {
    this.#world.scheduler.after(this.#world.scheduler.between(from, to), undo);
  }

  #cut(bothWays: boolean): void {
    const [a, b] = [this.#name(), this.#name()];
    const links = bothWays ? [`${a} ${b}`, `${b} ${a}`] : [`${a} ${b}`];
    for (const link of links) this.#network.cut.add(link);
    this.#later(1000, 10_000, () => {
      for (const link of links) this.#network.cut.delete(link);
    });
  }

  #bad(what: "loss" | "repeats" | "delays", probability: number): void {
    this.#network[what] = probability;
    this.#later(1000, 10_000, () => {
      this.#network[what] = what === "repeats" ? 0.03 : 0;
    });
  }

  #kill(process: Process, from: number, to: number): void {
    if (!process.isAlive) return;
    process.kill();
    this.#later(from, to, () => this.#replace(process));
  }

  /** Another process takes its place: it knows nothing of what the one before was about. */
  #replace(process: Process): void {
    const place = this.#processes.get(process.cloud.name)!;
    const at = place.indexOf(process);
    if (at === -1 || place[at]!.isAlive) return;
    const next = new Process(process.cloud, `${process.name}'`, this.#world);
    place[at] = next;
    next.start().catch(() => {
      // The database was down: it starts again, as its supervisor would have it.
      next.kill();
      this.#later(500, 1000, () => this.#replace(next));
    });
  }
}
