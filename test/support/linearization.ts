/**
 * The search behind `linearizability.ts`: Lowe's just-in-time linearization ("Testing for linearizability", 2017). It
 * walks through the events of one key and keeps every configuration that explains them so far; a call is placed only
 * when its completion, or another one's, asks for it.
 */
import type { Call, Operation, State } from "./history.ts";

/** One way to explain the history so far: the state, which open calls have had their effect, and in which order. */
export type Configuration = { readonly state: Code; readonly placed: bigint; readonly trail: Trail | null };
export type Trail = { readonly call: Call; readonly before: Trail | null };

/** A call that fits nowhere, and all that was tried to make room for it. */
export type Misfit = { readonly call: Call; readonly tried: readonly Configuration[] };

/** Configurations that one event may lead to; beyond it the history is too wide to be decided here. */
const maxConfigurations = 200_000;

/** The first call that no linearization of `calls` has a place for; null when they are linearizable. All are of one key. */
export function firstMisfit(calls: readonly Call[]): Misfit | null {
  const open = new OpenSteps();
  let configurations: Configuration[] = [{ state: absent, placed: 0n, trail: null }];
  for (const { step, completes } of eventsOf(compile(calls))) {
    if (!completes) {
      open.add(step);
      continue;
    }
    const tried = explore(step, open, configurations);
    const placed = tried.configurations().filter((one) => (one.placed & step.bit) !== 0n);
    if (placed.length === 0) return { call: step.call, tried: tried.configurations() };
    configurations = placed.map((one) => ({ ...one, placed: one.placed & ~step.bit }));
    open.remove(step);
  }
  return null;
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
  /** Its place in `Configuration.placed` while it is open. */
  bit: bigint;
};

/** All ways on from configurations, as far as needed to place `step`, which completes now. */
function explore(step: Step, open: OpenSteps, from: readonly Configuration[]): Frontier {
  const frontier = new Frontier(open.unknownBits);
  const queue: Configuration[] = [];
  const add = (configuration: Configuration) => {
    if (frontier.add(configuration)) queue.push(configuration);
  };
  for (const configuration of from) add(open.observe(configuration));
  const useful = open.usefulUnknown();
  for (let i = 0; i < queue.length; i++) {
    const configuration = queue[i]!;
    if ((configuration.placed & step.bit) !== 0n) continue;
    if (queue.length > maxConfigurations) {
      throw new Error(
        `over ${maxConfigurations} ways to explain key ${JSON.stringify(step.call.key)}: use fewer clients`,
      );
    }
    for (const candidate of open.changing) {
      if (fits(candidate, configuration)) add(open.observe(apply(candidate, configuration)));
    }
    // A call of unknown outcome may as well happen later, or never, unless an open one demands what it leaves.
    const demanded = (state: Code) => useful.has(state) || [...open.changing].some((one) => one.is === state);
    for (const alike of open.isRefused(configuration) ? open.unknown.values() : usefulIn(useful, configuration.state)) {
      const candidate = alike.find((one) => (configuration.placed & one.bit) === 0n);
      if (candidate === undefined || !fits(candidate, configuration)) continue;
      const changed = apply(candidate, configuration);
      const observed = open.observe(changed);
      if (observed !== changed || demanded(changed.state)) add(observed);
    }
  }
  return frontier;
}

function fits(step: Step, { state, placed }: Configuration): boolean {
  return (placed & step.bit) === 0n && (step.is === null || step.is === state) && step.isNot !== state;
}

function apply(step: Step, { state, placed, trail }: Configuration): Configuration {
  return { state: step.to ?? state, placed: placed | step.bit, trail: { call: step.call, before: trail } };
}

/** Calls of unknown outcome with equal effect, the first invoked first: one is as good as another. */
type Alike = Step[];

function usefulIn(useful: ReadonlyMap<Code | null, Alike[]>, state: Code): Alike[] {
  return [...(useful.get(state) ?? []), ...(useful.get(null) ?? [])];
}

/** The calls under way, with one bit each. */
class OpenSteps {
  /** Of known outcome, and without effect: reads, and swaps that were refused. */
  readonly observing = new Set<Step>();
  /** Of known outcome, and with effect. */
  readonly changing = new Set<Step>();
  /** Of unknown outcome, by effect. */
  readonly unknown = new Map<string, Alike>();
  unknownBits = 0n;
  readonly #unknownTo = new Map<Code | null, Alike[]>();
  readonly #freeBits: bigint[] = [];
  #bits = 0n;

  add(step: Step): void {
    step.bit = this.#freeBits.pop() ?? 1n << this.#bits++;
    if (step.call.completed !== Number.POSITIVE_INFINITY) {
      (step.to === null ? this.observing : this.changing).add(step);
      return;
    }
    this.unknownBits |= step.bit;
    const alike = this.unknown.get(effectOf(step));
    if (alike) {
      alike.push(step);
      return;
    }
    const first = [step];
    this.unknown.set(effectOf(step), first);
    this.#unknownTo.set(step.to, [...(this.#unknownTo.get(step.to) ?? []), first]);
  }

  remove(step: Step): void {
    this.observing.delete(step);
    this.changing.delete(step);
    this.#freeBits.push(step.bit);
  }

  /** Places all observers that the state suits: that never closes another way. The same object when there are none. */
  observe(configuration: Configuration): Configuration {
    let result = configuration;
    for (const step of this.observing) {
      if (fits(step, result)) result = apply(step, result);
    }
    return result;
  }

  /** Whether a refused swap waits for any other state than the present one. */
  isRefused({ state, placed }: Configuration): boolean {
    return [...this.observing].some((step) => step.isNot === state && (placed & step.bit) === 0n);
  }

  /** Calls of unknown outcome that leave a state which an open call demands, or another one of them; by what they demand. */
  usefulUnknown(): Map<Code | null, Alike[]> {
    const useful = new Map<Code | null, Alike[]>();
    const wanted = new Set<Code | null>([...this.observing, ...this.changing].map((step) => step.is));
    for (const state of wanted) {
      for (const alike of (state === null ? null : this.#unknownTo.get(state)) ?? []) {
        const { is } = alike[0]!;
        useful.set(is, [...(useful.get(is) ?? []), alike]);
        wanted.add(is);
      }
    }
    return useful;
  }
}

/** Configurations, less those that another one makes needless: the same but for fewer unknown calls used up. */
class Frontier {
  readonly #groups = new Map<string, Configuration[]>();
  readonly #unknownBits: bigint;

  constructor(unknownBits: bigint) {
    this.#unknownBits = unknownBits;
  }

  /** False when it is needless. */
  add(added: Configuration): boolean {
    const group = `${added.state} ${added.placed & ~this.#unknownBits}`;
    const others = this.#groups.get(group) ?? [];
    if (others.some((other) => (other.placed & ~added.placed) === 0n)) return false;
    this.#groups.set(group, [...others.filter((other) => (added.placed & ~other.placed) !== 0n), added]);
    return true;
  }

  configurations(): Configuration[] {
    return [...this.#groups.values()].flat();
  }
}

/** Translates calls to steps, without those of unknown outcome that could not help to explain the others. */
function compile(calls: readonly Call[]): Step[] {
  const completed = calls.filter((call) => call.completed !== Number.POSITIVE_INFINITY);
  const unknown = calls
    .filter((call) => call.completed === Number.POSITIVE_INFINITY && call.operation.kind !== "read")
    .sort((a, b) => a.invoked - b.invoked);
  const codes = codesOf(completed, unknown);
  const stepOf = (call: Call): Step => ({
    call,
    ...meaningOf(call.operation, (state) => codes.get(state) ?? unseen),
    bit: 0n,
  });
  const steps = completed.map(stepOf);

  const refusals = steps.filter((step) => step.isNot !== null).length;
  const used = new Map<string, number>();
  for (const step of unknown.map(stepOf)) {
    // What nobody saw can at most explain a refusal. And a completed call needs one of each effect at most.
    const most = step.to === unseen ? (step.is === unseen ? 0 : refusals) : completed.length;
    const before = used.get(effectOf(step)) ?? 0;
    used.set(effectOf(step), before + 1);
    if (before < most) steps.push(step);
  }
  return steps;
}

/** Numbers for the states that completed calls have seen, and those that unknown swaps need in order to lead to them. */
function codesOf(completed: readonly Call[], unknown: readonly Call[]): Map<State, Code> {
  const codes = new Map<State, Code>([[null, absent]]);
  const demand = (state: State) => codes.set(state, codes.get(state) ?? codes.size);
  for (const { operation } of completed) {
    if (operation.kind === "read") demand(operation.found);
    if (operation.kind === "swap") demand(operation.expected);
  }
  for (let before = 0; before !== codes.size; ) {
    before = codes.size;
    for (const { operation } of unknown.toReversed()) {
      if (operation.kind === "swap" && codes.has(operation.value)) demand(operation.expected);
    }
  }
  return codes;
}

function meaningOf(operation: Operation, code: (state: State) => Code): Pick<Step, "is" | "isNot" | "to"> {
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

function effectOf({ is, to }: Step): string {
  return `${is} ${to}`;
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
