import { setTimeout as sleep } from "node:timers/promises";
import { describeExit, type Exit } from "./process.ts";

/** Something that runs until it ends or is stopped. */
type Runner = { exited: Promise<Exit>; stop(): Promise<void> };

/** A runner that is started again whenever it ends by itself. */
export type Kept<T extends Runner> = {
  /** The present one; while a new one is being started, the one before. */
  now(): T;
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
  const loop = watch();
  return {
    now: () => runner,
    stop: async () => {
      stopping.abort();
      await runner.stop();
      await loop;
    },
  };

  async function watch(): Promise<void> {
    let pause = SHORTEST_PAUSE_MS;
    let since = Date.now();
    while (true) {
      const how = describeExit(await runner.exited);
      if (stopping.signal.aborted) return;
      if (Date.now() - since > HEALTHY_MS) pause = SHORTEST_PAUSE_MS;
      say(`${name} ended (${how}): starting it again`);
      for (let started = false; !started; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
        if (stopping.signal.aborted) return;
        try {
          runner = await start();
          started = true;
        } catch (error) {
          say((error as Error).message);
        }
      }
      // Asked to stop while the start was under way.
      if (stopping.signal.aborted) return runner.stop();
      since = Date.now();
      say(`${name} runs again`);
    }
  }
}
