import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { BoxError } from "./error.ts";
import type { User } from "./user.ts";

const run = promisify(execFile);
const POLL_MS = 20;

/** How a process ended. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Resolves when a child has ended (also when it could not be started). */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ code: child.exitCode, signal: child.signalCode });
    }
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}

/**
 * Lets a child end with this process: a shell waits on a pipe from us, which closes even when we are killed, and
 * then signals the child. Works on every Unix, where a "parent death signal" is Linux alone.
 */
export function endWithUs(child: ChildProcess, signal: "INT" | "TERM", user?: User): void {
  const guard = spawn("/bin/sh", ["-c", `read _; kill -${signal} "$1"; kill -CONT "$1"`, "sh", String(child.pid)], {
    ...user,
    cwd: "/",
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  child.once("exit", () => guard.kill("SIGKILL"));
}

/** Asks until there is an answer; undefined when the child ends first. Kills one that takes too long. */
export async function untilReady<T>(
  child: ChildProcess,
  name: string,
  timeout: number,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = Date.now() + timeout;
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) {
      child.kill("SIGQUIT");
      throw new BoxError(`${name} was not ready within ${timeout / 1000} s.`);
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Sends each signal in turn, until the child has ended or `patience` milliseconds have gone; at last SIGKILL. */
export async function endGently(
  child: ChildProcess,
  exited: Promise<Exit>,
  patience: number,
  ...signals: NodeJS.Signals[]
): Promise<void> {
  for (const signal of signals) {
    child.kill(signal);
    const timer = new AbortController();
    const waited = sleep(patience, false, { signal: timer.signal }).catch(() => false);
    const gone = await Promise.race([exited.then(() => true), waited]);
    timer.abort();
    if (gone) return;
  }
  child.kill("SIGKILL");
  await exited;
}

/** Sends a signal; false when there is no such process (any more). */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Waits until a process that is not our child is gone; false after `timeout` milliseconds. */
export async function isGone(pid: number, timeout: number): Promise<boolean> {
  const end = Date.now() + timeout;
  while ((await inspectProcess(pid)) !== undefined) {
    if (Date.now() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Arguments and parent of a living process; undefined when there is none. */
export async function inspectProcess(pid: number): Promise<{ args: string; parent: number } | undefined> {
  try {
    if (process.platform === "linux") {
      const args = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ");
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      // A process that has ended, but that its parent has not yet asked about, has no arguments.
      return args === "" ? undefined : { args, parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]) };
    }
    const { stdout } = await run("ps", ["-o", "ppid=,args=", "-p", String(pid)]);
    const [, parent, args] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? [];
    return args === undefined ? undefined : { args: `${args} `, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
