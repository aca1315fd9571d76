import { execFileSync } from "node:child_process";
import { processorSeconds } from "../../tools/bench/usage.ts";
import type { Cluster } from "../support/cluster.ts";

/** Cores that each process used since this was called, by name; what says most when the machine does other things too. */
export function beginUsage(cluster: Cluster): () => string {
  const pids = new Map<string, number>();
  for (const [name, { pid }] of cluster.services) pids.set(name, pid);
  for (const [name, { postgres }] of cluster.clouds) pids.set(`${name}'s database`, postgres.pid);
  const read = () => {
    const { user, system } = process.cpuUsage();
    const seconds = new Map<string, number | null>([["this program", (user + system) / 1e6]]);
    for (const [name, pid] of pids) seconds.set(name, processorSeconds(pid));
    return seconds;
  };
  const startedAt = performance.now();
  const before = read();
  return () => {
    const seconds = (performance.now() - startedAt) / 1000;
    const parts = [...read()].map(([name, to]) => {
      const from = before.get(name);
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
