import { randomInt } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BoxError } from "./error.ts";
import { takeOver } from "./takeover.ts";

/** Where the box serves, for the command line; by it a folder is known to be a box's, so that `--fresh` may empty it. */
const MARK = "box.json";
const KEY = /^skykv_[A-Za-z0-9-]{12}_[A-Za-z0-9-]{43}$/;
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Makes the box's data folder, or takes up one that a box made; emptied first when `fresh`. */
export async function openData(data: string, fresh: boolean): Promise<{ keyFile: string }> {
  try {
    await mkdir(data, { recursive: true });
    const names = await readdir(data);
    if (names.length > 0 && !names.includes(MARK)) {
      throw new BoxError(`${data} holds files that are not a box's (${names[0]} …). Use an empty or a new folder.`);
    }
    if (names.length === 0) await writeFile(join(data, MARK), "{}\n");
    await makeFolder(data);
    if (fresh) await empty(data, names);
    return { keyFile: await openKey(join(data, "admin.key")) };
  } catch (error) {
    if (error instanceof BoxError) throw error;
    throw new BoxError(`Cannot use ${data} for data: ${(error as Error).message}. Use a folder that you may write to.`);
  }
}

/** Leaves word of where the box serves. */
export async function publishUrl(data: string, url: string): Promise<void> {
  const path = join(data, MARK);
  await writeFile(`${path}.new`, `${JSON.stringify({ url })}\n`);
  await rename(`${path}.new`, path);
}

/** A folder that others may pass, but not list: as root, PostgreSQL runs as another user and must reach its own. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o711);
}

async function empty(data: string, names: string[]): Promise<void> {
  // All are free before any goes: another box may be at work here.
  for (const name of names) await takeOver(join(data, name, "postgres"));
  for (const name of names) {
    // The mark stays, so that a broken-off attempt can be repeated.
    if (name !== MARK) await rm(join(data, name), { recursive: true, force: true });
  }
}

/** Makes the admin key at the first start. */
async function openKey(path: string): Promise<string> {
  const found = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) {
    // Written beside and renamed: a kill in between leaves no half key.
    await writeFile(`${path}.new`, `${newKey()}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  } else if (!KEY.test(found.trim())) {
    throw new BoxError(`${path} holds no admin key (skykv_<id>_<secret>). Restore it, or delete it to get a new one.`);
  }
  await chmod(path, 0o600);
  return path;
}

/** A new API key; its secret has 43 of 62 characters, which is 256 bits. */
function newKey(): string {
  const letters = (count: number) => Array.from({ length: count }, () => ALPHANUMERIC[randomInt(62)]).join("");
  return `skykv_${letters(12)}_${letters(43)}`;
}
