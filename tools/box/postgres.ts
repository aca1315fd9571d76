import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { assertRuns, type Binaries, ENVIRONMENT, findBinaries } from "./binaries.ts";
import { assertSpace, assertVersion, initialise, prepareFolder, removeUnfinished, SYNC_METHOD } from "./cluster.ts";
import { BoxError } from "./error.ts";
import { openLog } from "./log.ts";
import { describeExit, type Exit, endGently, endWithUs, exitOf, untilReady } from "./process.ts";
import { OWNER_SETTING, SOCKET_NAME, takeOver } from "./takeover.ts";
import { chooseUser, type User } from "./user.ts";

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

/** sun_path has 104 bytes on macOS and 108 on Linux, a closing zero included. */
const LONGEST_SOCKET_PATH = 103;
/** How long a postmaster may take to end, and what is left of a killed one to let go of the data. */
const ENDING_MS = 15_000;
/** Crash recovery replays at most max_wal_size; slow disks take their time. */
const STARTUP_MS = 300_000;

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
  await assertRuns(binaries, user);
  await assertVersion(data);
  await assertSpace(directory);
  await takeOver(directory);
  await initialise({ binaries, directory, data, user });

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
