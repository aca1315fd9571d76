import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Postgres, startPostgres } from "../../tools/box/postgres.ts";

/** A folder that is removed by whoever asked for it. Run by root, PostgreSQL has another user, who must pass. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skykv-test-"));
  await chmod(folder, 0o711);
  return folder;
}

/** A PostgreSQL for the tests of one `describe`: starts before them and leaves nothing behind. */
export function startScratchPostgres(): { readonly url: () => string; readonly postgres: () => Postgres } {
  let folder: string;
  let postgres: Postgres;
  before(async () => {
    folder = await scratchFolder();
    postgres = await startPostgres({ directory: join(folder, "postgres") });
  });
  after(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { url: () => postgres.url, postgres: () => postgres };
}
