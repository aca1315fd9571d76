import type { Config } from "./config.ts";
import { reseed } from "./store/postgres/reseed.ts";

/**
 * The role `reseed`: makes the database of an expelled cloud one that may come back. What it took from clients and no other
 * cloud confirmed is kept as conflicts, written again or dropped (`RESEED_UNSENT`); all else comes from the others when the
 * service starts next. Resolves with a line to say.
 */
export async function runReseed(config: Config): Promise<string> {
  const { kept, rewritten, dropped } = await reseed(config.DATABASE_URL, config.SKYKV_CLOUD, config.RESEED_UNSENT);
  return `${config.SKYKV_CLOUD} may come back: start its processes. Of the entries that no other cloud had, ${kept} are kept as conflicts, ${rewritten} are written again and ${dropped} are dropped`;
}
