import assert from "node:assert/strict";
import fc from "fast-check";
import type { Call, Operation, State } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import { pick, type Random, randomFrom } from "./random.ts";

const unknown = Number.POSITIVE_INFINITY;
const call = (invoked: number, completed: number, operation: Operation, client = 0, key = "k"): Call => ({
  client,
  key,
  operation,
  invoked,
  completed,
});
const read = (found: State): Operation => ({ kind: "read", found });
const put = (value: State): Operation => ({ kind: "write", value });
const remove = put(null);
const swap = (expected: State, value: State): Operation => ({ kind: "swap", expected, value, done: true });
const refused = (expected: State): Operation => ({ kind: "swap", expected, value: "never", done: false });

const good: Record<string, Call[]> = {
  "nothing happened": [],
  "a key is absent until it is written": [call(0, 1, read(null)), call(2, 3, put("a")), call(4, 5, read("a"))],
  "reads beside a write see the old or the new value": [
    call(0, 1, put("a")),
    call(2, 9, put("b")),
    call(3, 4, read("a")),
    call(5, 6, read("b")),
  ],
  "of two concurrent writes either may come last": [call(0, 5, put("a")), call(1, 4, put("b")), call(6, 7, read("a"))],
  "a read that began before a write may come after it": [call(0, 9, read("a")), call(3, 4, put("a"))],
  "a write of unknown outcome may take effect late": [
    call(0, unknown, put("a")),
    call(1, 2, put("b")),
    call(3, 4, read("b")),
    call(100, 101, read("a")),
  ],
  "a write of unknown outcome may never take effect": [call(0, unknown, put("a")), call(100, 101, read(null))],
  "an unseen write of unknown outcome explains a refused swap": [
    call(0, 1, put("a")),
    call(2, unknown, put("b")),
    call(3, 4, refused("a")),
  ],
  "swaps of unknown outcome can build on each other": [
    call(0, unknown, swap(null, "a")),
    call(1, unknown, swap("a", "b")),
    call(2, unknown, swap("b", "c")),
    call(9, 10, read("c")),
  ],
  "a create succeeds again after a delete": [
    call(0, 1, swap(null, "a")),
    call(2, 3, refused(null)),
    call(4, 5, remove),
    call(6, 7, swap(null, "b")),
  ],
};

const bad: Record<string, Call[]> = {
  "a read of a value that nobody wrote": [call(0, 1, put("a")), call(2, 3, read("z"))],
  "a read from the future": [call(0, 1, read("a")), call(2, 3, put("a"))],
  "a read of what was overwritten before it began": [call(0, 1, put("a")), call(2, 3, put("b")), call(4, 5, read("a"))],
  "a lost write": [call(0, 1, put("a")), call(2, 3, read(null))],
  "a delete undone": [call(0, 1, put("a")), call(2, 3, remove), call(4, 5, read("a"))],
  // A regular register, not an atomic one (Lamport 1986).
  "the old value after the new one was read": [
    call(0, 1, put("a")),
    call(2, 9, put("b")),
    call(3, 4, read("b")),
    call(5, 6, read("a")),
  ],
  "two clients that saw two writes in different order": [
    call(0, 9, put("a"), 1),
    call(0, 9, put("b"), 2),
    call(10, 11, read("a"), 3),
    call(12, 13, read("b"), 4),
  ],
  "a write of unknown outcome that is seen, gone and seen again": [
    call(0, 1, put("a")),
    call(2, unknown, put("b")),
    call(3, 4, read("b")),
    call(5, 6, put("c")),
    call(7, 8, read("b")),
  ],
  "two swaps of one value": [call(0, 1, put("a")), call(2, 9, swap("a", "b")), call(2, 9, swap("a", "c"))],
  "two creations": [call(0, 9, swap(null, "a")), call(0, 9, swap(null, "b"))],
  "a swap that was refused though nobody had changed the value": [call(0, 1, put("a")), call(2, 3, refused("a"))],
  "a bad key beside a good one": [
    call(0, 1, put("a"), 0, "good"),
    call(2, 3, read("a"), 0, "good"),
    call(4, 5, read("a"), 0, "bad"),
  ],
};

describe("the linearizability checker", () => {
  describe("accepts", () => {
    for (const [name, history] of Object.entries(good)) {
      it(name, () => assert.deepEqual(checkLinearizable(history), { linearizable: true }));
    }
  });

  describe("rejects", () => {
    for (const [name, history] of Object.entries(bad)) {
      it(name, () => assert.equal(checkLinearizable(history).linearizable, false));
    }
  });

  it("agrees with trying all orders", () => {
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(smallHistory, (history) => {
        const expected = someOrderWorks(history, null);
        seen[`${expected}`]++;
        assert.equal(checkLinearizable(history).linearizable, expected);
      }),
      { numRuns: 5000 },
    );
    assert.ok(Math.min(seen.true, seen.false) > 1000, `one verdict is rare: ${JSON.stringify(seen)}`);
  });

  it("accepts whatever a register does", () => {
    fc.assert(
      fc.property(simulation, (options) => {
        const verdict = checkLinearizable(simulate(options));
        assert.ok(verdict.linearizable, verdict.linearizable ? "" : verdict.explanation);
      }),
      { numRuns: 150 },
    );
  });

  for (const [name, spoil] of Object.entries(spoilers())) {
    it(`finds ${name} in a long history, and little else to blame`, () => {
      fc.assert(
        fc.property(simulation, fc.nat(), (options, seed) => {
          const history = simulate(options);
          const spoilt = spoil(history, randomFrom(seed));
          fc.pre(spoilt !== null);
          const verdict = checkLinearizable(spoilt);
          assert.ok(!verdict.linearizable);
          assert.ok(verdict.contradiction.length <= 8, verdict.explanation);
          assert.ok(!checkLinearizable(verdict.contradiction).linearizable, verdict.explanation);
        }),
        { numRuns: 60 },
      );
    });
  }

  it("says which calls contradict each other, and how", () => {
    const noise = simulate({ seed: 1, calls: 300, clients: 4, keys: 1, unknown: 0 }).map((one) => ({
      ...one,
      key: "k",
    }));
    const end = Math.max(...noise.map((one) => one.completed));
    const history = [
      ...noise,
      call(end + 1, end + 2, put("old"), 1),
      call(end + 3, end + 4, put("new"), 2),
      call(end + 5, end + 6, read("old"), 3),
    ];
    const verdict = checkLinearizable(history);
    assert.ok(!verdict.linearizable);
    const lines = verdict.explanation.split("\n").map((line) => line.replace(/^.*ms {2}/, "  "));
    assert.deepEqual(lines, [
      `key "k": 3 of ${history.length} calls contradict each other`,
      '  client 1  put "old"',
      '  client 2  put "new"',
      '  client 3  read "old"',
      "an order that goes furthest:",
      '  client 1  put "old"',
      '  client 2  put "new"',
      "has no place for:",
      '  client 3  read "old"',
    ]);
  });

  it("decides 20,000 calls of 8 clients on 3 keys within seconds", () => {
    for (const unknown of [0, 0.02]) {
      const history = simulate({ seed: 7, calls: 20_000, clients: 8, keys: 3, unknown });
      const start = performance.now();
      assert.ok(checkLinearizable(history).linearizable);
      const elapsed = performance.now() - start;
      assert.ok(elapsed < 10_000, `took ${elapsed.toFixed()} ms with a share of ${unknown} unknown`);
    }
  });
});

const state = fc.constantFrom<State>(null, "a", "b");
const operation: fc.Arbitrary<Operation> = fc.oneof(
  state.map(read),
  state.map(put),
  fc.record({ kind: fc.constant("swap" as const), expected: state, value: state, done: fc.boolean() }),
);
/** Overlapping calls with few values, also equal ones, and many equal times. */
const smallHistory = fc.array(
  fc
    .tuple(
      fc.nat(12),
      fc.oneof({ weight: 4, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.constant(unknown) }),
      operation,
    )
    .map(([invoked, lasts, what]) => call(invoked, invoked + lasts, what)),
  { minLength: 1, maxLength: 6 },
);

/** The definition itself: some order of all completed calls and any of the others that time and a register allow. */
function someOrderWorks(remaining: readonly Call[], state: State): boolean {
  if (remaining.every((one) => one.completed === unknown)) return true;
  return remaining.some((next) => {
    if (remaining.some((other) => other.completed < next.invoked)) return false;
    const after = nextState(next, state);
    return (
      after !== undefined &&
      someOrderWorks(
        remaining.filter((one) => one !== next),
        after,
      )
    );
  });
}

function nextState({ operation, completed }: Call, state: State): State | undefined {
  switch (operation.kind) {
    case "read":
      return operation.found === state || completed === unknown ? state : undefined;
    case "write":
      return operation.value;
    case "swap":
      if ((operation.expected === state) !== operation.done) return undefined;
      return operation.done ? operation.value : state;
  }
}

type Simulation = { seed: number; calls: number; clients: number; keys: number; unknown: number };

const simulation: fc.Arbitrary<Simulation> = fc.record({
  seed: fc.nat(),
  calls: fc.integer({ min: 20, max: 400 }),
  clients: fc.integer({ min: 1, max: 8 }),
  keys: fc.integer({ min: 1, max: 3 }),
  unknown: fc.constantFrom(0, 0.05),
});

/** Clients of real registers: every call takes effect at one random moment between its invocation and its completion. */
function simulate({ seed, calls, clients, keys, unknown: shareUnknown }: Simulation): Call[] {
  const random = randomFrom(seed);
  const registers = new Map<string, State>();
  const history: Call[] = [];
  const effects: { at: number; happen: () => void }[] = [];
  const lastSeen = new Map<string, State>();
  let values = 0;

  const start = (client: number, invoked: number) => {
    if (values + effects.length > calls * 2 || history.length >= calls) return;
    const key = `k${Math.floor(random() * keys)}`;
    const mine = `${client} ${key}`;
    const expected = lastSeen.get(mine) ?? null;
    const kind = pick(random, ["read", "read", "write", "delete", "swap", "swap"] as const);
    const value = kind === "delete" ? null : `v${++values}`;
    const lost = random() < shareUnknown;
    const at = invoked + random() * 10 * (lost && random() < 0.5 ? 50 : 1);
    const completed = at + random() * 5;
    const happens = !lost || random() < 0.7;
    effects.push({
      at,
      happen: () => {
        const before = registers.get(key) ?? null;
        const done = kind !== "swap" || before === expected;
        if (kind !== "read" && done && happens) registers.set(key, value);
        const seen = kind === "read" || !done ? before : value;
        if (!lost) lastSeen.set(mine, seen);
        const operation =
          kind === "read" ? read(before) : kind === "swap" ? { ...swap(expected, value), done } : put(value);
        if (!lost) history.push(call(invoked, completed, operation, client, key));
        else if (kind !== "read")
          history.push(call(invoked, unknown, kind === "swap" ? swap(expected, value) : operation, client, key));
        if (!lost) start(client, completed + random());
      },
    });
    if (lost) start(client, invoked + 10);
  };

  for (let client = 0; client < clients; client++) start(client, random() * 10);
  while (effects.length > 0) {
    const next = effects.reduce((first, one, i) => (one.at < effects[first]!.at ? i : first), 0);
    effects.splice(next, 1)[0]!.happen();
  }
  return history;
}

type Spoiler = (history: readonly Call[], random: Random) => Call[] | null;

/** Each makes a linearizable history certainly not so, or returns null where there is nothing to spoil. */
function spoilers(): Record<string, Spoiler> {
  const known = (history: readonly Call[]) => history.filter((one) => one.completed !== unknown);
  const replace = (history: readonly Call[], old: Call, operation: Operation) =>
    history.map((one) => (one === old ? { ...one, operation } : one));
  const reads = (history: readonly Call[]) => history.filter((one) => one.operation.kind === "read");
  const writes = (history: readonly Call[]) =>
    known(history).filter(({ operation }) => operation.kind === "write" && operation.value !== null);
  const written = ({ operation }: Call) => (operation.kind === "write" ? operation.value : null);
  return {
    "a read of a value never written": (history, random) => {
      if (reads(history).length === 0) return null;
      return replace(history, pick(random, reads(history)), read("never written"));
    },
    "a read of a value overwritten before": (history, random) => {
      const cases = reads(history).flatMap((one) => {
        const earlier = writes(history).filter(({ key, completed }) => key === one.key && completed < one.invoked);
        const overwritten = earlier.filter((old) => earlier.some((newer) => newer.invoked > old.completed));
        return overwritten.map((old) => ({ one, old }));
      });
      if (cases.length === 0) return null;
      const { one, old } = pick(random, cases);
      return replace(history, one, read(written(old)));
    },
    "a lost write": (history, random) => {
      if (writes(history).length === 0) return null;
      const before = pick(random, writes(history));
      const end = Math.max(...known(history).map((one) => one.completed));
      const lost = call(end + 1, end + 2, put("lost"), 9, before.key);
      return [...history, lost, call(end + 3, end + 4, read(written(before)), 9, before.key)];
    },
    "two swaps of one value": (history, random) => {
      const swaps = known(history).filter(
        ({ operation }) => operation.kind === "swap" && operation.done && operation.expected !== null,
      );
      if (swaps.length === 0) return null;
      const one = pick(random, swaps);
      return [...history, { ...one, operation: { ...one.operation, value: "second" } as Operation, client: 9 }];
    },
  };
}
