import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { BoxError } from "./error.ts";

const run = promisify(execFile);

/** The operating-system user that a process runs as. */
export type User = { uid: number; gid: number };

/**
 * Decides which user PostgreSQL runs as; undefined means the user of this process. PostgreSQL refuses root, so
 * root needs another user: the owner of the existing data, else the one asked for, else the owner of the nearest
 * folder around it that is not root's (in someone's home that is the one who can reach it), else `nobody`.
 */
export async function chooseUser(directory: string, wanted: User | undefined): Promise<User | undefined> {
  const self = process.getuid!();
  if (self !== 0) {
    if (wanted === undefined || wanted.uid === self) return undefined;
    throw new BoxError(`Only root can run PostgreSQL as user ${wanted.uid}; this is user ${self}.`);
  }
  if (wanted?.uid === 0) throw new BoxError("PostgreSQL refuses to run as root: choose another user than 0.");
  const data = join(directory, "data");
  const owner = await ownerOf(data);
  if (owner?.uid === 0) {
    throw new BoxError(`${data} belongs to root, and PostgreSQL refuses root. Give it to another user (chown -R).`);
  }
  if (owner !== undefined && wanted !== undefined && owner.uid !== wanted.uid) {
    throw new BoxError(
      `${data} belongs to user ${owner.uid}, so PostgreSQL cannot run as user ${wanted.uid}. ` +
        `Run it as ${owner.uid}, or change the owner (chown -R).`,
    );
  }
  if (owner !== undefined || wanted !== undefined) return owner ?? wanted;
  for (const folder of [directory, ...parentsOf(directory)]) {
    const keeper = await ownerOf(folder);
    if (keeper !== undefined && keeper.uid !== 0) return keeper;
  }
  return nobody();
}

/** Makes sure that a user can pass all folders above `path` and has access of the kind that `test` names. */
export async function assertReachable(path: string, test: "-x" | "-w", user: User | undefined): Promise<void> {
  const reached = await run("/bin/sh", ["-c", `test ${test} "$1"`, "sh", path], { ...user, cwd: "/" }).then(
    () => true,
    () => false,
  );
  if (reached) return;
  const uid = user?.uid ?? process.getuid!();
  const gid = user?.gid ?? process.getgid!();
  const wall = await firstClosed(path, { uid, gid });
  if (wall === undefined) {
    const verb = test === "-x" ? "run" : "write to";
    throw new BoxError(`User ${uid} cannot ${verb} ${path}. Change its owner or mode, or use another folder.`);
  }
  throw new BoxError(
    `PostgreSQL runs as user ${uid}, who cannot pass the folder ${wall} on the way to ${path}. ` +
      `Open it (chmod o+x ${wall}), or use a folder elsewhere.`,
  );
}

/** The user with this uid, with its own group if the system knows it. */
export async function userOf(uid: number): Promise<User> {
  const { stdout } = await run("id", ["-g", String(uid)]).catch(() => ({ stdout: String(uid) }));
  return { uid, gid: Number(stdout) };
}

async function nobody(): Promise<User> {
  const ids = await Promise.all(["-u", "-g"].map((what) => run("id", [what, "nobody"]))).catch(() => []);
  const [uid, gid] = ids.map(({ stdout }) => Number(stdout));
  // macOS gives nobody the uid -2, which spawn does not take.
  if (uid === undefined || gid === undefined || uid > 0x7fffffff) {
    throw new BoxError(
      "PostgreSQL refuses root, and there is no usable user nobody: choose one (--postgres-user UID).",
    );
  }
  return { uid, gid };
}

async function ownerOf(path: string): Promise<User | undefined> {
  return stat(path).then(
    ({ uid, gid }) => ({ uid, gid }),
    () => undefined,
  );
}

async function firstClosed(path: string, user: User): Promise<string | undefined> {
  for (const folder of parentsOf(path).reverse()) {
    const { mode, uid, gid } = await stat(folder);
    const pass = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & pass) === 0) return folder;
  }
  return undefined;
}

/** The folders around a path, the nearest first, without the root of the file system. */
function parentsOf(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) folders.push(folder);
  return folders;
}
