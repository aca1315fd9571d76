import type { Cloud } from "./cloud.ts";
import { Process } from "./process.ts";
import type { World } from "./world.ts";

/** Keeps the processes of all clouds running: another one takes the place of each that dies. */
export class Supervisor {
  readonly #world: World;
  readonly #processes: Map<string, Process[]>;

  constructor(world: World, processes: Map<string, Process[]>) {
    this.#world = world;
    this.#processes = processes;
  }

  of(cloud: string): readonly Process[] {
    return this.#processes.get(cloud)!;
  }

  /** False: it was dead already. */
  kill(process: Process, from: number, to: number): boolean {
    if (!process.isAlive) return false;
    process.kill();
    this.#later(from, to, () => this.replace(process));
    return true;
  }

  /** For good, or until they are replaced. */
  killAll(cloud: string): void {
    for (const process of this.of(cloud)) if (process.isAlive) process.kill();
  }

  /** Another process takes the place of a dead one: it knows nothing of what that was about. None does in a cloud that is gone. */
  replace(process: Process): void {
    const place = this.#processes.get(process.cloud.name)!;
    const at = place.indexOf(process);
    if (at === -1 || process.isAlive || process.cloud.isGone) return;
    const next = new Process(process.cloud, `${process.name}'`, this.#world);
    place[at] = next;
    next.start().catch(() => {
      // The database was down: it starts again, as its supervisor would have it.
      next.kill();
      this.#later(500, 1000, () => this.replace(next));
    });
  }

  replaceAll(cloud: Cloud): void {
    for (const process of [...this.of(cloud.name)]) this.replace(process);
  }

  #later(from: number, to: number, work: () => void): void {
    this.#world.scheduler.after(this.#world.scheduler.between(from, to), work);
  }
}
