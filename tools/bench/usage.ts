import { readFileSync } from "node:fs";

/** Clock ticks in a second, of the times in /proc: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor seconds of a process; null where there is no /proc, or no such process any more. */
function secondsOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Fields are counted behind the program's name, which is in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return null;
  }
}

/** Those that its main thread started. To look for them among all processes would take as long as many requests. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Processor seconds, in user and kernel mode, of a process and its children so far; null where that is not known. */
export function processorSeconds(pid: number): number | null {
  const own = secondsOf(pid);
  if (own === null) return null;
  return childrenOf(pid).reduce((sum, child) => sum + (secondsOf(child) ?? 0), own);
}
