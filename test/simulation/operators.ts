import { isExpelled } from "../../service/store/member.ts";
import { namespaceIn } from "../support/memory/catalog.ts";
import { pick } from "../support/random.ts";
import type { Cloud } from "./cloud.ts";
import { homed } from "./homed.ts";
import type { Process } from "./process.ts";
import type { Supervisor } from "./supervisor.ts";
import type { World } from "./world.ts";

/** What people do by commands, which they repeat until they are through. */
export class Operators {
  readonly #world: World;
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #supervisor: Supervisor;
  /** Commands that are not through yet. */
  underWay = 0;

  constructor(world: World, clouds: ReadonlyMap<string, Cloud>, supervisor: Supervisor) {
    this.#world = world;
    this.#clouds = clouds;
    this.#supervisor = supervisor;
  }

  /** Makes a cloud the home, by force where one that would have to take part is lost. */
  async moveHome(to: Cloud): Promise<void> {
    let isForced = false;
    const isThrough = await this.#repeat([to.name], `home to ${to.name}`, (process) => {
      const { home, movingTo } = namespaceIn(to.db, homed)!;
      isForced = [home, movingTo].some((name) => name !== null && name !== to.name && this.#clouds.get(name)!.isOut);
      return process.moveHome(isForced);
    });
    if (isThrough) this.#world.count(`home moved ${isForced ? "by force" : "by agreement"}`);
  }

  /**
   * A cloud is gone with its data, as far as the others know, and they go on without it. One that `comesBack` was only
   * away: it hears of its expulsion, is seeded anew and becomes a member again.
   */
  async expel(cloud: Cloud, comesBack: boolean): Promise<void> {
    const { ledger, names, scheduler } = this.#world;
    const survivors = [...this.#clouds.values()].filter((other) => other !== cloud);
    this.#world.losses++;
    cloud.isOut = true;
    cloud.outSince = ledger.count;
    cloud.isGone = true;
    this.#supervisor.killAll(cloud.name);
    cloud.db.rollBackAll();
    ledger.discard(cloud.name, 0, (path, write) => !survivors.some((other) => other.holds(path, write)));
    const others = survivors.map(({ name }) => name);
    this.underWay++;
    await scheduler.sleep(scheduler.between(0, 3000));
    await this.#repeat(others, `expel ${cloud.name}`, (process) => process.expel(cloud.name));
    const { home, movingTo } = namespaceIn(survivors[0]!.db, homed)!;
    if ([home, movingTo].includes(cloud.name)) void this.moveHome(pick(scheduler.random, survivors));
    if (comesBack) await this.#bringBack(cloud, survivors);
    else {
      names.splice(names.indexOf(cloud.name), 1);
      // Nobody names it any more, once the processes have been started anew.
      for (const process of others.flatMap((other) => this.#supervisor.of(other)))
        scheduler.after(scheduler.between(500, 6000), () => this.#supervisor.kill(process, 100, 1000));
    }
    this.underWay--;
  }

  async #bringBack(cloud: Cloud, survivors: readonly Cloud[]): Promise<void> {
    const { scheduler, count } = this.#world;
    // Time enough for the others to forget deletions that it has not heard of.
    await scheduler.sleep(scheduler.between(1000, 9000));
    cloud.isGone = false;
    this.#supervisor.replaceAll(cloud);
    while (!isExpelled(cloud.db.cluster)) await scheduler.sleep(500);
    await scheduler.sleep(scheduler.between(0, 2000));
    cloud.isGone = true;
    this.#supervisor.killAll(cloud.name);
    // What it took from clients before it heard is lost as well.
    this.#world.losses++;
    cloud.reseed(survivors);
    cloud.isGone = false;
    this.#supervisor.replaceAll(cloud);
    while (!this.#supervisor.of(cloud.name).some(({ isServing }) => isServing)) await scheduler.sleep(500);
    // The others look every two seconds who is a member.
    await scheduler.sleep(4000);
    cloud.isOut = false;
    count("expelled cloud seeded anew");
  }

  /** Does something by a process of one of these clouds until it succeeds. False: they are all lost. */
  async #repeat(clouds: readonly string[], what: string, work: (process: Process) => Promise<void>): Promise<boolean> {
    const { scheduler, note, fail } = this.#world;
    this.underWay++;
    try {
      for (;;) {
        await scheduler.sleep(scheduler.between(0, 1000));
        const running = clouds.filter((name) => !this.#clouds.get(name)!.isOut);
        if (running.length === 0) return false;
        const process = pick(scheduler.random, this.#supervisor.of(pick(scheduler.random, running)));
        try {
          await Promise.race([work(process), process.death]);
          note(`${what}: done`);
          return true;
        } catch (error) {
          fail(error);
          note(`${what}: ${(error as Error).message}`);
        }
      }
    } finally {
      this.underWay--;
    }
  }
}
