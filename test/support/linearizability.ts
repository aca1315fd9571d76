/**
 * Decides whether what concurrent clients saw could have come from one register per key that does one operation at a
 * time, each somewhere between its invocation and its completion (Herlihy and Wing). Keys are checked one by one, which
 * loses nothing (linearizability is local). The search is Lowe's just-in-time linearization ("Testing for
 * linearizability", 2017): walk through the history's events and keep every configuration that explains it so far; an
 * operation is placed only when its completion, or another one's, calls for it.
 */
import type { Call, Operation, State } from "./history.ts";

export type Verdict =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false;
      readonly key: string;
      /** Calls that contradict each other already without the others; all are needed for it. */
      readonly contradiction: readonly Call[];
      readonly explanation: string;
    };

/** Configurations that one event may lead to; beyond it the history is too wide to be decided here. */
const maxConfigurations = 200_000;

/** Whether every key of `history`, all absent at first, behaves as one register. It sees most where no value is written twice. */
export function checkLinearizable(history: readonly Call[]): Verdict {
  for (const [key, calls] of Map.groupBy(history, (call) => call.key)) {
    const failure = search(calls);
    if (failure === null) continue;
    const contradiction = reduce(calls, failure);
    return { linearizable: false, key, contradiction, explanation: explain(key, calls, contradiction) };
  }
  return { linearizable: true };
}

/** States as numbers. Values that nobody reads or expects are all alike, which merges most configurations. */
type Code = number;
const absent: Code = 0;
const unseen: Code = -1;

/** A call as the search sees it: the state it demands, the state it excludes, the state it leaves (null: the same). */
type Step = {
  readonly call: Call;
  readonly is: Code | null;
  readonly isNot: Code | null;
  readonly to: Code | null;
  /** Its place in `Configuration.placed` while it is open; 0 before and after. */
  bit: bigint;
};

/** One way to explain the history so far: the state, which open calls have had their effect, and in which order. */
type Configuration = { readonly state: Code; readonly placed: bigint; readonly trail: Trail | null };
type Trail = { readonly call: Call; readonly before: Trail | null };

/** A call that fits nowhere, and all that was tried to make room for it. */
type Failure = { readonly call: Call; readonly tried: readonly Configuration[] };

function search(calls: readonly Call[]): Failure | null {
  const steps = compile(calls);
  const open = new OpenSteps();
  let configurations: Configuration[] = [{ state: absent, placed: 0n, trail: null }];
  for (const { step, completes } of eventsOf(steps)) {
    if (!completes) {
      open.add(step);
      continue;
    }
    const { survivors, tried } = place(step, open, configurations);
    if (survivors.length === 0) return { call: step.call, tried };
    configurations = survivors.map((one) => ({ ...one, placed: one.placed & ~step.bit }));
    open.remove(step);
  }
  return null;
}

/** The configurations in which `step`, which completes now, has been placed. */
function place(step: Step, open: OpenSteps, from: readonly Configuration[]) {
  const frontier = new Frontier(open.unknown);
  const queue: Configuration[] = [];
  const add = (configuration: Configuration) => {
    if (frontier.add(configuration)) queue.push(configuration);
  };
  for (const configuration of from) add(open.observe(configuration));
  for (let i = 0; i < queue.length; i++) {
    const configuration = queue[i]!;
    if ((configuration.placed & step.bit) !== 0n) continue;
    if (queue.length > maxConfigurations) {
      throw new Error(`more than ${maxConfigurations} ways to explain key ${step.call.key}: use fewer clients a key`);
    }
    for (const candidate of open.known) {
      if (fits(candidate, configuration)) add(open.observe(apply(candidate, configuration)));
    }
    for (const alike of open.alike.values()) {
      const candidate = alike.find((one) => (configuration.placed & one.bit) === 0n);
      if (candidate === undefined || !fits(candidate, configuration)) continue;
      // It may as well happen later, or never, unless something that is open needs the state that it leaves.
      const changed = apply(candidate, configuration);
      const observed = open.observe(changed);
      if (observed !== changed || open.needs(changed)) add(observed);
    }
  }
  return { survivors: frontier.configurations().filter((one) => (one.placed & step.bit) !== 0n), tried: queue };
}

function fits(step: Step, { state, placed }: Configuration): boolean {
  return (placed & step.bit) === 0n && (step.is === null || step.is === state) && step.isNot !== state;
}

function apply(step: Step, { state, placed, trail }: Configuration): Configuration {
  return { state: step.to ?? state, placed: placed | step.bit, trail: { call: step.call, before: trail } };
}

/** The calls under way, with one bit each. */
class OpenSteps {
  /** Change nothing: reads, and swaps that were refused. */
  readonly observing = new Set<Step>();
  /** Change the state, and completed. */
  readonly known = new Set<Step>();
  /** Of unknown outcome, by what they would do: those with equal effect are interchangeable. */
  readonly alike = new Map<string, Step[]>();
  /** The bits of all calls of unknown outcome. */
  unknown = 0n;
  readonly #freeBits: bigint[] = [];
  #bits = 0n;

  add(step: Step): void {
    step.bit = this.#freeBits.pop() ?? 1n << this.#bits++;
    if (step.call.completed !== Number.POSITIVE_INFINITY) {
      (step.to === null ? this.observing : this.known).add(step);
      return;
    }
    this.unknown |= step.bit;
    const effect = `${step.is} ${step.to}`;
    const alike = this.alike.get(effect);
    if (alike) alike.push(step);
    else this.alike.set(effect, [step]);
  }

  remove(step: Step): void {
    this.observing.delete(step);
    this.known.delete(step);
    this.#freeBits.push(step.bit);
    step.bit = 0n;
  }

  /** Places all observers that the state suits: that never closes another way. The same object when there are none. */
  observe(configuration: Configuration): Configuration {
    let result = configuration;
    for (const step of this.observing) {
      if (fits(step, result)) result = apply(step, result);
    }
    return result;
  }

  /** Whether a change that waits to happen demands the present state. */
  needs(configuration: Configuration): boolean {
    for (const step of this.known) {
      if (step.is === configuration.state && fits(step, configuration)) return true;
    }
    for (const alike of this.alike.values()) {
      if (alike[0]!.is === configuration.state && alike.some((step) => fits(step, configuration))) return true;
    }
    return false;
  }
}

/** Configurations, less those that another one makes needless: the same but for fewer unknown calls used up. */
class Frontier {
  readonly #groups = new Map<string, Configuration[]>();
  readonly #unknown: bigint;

  constructor(unknown: bigint) {
    this.#unknown = unknown;
  }

  /** False when it is needless. */
  add(added: Configuration): boolean {
    const group = `${added.state} ${added.placed & ~this.#unknown}`;
    const others = this.#groups.get(group) ?? [];
    if (others.some((other) => (other.placed & ~added.placed) === 0n)) return false;
    this.#groups.set(group, [...others.filter((other) => (added.placed & ~other.placed) !== 0n), added]);
    return true;
  }

  configurations(): Configuration[] {
    return [...this.#groups.values()].flat();
  }
}

/** Translates calls to steps, without those that can neither help nor hurt. */
function compile(calls: readonly Call[]): Step[] {
  const codes = new Map<State, Code>([[null, absent]]);
  for (const { operation } of calls) {
    const seen = operation.kind === "read" ? operation.found : operation.kind === "swap" ? operation.expected : null;
    if (!codes.has(seen)) codes.set(seen, codes.size);
  }
  const steps = calls.map((call) => ({
    call,
    ...effectOf(call.operation, (state) => codes.get(state) ?? unseen),
    bit: 0n,
  }));
  // A write of unknown outcome that nobody saw could at most explain why a swap was refused.
  const refusals = steps.some((step) => step.isNot !== null);
  return steps.filter((step) => {
    if (step.call.completed !== Number.POSITIVE_INFINITY) return true;
    return step.to !== null && (step.to !== unseen || refusals);
  });
}

function effectOf(operation: Operation, code: (state: State) => Code): Pick<Step, "is" | "isNot" | "to"> {
  switch (operation.kind) {
    case "read":
      return { is: code(operation.found), isNot: null, to: null };
    case "write":
      return { is: null, isNot: null, to: code(operation.value) };
    case "swap":
      return operation.done
        ? { is: code(operation.expected), isNot: null, to: code(operation.value) }
        : { is: null, isNot: code(operation.expected), to: null };
  }
}

/** Invocations and completions in order of time; at equal times invocations first, which claims least. */
function eventsOf(steps: readonly Step[]): { step: Step; completes: boolean }[] {
  const events = steps.flatMap((step) => [
    { step, completes: false, at: step.call.invoked },
    { step, completes: true, at: step.call.completed },
  ]);
  return events
    .filter((event) => event.at !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.at - b.at || Number(a.completes) - Number(b.completes));
}

/** The order among `tried` that places most completed calls, with the fewest others. */
function furthestOrder(tried: readonly Configuration[]): Call[] {
  let furthest: Call[] = [];
  let most = -1;
  for (const { trail } of tried) {
    const order: Call[] = [];
    for (let at = trail; at !== null; at = at.before) order.unshift(at.call);
    const completed = order.filter((call) => call.completed !== Number.POSITIVE_INFINITY).length;
    if (completed < most || (completed === most && order.length >= furthest.length)) continue;
    furthest = order;
    most = completed;
  }
  return furthest;
}

/**
 * A smallest part of the history that still contradicts itself. Leaving a call out means to forget its observation and
 * to call its outcome unknown: that only ever allows more, so what remains is a proof by itself.
 */
function reduce(calls: readonly Call[], failure: Failure): Call[] {
  let kept = calls.filter((call) => call.completed <= failure.call.completed);
  for (let size = Math.ceil(kept.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < kept.length; ) {
      const fewer = kept.toSpliced(start, size);
      if (search(forgetAllBut(fewer, calls)) !== null) kept = fewer;
      else start += size;
    }
  }
  return kept.sort((a, b) => a.invoked - b.invoked);
}

function forgetAllBut(kept: readonly Call[], calls: readonly Call[]): Call[] {
  const keeps = new Set(kept);
  return calls.flatMap((call) => {
    if (keeps.has(call)) return call;
    const { operation } = call;
    const changes = operation.kind === "write" || (operation.kind === "swap" && operation.done);
    return changes ? { ...call, completed: Number.POSITIVE_INFINITY } : [];
  });
}

function explain(key: string, calls: readonly Call[], contradiction: readonly Call[]): string {
  const start = Math.min(...calls.map((call) => call.invoked));
  const failure = search(forgetAllBut(contradiction, calls))!;
  return [
    `key ${JSON.stringify(key)} is not linearizable: ${contradiction.length} of its ${calls.length} calls contradict each other`,
    ...contradiction.map((call) => `  ${describe(call, start)}`),
    `an order that goes furthest:`,
    ...furthestOrder(failure.tried).map((call) => `  ${describe(call, start)}`),
    `and then there is no place for:`,
    `  ${describe(failure.call, start)}`,
  ].join("\n");
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
