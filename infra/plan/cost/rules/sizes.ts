/** What a load needs of machines, where the plan leaves it open. */
import type { Pods } from "../pods.ts";
import type { Traffic } from "../traffic.ts";

/** CPU seconds of the database: the service's own are a tenth of it (docs/performance.md), and disks are slower in a cloud. */
const perWrite = 0.0005;
const perRead = 0.0002;
/** Share of a machine that a load may use. */
const busy = 0.6;
/** Share of a node that pods can have. */
const allocatable = 0.9;
/** GiB for each CPU of general-purpose machines. */
const gibPerCpu = 4;

/** GB of images that a registry keeps. */
export const imagesGb = 5;

export function databaseCpus({ stored, databaseReads }: Traffic): number {
  return (stored * perWrite + databaseReads * perRead) / busy;
}

/** Nodes of so many CPUs: enough for the pods, and for those of the API to be in three zones. */
export function nodesOf({ cpus, gib, api }: Pods, cpusOfNode: number): number {
  const needed = Math.max(cpus, gib / gibPerCpu) / (allocatable * cpusOfNode);
  return Math.max(Math.ceil(needed), Math.min(3, api));
}
