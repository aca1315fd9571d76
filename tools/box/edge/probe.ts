import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { noConnection } from "./cut.ts";
import type { Fault, ProbeSettings } from "./health.ts";

export type Prober = {
  readonly settings: ProbeSettings;
  /** Probes once. */
  readonly ask: () => Promise<Fault>;
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
  /** Resolves after milliseconds, or when `stopped` is aborted. */
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Hears how each interval ended. */
  readonly onInterval: (fault: Fault) => void;
  readonly stopped: AbortSignal;
};

/** Probes a cloud once each interval. What times out is tried again at once, as often as the settings say. */
export async function probeUntilStopped(prober: Prober): Promise<void> {
  const { settings, ask, monotonic, sleep, onInterval, stopped } = prober;
  while (!stopped.aborted) {
    const next = monotonic() + settings.interval * 1000;
    let fault = await ask();
    for (let retries = 0; fault === "timeout" && retries < settings.retries; retries++) fault = await ask();
    if (stopped.aborted) return;
    onInterval(fault);
    await sleep(Math.max(0, next - monotonic()));
  }
}

/**
 * One probe: status 200 within `timeout` seconds passes. On a connection of its own, as a cloud that has closed its port
 * may still serve connections that it has.
 */
export function askOverHttp(
  url: string,
  { timeout, stopped, isCutOff }: { timeout: number; stopped: AbortSignal; isCutOff: boolean },
): Promise<Fault> {
  return new Promise((settle) => {
    const get = url.startsWith("https:") ? httpsGet : httpGet;
    const over = AbortSignal.timeout(timeout * 1000);
    const signal = AbortSignal.any([over, stopped]);
    const headers = { "User-Agent": "SkyKV-Edge" };
    const way = isCutOff ? noConnection : { agent: false as const };
    const out = get(url, { ...way, headers, signal }, ({ statusCode }) => {
      settle(statusCode === 200 ? null : `status ${statusCode}`);
      out.destroy();
    });
    out.on("error", (error: NodeJS.ErrnoException) => settle(over.aborted ? "timeout" : (error.code ?? error.message)));
  });
}
