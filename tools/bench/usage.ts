import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks in a second, of the times in /proc: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Parent and processor seconds of a process; null where there is no /proc, or no such process any more. */
function statOf(pid: number): { readonly parent: number; readonly seconds: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Fields are counted behind the program's name, which is in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return null;
  }
}

/** Processor seconds, in user and kernel mode, of a process and its children so far; null where that is not known. */
export function processorSeconds(pid: number): number | null {
  const own = statOf(pid);
  if (own === null) return null;
  let { seconds } = own;
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat?.parent === pid) seconds += stat.seconds;
  }
  return seconds;
}
