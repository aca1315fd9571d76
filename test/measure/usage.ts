import { execFileSync } from "node:child_process";
import { processorSeconds } from "../../tools/bench/usage.ts";
import type { Cluster } from "../support/cluster.ts";

/** Cores that each process used since `begin`, by name; what says most when the machine does other things too. */
export function beginUsage(cluster: Cluster): () => string {
  const pids = new Map<string, number>([["this program", process.pid]]);
  for (const [name, { pid }] of cluster.services) pids.set(name, pid);
  for (const [name, { postgres }] of cluster.clouds) pids.set(`${name}'s database`, postgres.pid);
  const startedAt = performance.now();
  const before = new Map([...pids].map(([name, pid]) => [name, processorSeconds(pid)]));
  return () => {
    const seconds = (performance.now() - startedAt) / 1000;
    const parts = [...pids].map(([name, pid]) => {
      const [from, to] = [before.get(name), processorSeconds(pid)];
      return `${name} ${from == null || to === null ? "?" : ((to - from) / seconds).toFixed(2)}`;
    });
    return `cores in use: ${parts.join(", ")}`;
  };
}

/** Bytes of memory that processes hold together. */
export function memoryOf(pids: readonly number[]): number {
  const lines = execFileSync("ps", ["-o", "rss=", "-p", pids.join(",")], { encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.reduce((sum, line) => sum + Number(line) * 1024, 0);
}
