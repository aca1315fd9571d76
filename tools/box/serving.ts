import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which nobody waits any longer: a cloud whose data is kept from it says why on its own page. */
const longest = 10_000;
const interval = 100;
/** Milliseconds for one answer. */
const patience = 500;

/**
 * Waits until these services serve: the cloud of a new database does not before it was compared with the others, some
 * seconds after it listens, and "ready" must be true of all.
 */
export async function untilServing(urls: readonly string[]): Promise<void> {
  const end = performance.now() + longest;
  await Promise.all(
    urls.map(async (url) => {
      while (performance.now() < end && (await isUnavailable(url))) await sleep(interval);
    }),
  );
}

/** Only 503 says that waiting helps. */
async function isUnavailable(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ready`, { signal: AbortSignal.timeout(patience) })).status === 503;
  } catch {
    return false;
  }
}
