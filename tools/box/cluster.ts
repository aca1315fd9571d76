import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Binaries, ENVIRONMENT, firstLine, MAJOR_VERSION } from "./binaries.ts";
import { BoxError } from "./error.ts";
import { assertReachable, type User } from "./user.ts";

const run = promisify(execFile);
const LEAST_FREE_BYTES = 512 * 2 ** 20;
/** All that is ever in the folder: the cluster, unfinished ones, the log and the socket. */
const OURS = /^(data(\.new-\w+)?|postgres\.log(\.old)?|\.s\.PGSQL\.5432(\.lock)?)$/;

/**
 * How a thousand files are made durable after an initialisation or a crash: all at once where the kernel can, else
 * one by one. On a busy machine that is the difference between 0.2 and 2 s.
 */
export const SYNC_METHOD = process.platform === "linux" ? "syncfs" : "fsync";

/** Makes the folder ready for `user` and returns its path, free of symbolic links. */
export async function prepareFolder(path: string, user: User | undefined): Promise<string> {
  let directory = resolve(path);
  try {
    await mkdir(directory, { recursive: true });
    directory = await realpath(directory);
    const other = (await readdir(directory)).find((name) => !OURS.test(name));
    if (other !== undefined) {
      throw new BoxError(`${directory} holds other files (${other} …). PostgreSQL wants a folder of its own.`);
    }
    if (user !== undefined) await chown(directory, user.uid, user.gid);
    await chmod(directory, 0o700);
  } catch (error) {
    if (error instanceof BoxError) throw error;
    const { message } = error as Error;
    throw new BoxError(`Cannot use ${directory} for PostgreSQL: ${message}. Use a folder that you may write to.`);
  }
  await assertReachable(directory, "-w", user);
  return directory;
}

/** Refuses data that this PostgreSQL cannot read. */
export async function assertVersion(data: string): Promise<void> {
  if (!(await exists(data))) return;
  const found = await readFile(join(data, "PG_VERSION"), "utf8").catch(() => "no version");
  if (found.trim() === MAJOR_VERSION) return;
  throw new BoxError(
    `${data} was written by PostgreSQL ${found.trim()}; this is PostgreSQL ${MAJOR_VERSION}. ` +
      "Use another folder, or start afresh (--fresh).",
  );
}

/** Refuses a disk that is almost full for so many servers: PostgreSQL ends in the middle of work when it fills up. */
export async function assertSpace(directory: string, servers = 1): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const needed = servers * LEAST_FREE_BYTES;
  if (bavail * bsize >= needed) return;
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  throw new BoxError(
    `PostgreSQL needs ${mebibytes(needed)} of free disk; ${directory} has ${mebibytes(bavail * bsize)}. ` +
      "Free some space, or use a folder on another disk.",
  );
}

/**
 * Makes the cluster, unless it is there: beside its place, then renamed, so that a kill in between leaves nothing
 * that looks ready.
 */
export async function initialise(place: {
  binaries: Binaries;
  directory: string;
  data: string;
  user: User | undefined;
}): Promise<void> {
  const { binaries, directory, data, user } = place;
  if (await exists(data)) return;
  const unfinished = await mkdtemp(join(directory, "data.new-"));
  if (user !== undefined) await chown(unfinished, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: ENVIRONMENT };
  try {
    await run(
      binaries.initdb,
      [
        ...["--pgdata", unfinished, "--username", "postgres", "--locale=C", "--encoding=UTF8"],
        ...["--auth-local=trust", "--auth-host=reject", "--no-instructions", `--sync-method=${SYNC_METHOD}`],
      ],
      options,
    );
    const single = run(binaries.postgres, ["--single", "-D", unfinished, "postgres"], options);
    single.child.stdin!.end("CREATE ROLE skykv LOGIN\nCREATE DATABASE skykv OWNER skykv\n");
    await single;
    await rename(unfinished, data);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stderr, message } = error as Error & { stderr?: string };
    throw new BoxError(`PostgreSQL could not initialise ${directory}: ${firstLine(stderr || message)}`);
  }
  await syncFolder(directory);
}

/** Removes what broken-off initialisations have left. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith("data.new-")) continue;
    // An orphaned initdb may still write there: then the next start removes it.
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync();
  await folder.close();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
