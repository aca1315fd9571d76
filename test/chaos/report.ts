import { type Call, isWrite } from "./history.ts";
import type { ChaosResult } from "./run.ts";

/** Findings that are shown; the rest is mostly more of the same. */
const maxShown = 20;

/** The figures of a run. Times in seconds. */
export function summaryOf(result: ChaosResult) {
  const { seed, calls, faults, converged, findings, watched, seconds, loss } = result;
  const count = (is: (call: Call) => boolean) => calls.filter(is).length;
  return {
    verdict: findings.length === 0 ? ("ok" as const) : ("failed" as const),
    seed,
    seconds: Math.round(seconds),
    operations: calls.length,
    reads: count((call) => !isWrite(call)),
    writes: count((call) => isWrite(call) && call.outcome === "ok"),
    refused: count(({ outcome }) => outcome === "refused"),
    unknown: count(({ outcome }) => outcome === "unknown"),
    watched,
    faults: Object.fromEntries(faults),
    rounds: converged.length,
    slowestConvergence: Math.round(Math.max(0, ...converged)) / 1000,
    survived:
      loss === null
        ? null
        : { cloud: loss.cloud, writes: loss.acknowledged, repaired: Math.round(loss.repaired) / 1000 },
    findings,
  };
}

export function jsonOf(result: ChaosResult): string {
  return JSON.stringify(summaryOf(result));
}

export function reportOf(result: ChaosResult): string {
  const { faults, findings, ...sum } = summaryOf(result);
  const struck = Object.entries(faults).sort();
  const lines = [
    `seed ${sum.seed}, ${sum.seconds} s, ${sum.rounds} rounds`,
    `${sum.operations} operations: ${sum.reads} reads, ${sum.writes} writes acknowledged, ${sum.refused} refused, ${sum.unknown} unknown; ${sum.watched} events watched`,
    `${struck.reduce((all, [, n]) => all + n, 0)} faults: ${struck.map(([name, n]) => `${name} ${n}`).join(", ")}`,
    `copies equal at most ${sum.slowestConvergence} s after faults and load had ended`,
    ...(sum.survived === null
      ? []
      : [
          `${sum.survived.cloud} destroyed amid ${sum.survived.writes} writes acknowledged with KV-Durability: peer; all in both others ${sum.survived.repaired} s after it was expelled`,
        ]),
    ...findings.slice(0, maxShown).map((finding) => `  ${finding}`),
    ...(findings.length > maxShown ? [`  and ${findings.length - maxShown} more`] : []),
    sum.verdict === "ok"
      ? "nothing lost, nothing out of order, all copies equal"
      : `FAILED: ${findings.length} findings`,
  ];
  return lines.join("\n");
}
