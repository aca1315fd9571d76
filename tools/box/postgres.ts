import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  chown,
  lstat,
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
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Binaries, findBinaries } from "./binaries.ts";
import { BoxError } from "./error.ts";
import { openLog } from "./log.ts";
import {
  describeExit,
  type Exit,
  endGently,
  endWithUs,
  exitOf,
  inspectProcess,
  isGone,
  signalProcess,
  untilReady,
} from "./process.ts";
import { assertReachable, chooseUser, type User } from "./user.ts";

const run = promisify(execFile);

/** A running PostgreSQL server of our own. */
export type Postgres = {
  /** DATABASE_URL of the database "skykv", by unix socket, as its owner (not a superuser). */
  url: string;
  /** The postmaster. */
  pid: number;
  directory: string;
  /** Resolves when the postmaster has ended, for whatever reason. */
  exited: Promise<Exit>;
  /** Fast shutdown: open transactions are rolled back, all that was committed is on disk. */
  stop(): Promise<void>;
  /** Sends a signal to the postmaster; nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void;
};

export type PostgresOptions = {
  /** Holds the cluster (`data/`), the log and the socket; made when missing, mode 0700. */
  directory: string;
  /** Server settings on top of ours. */
  settings?: Record<string, string>;
  /** Whom to run as, where we are root. */
  user?: User | undefined;
};

const MAJOR_VERSION = "18";
const LEAST_FREE_BYTES = 512 * 2 ** 20;
/** All that is ever in the folder: the cluster, unfinished ones, the log and the socket. */
const OURS = /^(data(\.new-\w+)?|postgres\.log(\.old)?|\.s\.PGSQL\.5432(\.lock)?)$/;
const SOCKET_NAME = ".s.PGSQL.5432";
/** sun_path has 104 bytes on macOS and 108 on Linux, a closing zero included. */
const LONGEST_SOCKET_PATH = 103;
/** How long a postmaster may take to end, and what is left of a killed one to let go of the data. */
const ENDING_MS = 15_000;
/** Crash recovery replays at most max_wal_size; slow disks take their time. */
const STARTUP_MS = 300_000;

const SYNC_METHOD = process.platform === "linux" ? "syncfs" : "fsync";

/** What differs from PostgreSQL's defaults; all that makes commits durable stays at its default, on. */
const SETTINGS = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
  // Bounds disk use and crash recovery (a second or two of replay) on a small machine, still minutes between checkpoints.
  max_wal_size: "512MB",
  checkpoint_timeout: "10min",
  // One server, no standby: nothing reads more from the log than recovery does.
  wal_level: "minimal",
  max_wal_senders: "0",
  // Queries here are short; compiling them costs more than it gains.
  jit: "off",
  // After a crash and an initialisation all files are made durable: at once, where the kernel can, or a thousand
  // one by one (on a busy machine the difference between 0.2 and 2 s).
  recovery_init_sync_method: SYNC_METHOD,
};

/**
 * Starts PostgreSQL on a folder, initialising it at first. Safe to call after any crash: what a killed
 * predecessor left (lock, socket, half an initialisation, a running server) is cleaned up; a folder that a living
 * process uses is refused.
 *
 * Whoever can open the socket is trusted. The socket's folder has mode 0700, so that is the user who owns the data
 * files, and root; neither gains anything. Peer authentication would ask for names of users, which containers often lack.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const binaries = await findBinaries();
  const user = await chooseUser(resolve(options.directory), options.user);
  const directory = await prepareFolder(options.directory, user);
  const data = join(directory, "data");
  await assertReachable(binaries.postgres, "-x", user);
  await assertRuns(binaries, user);
  await assertVersion(data);
  await assertSpace(directory);
  await takeOver(directory);
  if (!(await exists(data))) await initialise({ binaries, directory, data, user });

  const socketFolder = await makeSocketFolder(directory, user);
  const settings = {
    ...SETTINGS,
    ...options.settings,
    unix_socket_directories: socketFolder,
    [OWNER_SETTING]: String(process.pid),
  };
  const child = await launch({ binaries, directory, data, user, settings });
  await removeUnfinished(directory);
  const exited = exitOf(child);
  return {
    url: `postgres://skykv@${encodeURIComponent(socketFolder)}/skykv`,
    pid: child.pid!,
    directory,
    exited,
    stop: async () => {
      await endGently(child, exited, ENDING_MS, "SIGINT", "SIGQUIT");
      if (socketFolder !== directory) await rm(socketFolder, { recursive: true, force: true });
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** A setting of our own, so that the arguments of a running postmaster tell which process started it. */
const OWNER_SETTING = "skykv.owner";

/** Makes the folder ready for `user` and returns its path, free of symbolic links. */
async function prepareFolder(path: string, user: User | undefined): Promise<string> {
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

async function assertRuns({ postgres }: Binaries, user: User | undefined): Promise<void> {
  const { stdout } = await run(postgres, ["--version"], { ...user, cwd: "/", env: ENVIRONMENT }).catch((error) => {
    // The file is there, so what is missing is its loader: musl instead of glibc.
    const why = error.code === "ENOENT" ? "it needs glibc (Alpine has none)" : firstLine(error.stderr || error.message);
    throw new BoxError(`PostgreSQL does not run here: ${why}. (${postgres})`);
  });
  if (!stdout.includes(` ${MAJOR_VERSION}.`)) {
    throw new BoxError(`Expected PostgreSQL ${MAJOR_VERSION}, found ${stdout.trim()}. Run npm ci.`);
  }
}

async function assertVersion(data: string): Promise<void> {
  if (!(await exists(data))) return;
  const found = await readFile(join(data, "PG_VERSION"), "utf8").catch(() => "no version");
  if (found.trim() === MAJOR_VERSION) return;
  throw new BoxError(
    `${data} was written by PostgreSQL ${found.trim()}; this is PostgreSQL ${MAJOR_VERSION}. ` +
      "Use another folder, or start afresh (--fresh).",
  );
}

async function assertSpace(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= LEAST_FREE_BYTES) return;
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  throw new BoxError(
    `PostgreSQL needs ${mebibytes(LEAST_FREE_BYTES)} of free disk; ${directory} has ${mebibytes(bavail * bsize)}. ` +
      "Free some space, or use a folder on another disk.",
  );
}

/**
 * Clears the way when an earlier postmaster left its lock, and stops it when it still runs and its starter is gone.
 * Refuses a folder that a living process uses.
 */
export async function takeOver(directory: string): Promise<void> {
  const lock = join(directory, "data", "postmaster.pid");
  // Lines: pid, data folder, start time, port, socket folder, …
  const [pid, data, , , socketFolder] = (await readFile(lock, "utf8").catch(() => "")).split("\n");
  if (!pid || !data || !socketFolder) return;
  const found = await inspectProcess(Number(pid));
  if (found?.args.includes(` -D ${data} `)) {
    const starter = new RegExp(`${OWNER_SETTING}=(\\d+)`).exec(found.args)?.[1];
    if (found.parent === Number(starter)) {
      throw new BoxError(`${directory} is in use by process ${starter}. Stop that first, or use another folder.`);
    }
    await stopOrphan(Number(pid));
  } else if (await answers(join(socketFolder, SOCKET_NAME))) {
    throw new BoxError(`${directory} is in use by a PostgreSQL in another container. Stop that first.`);
  } else if (found !== undefined) {
    // The number now belongs to another program: PostgreSQL would take that for a living postmaster.
    await rm(lock, { force: true });
    await rm(join(socketFolder, `${SOCKET_NAME}.lock`), { force: true });
  }
}

/** Does a process listen on this unix socket? */
function answers(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(path);
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function stopOrphan(pid: number): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    signalProcess(pid, signal);
    if (await isGone(pid, ENDING_MS)) return;
  }
  throw new BoxError(`An earlier PostgreSQL (process ${pid}) does not stop. End it (kill -9 ${pid}) and start again.`);
}

/** Makes the cluster beside its place and renames it, so that a kill in between leaves nothing that looks ready. */
async function initialise(place: {
  binaries: Binaries;
  directory: string;
  data: string;
  user: User | undefined;
}): Promise<void> {
  const { binaries, directory, data, user } = place;
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
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stderr, message } = error as Error & { stderr?: string };
    throw new BoxError(`PostgreSQL could not be initialised in ${directory}: ${firstLine(stderr || message)}`);
  }
  await rename(unfinished, data);
  await syncFolder(directory);
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith("data.new-")) continue;
    // An orphaned initdb may still write there: then the next start removes it.
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * The data's own folder holds the socket; where that path is too long for a socket, a private folder below the
 * system's temporary one, the same at each start, so that a restart does not change the URL.
 */
async function makeSocketFolder(directory: string, user: User | undefined): Promise<string> {
  if (Buffer.byteLength(join(directory, SOCKET_NAME)) <= LONGEST_SOCKET_PATH) return directory;
  const folder = join(tmpdir(), `skykv-${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`);
  const made = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    () => false,
  );
  if (made && user !== undefined) await chown(folder, user.uid, user.gid);
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== (user?.uid ?? process.getuid!())) {
    throw new BoxError(`${folder}, for PostgreSQL's socket, belongs to another user. Remove it, or set TMPDIR.`);
  }
  await chmod(folder, 0o700);
  return folder;
}

/** Runs the postmaster until it takes connections. */
async function launch(place: {
  binaries: Binaries;
  directory: string;
  data: string;
  user: User | undefined;
  settings: Record<string, string>;
}): Promise<ChildProcess> {
  const { binaries, directory, data, user, settings } = place;
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const until = Date.now() + ENDING_MS;
  while (true) {
    const log = await openLog(join(directory, "postgres.log"));
    try {
      const child = spawn(binaries.postgres, ["-D", data, ...args], {
        ...user,
        cwd: directory,
        env: ENVIRONMENT,
        stdio: ["ignore", log.fd, log.fd],
        // In a session of its own: Ctrl-C in the terminal reaches the box alone, which stops PostgreSQL last.
        detached: true,
      });
      const exited = exitOf(child);
      endWithUs(child, "INT", user);
      if (await untilReady(child, "PostgreSQL", STARTUP_MS, () => isReady(data, child))) return child;
      const exit = await exited;
      const said = await log.text();
      // The last processes of a killed predecessor end by themselves, but not at once.
      const held = /pre-existing shared memory block|lock file .* already exists/.test(said);
      if (!held || Date.now() > until) {
        const why = /(?:FATAL|PANIC): {2}(.*)/.exec(said)?.[1] ?? describeExit(exit);
        throw new BoxError(`PostgreSQL did not start: ${why}. Its log is ${log.path}.`);
      }
    } finally {
      await log.close();
    }
    await sleep(100);
  }
}

/** The postmaster writes "ready" into its lock file; from then on it takes connections. */
async function isReady(data: string, child: ChildProcess): Promise<true | undefined> {
  const lines = (await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  return Number(lines[0]) === child.pid && lines[7]?.trim() === "ready" ? true : undefined;
}

/** Nothing of the caller's environment (PGDATA, PGPORT, locale …) may leak into the server. */
const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: "C" };

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

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
