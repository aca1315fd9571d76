/** Whether a cloud can serve, as its probes tell, by Cloudflare's rules for an endpoint. Pure. */
import type { Probe } from "../../../infra/edge/steering.ts";

/** How the edge finds out; `path` and `regions` of the definition are Cloudflare's alone. Times in seconds. */
export type ProbeSettings = Omit<Probe, "path" | "regions">;

/** Why a probe failed; null when it passed. Only `timeout` is tried again at once. */
export type Fault = null | "timeout" | (string & {});

export type Health = {
  /** Only `up` gets traffic: as long as nothing is known, a cloud counts as down. */
  readonly status: "unknown" | "up" | "down";
  /** Milliseconds since 1970: when it came to this status. */
  readonly since: number;
  /** The last intervals in a row that ended alike. */
  readonly run: number;
  /** How the last interval ended; undefined before the first. */
  readonly fault: Fault | undefined;
};

export function unknownHealth(now: number): Health {
  return { status: "unknown", since: now, run: 0, fault: undefined };
}

/** The health after one more interval, which ended with `fault` at `now`. */
export function judge(health: Health, fault: Fault, now: number, settings: ProbeSettings): Health {
  const endedAlike = health.fault !== undefined && (health.fault === null) === (fault === null);
  const run = endedAlike ? health.run + 1 : 1;
  const verdict = fault === null ? "up" : "down";
  const needed = fault === null ? settings.consecutiveUp : settings.consecutiveDown;
  if (health.status === verdict || run < needed) return { ...health, run, fault };
  return { status: verdict, since: now, run, fault };
}

/**
 * Seconds that requests may go to a cloud that stopped answering without closing its port: it froze just after a good
 * probe, and the last of the failing intervals has to time out as often as it is tried.
 */
export function longestBlindness({ interval, timeout, retries, consecutiveDown }: ProbeSettings): number {
  const failing = timeout * (retries + 1);
  return interval + (consecutiveDown - 1) * Math.max(interval, failing) + failing;
}
