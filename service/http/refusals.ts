import type { Refusal } from "../kv/decide.ts";
import { type Entry, tagOf } from "../kv/entry.ts";
import { Problem } from "./problems.ts";

const details: Record<Refusal, string> = {
  "condition-failed": "the entry is not in the state that the condition names; `current` is what is there",
  "not-found": "there is no entry with this key, or it has expired",
  "not-a-counter": "the entry holds a value; delete it first, or use another key",
  "counter-never-expires": "the entry is a counter, and counters have no expiry",
  "counter-overflow": "the sum would leave the range of exact integers, plus or minus 2^53-1",
};

/** The problem of a refused operation. `current` is the entry's tag, or null where there is none. */
export function refusalOf(
  reason: Refusal,
  current: Entry | null,
  headers: Record<string, string> = {},
  members: Record<string, unknown> = {},
): Problem {
  const tag = current === null || current.kind === "tombstone" ? null : tagOf(current);
  return new Problem(
    reason,
    details[reason],
    reason === "condition-failed" ? { current: tag, ...members } : members,
    headers,
  );
}
