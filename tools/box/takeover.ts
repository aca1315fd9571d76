import { readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { BoxError } from "./error.ts";
import { inspectProcess, isGone, signalProcess } from "./process.ts";

/** A setting of our own, so that the arguments of a running postmaster tell which process started it. */
export const OWNER_SETTING = "skykv.owner";

/** What PostgreSQL calls its socket on the default port. */
export const SOCKET_NAME = ".s.PGSQL.5432";
const ENDING_MS = 15_000;

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
