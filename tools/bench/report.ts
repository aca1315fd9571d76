import { figures, type Plan, type Result, ratio, type Usage } from "./bench.ts";
import type { Machine } from "./machine.ts";
import { connections, valueBytes } from "./workloads.ts";

/** Whether the service was as fast as it has to be; true where nothing is demanded. */
export function isMet(result: Result): boolean {
  return result.workload.target === null || ratio(result) >= result.workload.target;
}

export function headText(machine: Machine, plan: Plan): string {
  const { fsync } = machine;
  const durability = Object.entries(machine.durability).map(([name, value]) => `${name}=${value}`);
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.platform}, Node ${machine.node}, PostgreSQL ${machine.postgres}`,
    `${durability.join(" ")}; data on ${machine.filesystem}; 8 KiB to disk: median ${fsync.p50.toFixed(2)} ms, p99 ${fsync.p99.toFixed(2)} ms`,
    `${connections} connections with one request each, values of ${valueBytes} bytes, ${plan.rounds} rounds of ${plan.seconds} s, medians`,
  ].join("\n");
}

const columns = ["", "requests/s", "p50 ms", "p99 ms", "µs each", "CPU: server", "client", "database"];
const widths = [10, 11, 8, 8, 9, 13, 8, 10];

export function resultText(result: Result): string {
  const { workload, rounds } = result;
  const of = (which: "subject" | "reference") => {
    const { perSecond, p50, p99, cost, usage } = figures(rounds.map((round) => round[which]));
    const times = [Math.round(perSecond).toLocaleString("en"), p50.toFixed(2), p99.toFixed(2), cost?.toFixed(1) ?? "?"];
    return row([result[which], ...times, ...percents(usage)]);
  };
  const { target } = workload;
  const verdict = target === null ? "" : ` (at least ${target}: ${isMet(result) ? "met" : "MISSED"})`;
  return [
    `${workload.name}: ${workload.what}`,
    row(columns),
    of("subject"),
    of("reference"),
    `  ratio ${ratio(result).toFixed(2)}${verdict}`,
  ].join("\n");
}

function percents({ server, client, database }: Usage): string[] {
  return [server, client, database].map((part) => (part === null ? "?" : `${Math.round(part * 100)} %`));
}

function row(cells: readonly string[]): string {
  return `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("")}`;
}

/** Everything that was measured, for scripts. */
export function json(machine: Machine, plan: Plan, results: readonly Result[]): string {
  return JSON.stringify({
    machine,
    connections,
    valueBytes,
    plan,
    results: results.map((result) => ({
      workload: result.workload,
      ratio: ratio(result),
      met: isMet(result),
      [result.subject]: figures(result.rounds.map(({ subject }) => subject)),
      [result.reference]: figures(result.rounds.map(({ reference }) => reference)),
      rounds: result.rounds,
    })),
  });
}
