/**
 * Decides whether what concurrent clients saw could have come from one register per key that does one operation at a
 * time, each at some moment between its invocation and its completion (Herlihy and Wing 1990), and shows why not.
 */
import type { Call, Operation, State } from "./history.ts";
import { firstMisfit, type Misfit } from "./linearization.ts";

export type Verdict =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false;
      readonly key: string;
      /** Calls that contradict each other, whatever the others did; each of them is needed for it. */
      readonly contradiction: readonly Call[];
      /** For people: the contradiction, an order that goes furthest, and the call that it has no place for. */
      readonly explanation: string;
    };

/**
 * Whether every key of `history`, all absent at first, behaves as one register. It sees most where no value is written
 * twice. Keys are judged one by one, which loses nothing: linearizability is a local property.
 */
export function checkLinearizable(history: readonly Call[]): Verdict {
  for (const [key, calls] of Map.groupBy(history, (call) => call.key)) {
    const misfit = firstMisfit(calls);
    if (misfit === null) continue;
    const contradiction = reduce(calls, misfit);
    return { linearizable: false, key, contradiction, explanation: explain(key, calls, contradiction) };
  }
  return { linearizable: true };
}

/** A smallest part of the calls that is not linearizable. It looks first for what has to do with the misfit, then near it. */
function reduce(calls: readonly Call[], misfit: Misfit): Call[] {
  const contradicts = (kept: readonly Call[]) => firstMisfit(forgetAllBut(kept, calls)) !== null;
  const concerned = new Set(statesIn(misfit.call.operation));
  const concerns = (call: Call) => Number(statesIn(call.operation).some((state) => concerned.has(state)));
  const suspects = calls
    .filter((call) => call.completed <= misfit.call.completed)
    .sort((a, b) => concerns(b) - concerns(a) || b.completed - a.completed);
  let count = 8;
  while (count < suspects.length && !contradicts(suspects.slice(0, count))) count *= 2;
  let kept = suspects.slice(0, count);
  for (let size = kept.length >> 1; size > 0; size >>= 1) {
    for (let start = 0; start < kept.length; ) {
      const fewer = kept.toSpliced(start, size);
      if (contradicts(fewer)) kept = fewer;
      else start += size;
    }
  }
  return kept.sort((a, b) => a.invoked - b.invoked);
}

/**
 * Weakens what is known: of all calls but `kept`, observations are dropped and the outcome of changes is unknown. That
 * only ever allows more, so what is still not linearizable is a proof by itself.
 */
function forgetAllBut(kept: readonly Call[], calls: readonly Call[]): Call[] {
  const keeps = new Set(kept);
  return calls.flatMap((call) => {
    if (keeps.has(call)) return call;
    const { operation } = call;
    const changes = operation.kind === "write" || (operation.kind === "swap" && operation.done);
    return changes ? { ...call, completed: Number.POSITIVE_INFINITY } : [];
  });
}

function statesIn(operation: Operation): State[] {
  if (operation.kind === "read") return [operation.found];
  return operation.kind === "write" ? [operation.value] : [operation.expected, operation.value];
}

function explain(key: string, calls: readonly Call[], contradiction: readonly Call[]): string {
  const misfit = firstMisfit(forgetAllBut(contradiction, calls))!;
  const start = calls.reduce((first, call) => Math.min(first, call.invoked), Number.POSITIVE_INFINITY);
  const show = (call: Call) => `  ${describe(call, start)}`;
  const order = furthestOrder(misfit);
  return [
    `key ${JSON.stringify(key)}: ${contradiction.length} of ${calls.length} calls contradict each other`,
    ...contradiction.map(show),
    order.length > 10
      ? `an order that goes furthest (its last 10 of ${order.length}):`
      : "an order that goes furthest:",
    ...order.slice(-10).map(show),
    "has no place for:",
    show(misfit.call),
  ].join("\n");
}

/** Of the orders tried the one that places most completed calls, with the fewest others. */
function furthestOrder({ tried }: Misfit): Call[] {
  const orders = tried.map(({ trail }) => {
    const order: Call[] = [];
    for (let at = trail; at !== null; at = at.before) order.unshift(at.call);
    return order;
  });
  const completed = (order: Call[]) => order.filter((call) => call.completed !== Number.POSITIVE_INFINITY).length;
  return orders.reduce((best, order) => {
    const gain = completed(order) - completed(best);
    return gain > 0 || (gain === 0 && order.length < best.length) ? order : best;
  });
}

function describe({ client, operation, invoked, completed }: Call, start: number): string {
  const at = (time: number) => (time === Number.POSITIVE_INFINITY ? "?" : (time - start).toFixed(3)).padStart(11);
  return `${at(invoked)} to ${at(completed)} ms  client ${client}  ${describeOperation(operation)}`;
}

function describeOperation(operation: Operation): string {
  const show = (state: State) => (state === null ? "absent" : JSON.stringify(state));
  switch (operation.kind) {
    case "read":
      return `read ${show(operation.found)}`;
    case "write":
      return operation.value === null ? "delete" : `put ${show(operation.value)}`;
    case "swap":
      return `swap ${show(operation.expected)} for ${show(operation.value)}: ${operation.done ? "done" : "refused"}`;
  }
}
