import { setTimeout as sleep } from "node:timers/promises";
import { describeExit, type Exit } from "./process.ts";

/** Something that runs until it ends or is stopped. */
type Runner = { exited: Promise<Exit>; stop(): Promise<void> };

/** A runner that is started again whenever it ends by itself. */
export type Kept<T extends Runner> = {
  /** The present one; while a new one is being started, the one before. */
  now(): T;
  isRunning(): boolean;
  /** Once it has ended, it is not started again before `resume`. */
  hold(): void;
  /** Resolves when it runs. */
  resume(): Promise<void>;
  stop(): Promise<void>;
};

const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Who ran for so long is in good health: the next pause is short again. */
const HEALTHY_MS = 60_000;

/**
 * Starts something and keeps it running, with growing pauses when it ends again and again. A first start that fails
 * is the caller's to handle; later failures are told and tried again.
 */
export async function keepRunning<T extends Runner>(options: {
  name: string;
  start: () => Promise<T>;
  say: (line: string) => void;
}): Promise<Kept<T>> {
  const { name, start, say } = options;
  const stopping = new AbortController();
  let runner = await start();
  let isRunning = true;
  /** Resolved while it runs. */
  let up = resolved();
  let held: PromiseWithResolvers<void> | undefined;
  const letGo = () => {
    held?.resolve();
    held = undefined;
  };
  const loop = watch();
  return {
    now: () => runner,
    isRunning: () => isRunning,
    hold: () => {
      held ??= Promise.withResolvers();
    },
    resume: () => {
      letGo();
      return up.promise;
    },
    stop: async () => {
      stopping.abort();
      letGo();
      await runner.stop();
      await loop;
    },
  };

  async function watch(): Promise<void> {
    let pause = SHORTEST_PAUSE_MS;
    let since = Date.now();
    while (true) {
      const how = describeExit(await runner.exited);
      isRunning = false;
      up = Promise.withResolvers();
      if (stopping.signal.aborted) return;
      if (Date.now() - since > HEALTHY_MS) pause = SHORTEST_PAUSE_MS;
      say(`${name} ended (${how})${held ? "" : ": starting it again"}`);
      for (let started = false; !started; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        if (!held) await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
        await held?.promise;
        if (stopping.signal.aborted) return;
        try {
          runner = await start();
          started = true;
        } catch (error) {
          say((error as Error).message);
        }
      }
      // Asked to stop, or to stay down, while the start was under way.
      if (stopping.signal.aborted) return runner.stop();
      since = Date.now();
      if (held) {
        await runner.stop();
        continue;
      }
      isRunning = true;
      up.resolve();
      say(`${name} runs again`);
    }
  }
}

function resolved(): PromiseWithResolvers<void> {
  const settled = Promise.withResolvers<void>();
  settled.resolve();
  return settled;
}
