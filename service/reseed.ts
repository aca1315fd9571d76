import type { Config } from "./config.ts";
import { reseed } from "./store/postgres/reseed.ts";

/**
 * The role `reseed`: makes the database of an expelled cloud one that may come back. What it took from clients and no other
 * cloud confirmed is kept as conflicts; all else comes from the others when the service starts next. Resolves with a line to say.
 */
export async function runReseed(config: Config): Promise<string> {
  const kept = await reseed(config.DATABASE_URL, config.SKYKV_CLOUD);
  return `${config.SKYKV_CLOUD} may come back: start its processes. ${kept} entries that no other cloud had are kept as conflicts`;
}
