import type { Cancel, Scheduler } from "./scheduler.ts";

/** What {@link simulateTimers} puts in the place of Node's own. */
const names = ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "setImmediate"] as const;

class Timer {
  isOver = false;
  cancel: Cancel;
  constructor(cancel: Cancel) {
    this.cancel = cancel;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/**
 * Makes all timers of this thread those of the simulation, so that the program needs none as an argument. Returns what
 * undoes it. Nothing real may be waited for meanwhile.
 */
export function simulateTimers(scheduler: Scheduler): () => void {
  const real = names.map((name) => globalThis[name]);
  const end = (timer?: Timer) => {
    if (timer === undefined) return;
    timer.isOver = true;
    timer.cancel();
  };
  const simulated = {
    setTimeout: (run: () => void, milliseconds: number) => new Timer(scheduler.after(milliseconds, run)),
    setInterval: (run: () => void, milliseconds: number) => {
      const tick = () => {
        run();
        if (!timer.isOver) timer.cancel = scheduler.after(milliseconds, tick);
      };
      const timer = new Timer(scheduler.after(milliseconds, tick));
      return timer;
    },
    clearTimeout: end,
    clearInterval: end,
    setImmediate: (run: () => void) => scheduler.immediately(run),
  };
  Object.assign(globalThis, simulated);
  return () => {
    for (const [i, name] of names.entries()) Object.assign(globalThis, { [name]: real[i] });
  };
}
