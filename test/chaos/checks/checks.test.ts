import assert from "node:assert/strict";
import type { Call, Row, Told } from "../history.ts";
import { checkCopies } from "./copies.ts";
import { checkCounters } from "./counters.ts";
import { checkLoss } from "./loss.ts";
import { checkReads } from "./reads.ts";
import { checkSessions } from "./sessions.ts";
import { checkSwaps } from "./swaps.ts";
import { checkWatch, isUpToDate } from "./watches.ts";
import { checkWrites } from "./writes.ts";

let time = 0;
/** A call as it would be, save what the test is about; each a while after the one before. */
function call(part: Partial<Call>): Call {
  time += 10;
  const facts = { client: 1, cloud: "aws", key: "v/1", kind: "put", outcome: "ok", value: null, ttl: null } as const;
  return { ...facts, version: null, expected: null, invoked: time, completed: time + 5, ...part };
}
const row = (part: Partial<Row>): Row => ({
  kind: "value",
  version: "1-aws",
  value: null,
  expires: false,
  cells: {},
  ...part,
});
const rows = (key: string, part: Partial<Row>) => new Map([[key, row(part)]]);
const finds = (findings: string[], pattern: RegExp) => assert.match(findings.join("\n"), pattern);
const isFine = (findings: string[]) => assert.deepEqual(findings, []);

const first = call({ version: "1-aws", value: "a" });
const second = call({ version: "2-gcp", value: "b", cloud: "gcp" });
const deleted = call({ kind: "delete", version: "3-gcp", cloud: "gcp" });

describe("the check of writes", () => {
  it("finds an acknowledged write that is gone", () => {
    finds(checkWrites([first], new Map()), /nothing is there/);
    isFine(checkWrites([first], rows("v/1", { value: "a" })));
  });

  it("finds an acknowledged write that an older one took the place of", () => {
    finds(checkWrites([first, second], rows("v/1", { value: "a" })), /1-aws is there, though .* 2-gcp/);
    isFine(checkWrites([first, second], rows("v/1", { version: "2-gcp", value: "b" })));
  });

  it("finds what came back after its deletion", () => {
    finds(checkWrites([second, deleted], rows("v/1", { version: "2-gcp", value: "b" })), /came back/);
    isFine(checkWrites([second, deleted], rows("v/1", { kind: "tombstone", version: "3-gcp" })));
  });

  it("lets a deletion be forgotten, and what has expired; but not what was written after it", () => {
    isFine(checkWrites([second, deleted], new Map()));
    isFine(checkWrites([{ ...first, ttl: 5 }], new Map()));
    finds(checkWrites([deleted, { ...second, version: "4-aws" }], new Map()), /nothing is there/);
  });

  it("finds the right version with another value, and values and deletions that nobody made", () => {
    finds(checkWrites([first], rows("v/1", { value: "x" })), /nobody wrote/);
    finds(checkWrites([first], rows("v/1", { version: "9-aws", value: "x" })), /nobody wrote/);
    finds(checkWrites([first], rows("v/1", { version: "9-aws", value: "a" })), /nobody wrote/);
    finds(checkWrites([first], rows("v/1", { version: "9-aws", kind: "tombstone" })), /nobody wrote/);
    finds(checkWrites([], rows("v/1", { value: "a" })), /nobody wrote/);
  });

  it("lets a write of unknown outcome have happened or not, and a touch keep the value", () => {
    const unknown = call({ outcome: "unknown", value: "u" });
    isFine(checkWrites([first, unknown], rows("v/1", { version: "9-aws", value: "u" })));
    isFine(checkWrites([first, unknown], rows("v/1", { value: "a" })));
    const touch = call({ kind: "touch", version: "5-aws" });
    isFine(checkWrites([first, touch], rows("v/1", { version: "5-aws", value: "a" })));
    finds(checkWrites([first, touch], rows("v/1", { version: "5-aws", value: "x" })), /nobody wrote/);
  });
});

describe("the check of reads", () => {
  const read = (part: Partial<Call>) => call({ kind: "read", version: "1-aws", value: "a", ...part });

  it("finds what nobody wrote, what was written to another key or later, and torn values", () => {
    isFine(checkReads([first, read({})]));
    isFine(checkReads([{ ...first, outcome: "unknown", version: null }, read({})]));
    finds(checkReads([read({})]), /nobody had written/);
    finds(checkReads([{ ...first, outcome: "refused" }, read({})]), /nobody had written/);
    finds(checkReads([first, read({ key: "v/2" })]), /nobody had written/);
    finds(checkReads([read({}), call({ value: "a", version: "1-aws" })]), /nobody had written/);
    finds(checkReads([first, read({ value: "a torn value" })]), /nobody had written/);
  });

  it("finds a value under the version of another write", () => {
    finds(checkReads([first, second, read({ version: "2-gcp" })]), /another write's version/);
    isFine(checkReads([first, read({ version: "7-aws" })]));
  });
});

describe("the check of sessions", () => {
  const check = (calls: Call[]) => checkSessions(calls, ({ client }) => `${client}`);
  const read = (part: Partial<Call>) => call({ kind: "read", ...part });

  it("finds that a session does not read its own write", () => {
    finds(check([second, read({ version: "1-aws", value: "a" })]), /told read 1-aws .* after put 2-gcp/);
    finds(check([first, read({})]), /absent/);
    isFine(check([first, read({ version: "2-gcp", value: "b" })]));
  });

  it("finds that a session reads less than before, in another cloud too", () => {
    const [newer, older] = [read({ version: "2-gcp" }), read({ version: "1-aws", cloud: "azure" })];
    finds(check([first, newer, older]), /told read 1-aws/);
    isFine(check([newer, { ...older, client: 2 }]));
  });

  it("knows that absent may be newer, if something may have deleted it or it may have expired by then", () => {
    isFine(check([second, call({ kind: "delete", outcome: "unknown", client: 2 }), read({})]));
    isFine(check([second, call({ kind: "delete", version: "3-aws", client: 2 }), read({})]));
    finds(check([second, call({ kind: "delete", version: "1-azure", client: 2 }), read({})]), /absent/);
    const absent = read({});
    finds(check([second, absent, call({ kind: "delete", version: "3-aws", client: 2 })]), /absent/);
    isFine(check([{ ...second, ttl: 1000 }, read({})]));
    finds(check([{ ...second, ttl: 60_000 }, read({})]), /absent/);
  });

  it("finds what comes back after it was absent", () => {
    finds(check([deleted, read({ version: "2-gcp" })]), /told read 2-gcp/);
    const gone = call({ kind: "delete", version: "3-aws", client: 2 });
    finds(check([second, gone, read({}), read({ version: "2-gcp" })]), /told read 2-gcp/);
    isFine(check([second, gone, read({}), read({ version: "4-gcp" })]));
  });

  it("finds a count that gets less", () => {
    const count = (value: string) => read({ key: "c/1", value, version: "1-aws" });
    finds(check([count("3"), count("2")]), /told/);
    finds(check([count("3"), { ...count("0"), value: null, version: null }]), /told/);
    isFine(check([count("2"), count("2"), count("3")]));
  });
});

describe("the check of counters", () => {
  const increments = (n: number, part: Partial<Call> = {}) =>
    Array.from({ length: n }, () => call({ key: "c/1", kind: "increment", ...part }));
  const cells = (cells: Record<string, number>) => rows("c/1", { kind: "counter", cells });

  it("finds an increment that is lost or counted twice, though the sum be right", () => {
    const calls = [...increments(2), ...increments(3, { cloud: "gcp" })];
    isFine(checkCounters(calls, cells({ aws: 2, gcp: 3 })));
    finds(checkCounters(calls, cells({ aws: 1, gcp: 3 })), /aws counted 1, expected 2/);
    finds(checkCounters(calls, cells({ aws: 3, gcp: 2 })), /gcp counted 2, expected 3/);
    finds(checkCounters(calls, new Map()), /counted 0/);
    finds(checkCounters([], cells({ azure: 1 })), /azure counted 1, expected 0/);
  });

  it("lets increments of unknown outcome count or not", () => {
    const calls = [...increments(2), ...increments(1, { outcome: "unknown" })];
    for (const aws of [2, 3]) isFine(checkCounters(calls, cells({ aws })));
    for (const aws of [1, 4]) finds(checkCounters(calls, cells({ aws })), /expected 2 to 3/);
  });
});

describe("the check of swaps", () => {
  it("finds a state that was replaced twice on condition in one cloud", () => {
    const swap = (part: Partial<Call>) => call({ kind: "swap", expected: "1-aws", ...part });
    finds(checkSwaps([swap({ version: "2-aws" }), swap({ version: "3-aws" })]), /1-aws was replaced 2 times/);
    isFine(checkSwaps([swap({}), swap({ outcome: "refused" }), swap({ cloud: "gcp" }), swap({ key: "v/2" })]));
  });
});

describe("the check of watches", () => {
  const told = (version: string, type: Told["type"] = "put", key = "v/1"): Told => ({ key, version, type });

  it("finds a state out of order, the last one missing, and a deletion that was told as a value", () => {
    const there = rows("v/1", { version: "2-gcp" });
    isFine(checkWatch("w", [told("1-aws"), told("1-aws"), told("2-gcp")], there));
    finds(checkWatch("w", [told("2-gcp"), told("1-aws"), told("2-gcp")], there), /was told 1-aws after 2-gcp/);
    finds(checkWatch("w", [told("1-aws")], there), /last, not put 2-gcp/);
    finds(checkWatch("w", [], there), /told nothing/);
    finds(checkWatch("w", [told("2-gcp")], rows("v/1", { kind: "tombstone", version: "2-gcp" })), /not delete/);
    const gone = [told("2-gcp", "delete")];
    finds(checkWatch("w", gone, there), /last, not put 2-gcp/);
    isFine(checkWatch("w", gone, rows("v/1", { version: "2-gcp", expires: true })));
    assert.equal(isUpToDate([told("1-aws")], there), false);
    assert.equal(isUpToDate([told("1-aws"), told("2-gcp")], there), true);
  });
});

describe("the check of copies", () => {
  it("finds a key that differs or is missing anywhere", () => {
    const copies = (azure: Record<string, string>) =>
      new Map([
        ["aws", new Map([["v/1", "a"]])],
        ["azure", new Map(Object.entries(azure))],
      ]);
    isFine(checkCopies(copies({ "v/1": "a" })));
    finds(checkCopies(copies({ "v/1": "b" })), /differ: aws a, azure b/);
    finds(checkCopies(copies({})), /azure nothing/);
    finds(checkCopies(copies({ "v/1": "a", "v/2": "c" })), /v\/2: .* aws nothing/);
  });
});

describe("the check of a lost cloud's writes", () => {
  it("finds an acknowledged one that one of the other clouds does not have, or in another version", () => {
    const acknowledged = new Map([["v/1", "1-aws"]]);
    const has = rows("v/1", {});
    const left = (azure: ReadonlyMap<string, Row>) =>
      new Map([
        ["azure", azure],
        ["gcp", has],
      ]);
    isFine(checkLoss(acknowledged, left(has)));
    finds(checkLoss(acknowledged, left(new Map())), /is not in azure$/);
    finds(checkLoss(acknowledged, left(rows("v/1", { version: "0-aws" }))), /is not in azure$/);
  });
});
