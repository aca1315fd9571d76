import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds. */
export type Quantiles = { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/**
 * Does something so many times a second until `signal`, however long each takes, and returns how long each took from the
 * moment it was due: what waits behind a slow one counts as slow too. Rejects with the first that fails.
 */
export async function atPace(
  perSecond: number,
  signal: AbortSignal,
  act: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const took: number[] = [];
  let underWay = 0;
  let end = () => {};
  let failure: { readonly error: unknown } | null = null;
  const start = performance.now();
  for (let i = 0; !signal.aborted && failure === null; i++) {
    const due = start + (i * 1000) / perSecond;
    // A timer takes a millisecond at least: those that are late already would be so for longer.
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    underWay++;
    const one = act(i).then(
      () => void took.push(performance.now() - due),
      (error) => {
        failure ??= { error };
      },
    );
    void one.finally(() => {
      if (--underWay === 0) end();
    });
  }
  if (underWay > 0) await new Promise<void>((resolve) => (end = resolve));
  if (failure !== null) throw (failure as { error: unknown }).error;
  return took;
}

export function forSeconds(seconds: number): AbortSignal {
  return AbortSignal.timeout(Math.round(seconds * 1000));
}
