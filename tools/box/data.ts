import { randomInt } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BoxError } from "./error.ts";
import { takeOver } from "./takeover.ts";

/** Where the box serves, for the command line; by it a folder is known to be a box's, so that `--fresh` may empty it. */
const MARK = "box.json";
const KEY = /^skykv_[A-Za-z0-9-]{12}_[A-Za-z0-9-]{43}$/;
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** What the mark says. */
type Mark = { clouds: readonly string[]; url?: string };

/** Makes the folder of a box with these clouds, or takes up one that such a box made; emptied first when `fresh`. */
export async function openData(data: string, clouds: readonly string[], fresh: boolean): Promise<{ keyFile: string }> {
  try {
    await mkdir(data, { recursive: true });
    const names = await readdir(data);
    if (names.length > 0 && !names.includes(MARK)) {
      throw new BoxError(`${data} holds files that are not a box's (${names[0]} …). Use an empty or a new folder.`);
    }
    if (names.length === 0) await writeMark(data, { clouds });
    await makeFolder(data);
    if (fresh) {
      await empty(data, names);
      await writeMark(data, { clouds });
    } else {
      await assertSameClouds(data, clouds);
    }
    return { keyFile: await openKey(join(data, "admin.key")) };
  } catch (error) {
    if (error instanceof BoxError) throw error;
    throw new BoxError(`Cannot use ${data} for data: ${(error as Error).message}. Use a folder that you may write to.`);
  }
}

/** Leaves word of where the box serves. */
export async function publishUrl(data: string, clouds: readonly string[], url: string): Promise<void> {
  await writeMark(data, { clouds, url });
}

async function writeMark(data: string, mark: Mark): Promise<void> {
  const path = join(data, MARK);
  await writeFile(`${path}.new`, `${JSON.stringify(mark)}\n`);
  await rename(`${path}.new`, path);
}

/** A cloud that is left out would be forgotten by its peers, and bring deleted entries back when it is there again. */
async function assertSameClouds(data: string, clouds: readonly string[]): Promise<void> {
  const mark = JSON.parse(await readFile(join(data, MARK), "utf8")) as Partial<Mark>;
  // Boxes had one cloud once, and did not say so.
  const found = mark.clouds ?? ["local"];
  if (found.toSorted().join() === clouds.toSorted().join()) return;
  throw new BoxError(
    `${data} holds the data of ${found.join(", ")}, not of ${clouds.join(", ")}. ` +
      `Go on with --clouds ${found.join(",")}, take another folder (--data DIR), or lose that data (--fresh).`,
  );
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
