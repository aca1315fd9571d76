import type { Region, Steering } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";

/**
 * The clouds that a request may be sent to, in order: the second is asked when no connection to the first comes about.
 * There is no third, because Cloudflare retries once. The fallback comes after all that are up, and its own health does
 * not matter: when every probe fails, a false alarm is likelier than the loss of all clouds.
 */
export function route(steering: Steering, region: Region, isUp: (cloud: Cloud) => boolean): readonly Cloud[] {
  const up = steering.regions[region].filter(isUp);
  return [...new Set([...up, steering.fallback])].slice(0, 2);
}
