import {
  type Ancestors,
  type Counter,
  counterValue,
  type Entry,
  isLive,
  type Stored,
  tagOf,
  type Value,
} from "./entry.ts";
import { zeroVersion } from "./version.ts";

/** `*` or a list of strong entity tags without their quotes (weak ones never match, so they are left out). */
export type Tags = "*" | readonly string[];

/** RFC 9110 preconditions of one request; null where the client sent none. */
export type Conditions = { readonly ifMatch: Tags | null; readonly ifNoneMatch: Tags | null };

export const unconditional: Conditions = { ifMatch: null, ifNoneMatch: null };

/** When a written value expires: never, at a time (milliseconds since 1970), or when the one it replaces would. */
export type Expiry = { readonly at: number | null } | { readonly keep: true; readonly otherwise: number | null };

/** Bytes to write, with what HTTP says of them. */
export type NewValue = Pick<Value, "body" | "blob" | "size" | "contentType" | "contentEncoding" | "meta">;

/** What a client asks to be done with one key. */
export type Operation =
  | { readonly kind: "put"; readonly value: NewValue; readonly expiry: Expiry; readonly conditions: Conditions }
  | { readonly kind: "delete"; readonly conditions: Conditions }
  | { readonly kind: "touch"; readonly expiry: Expiry; readonly conditions: Conditions }
  | { readonly kind: "increment"; readonly by: number; readonly conditions: Conditions }
  /** Makes it a counter with this sum, whatever is there: an import of one. */
  | { readonly kind: "count"; readonly to: number; readonly conditions: Conditions }
  /** These write nothing: the part of a transaction that reads a key, and the one that demands a state of it. */
  | { readonly kind: "get" | "check"; readonly conditions: Conditions };

/** A state before it is stamped: the version is given under the row lock. */
export type Draft =
  | Omit<Value, "version" | "seen">
  | { readonly kind: "tombstone" }
  | Omit<Counter, "version" | "seen">;

/** Why an operation writes nothing. */
export type Refusal = "condition-failed" | "not-found" | "not-a-counter" | "counter-overflow" | "counter-never-expires";

export type Decision =
  | { readonly do: "write"; readonly draft: Draft; readonly replaces: boolean }
  | { readonly do: "nothing" }
  /** `current` is the live entry that was found. */
  | { readonly do: "refuse"; readonly reason: Refusal; readonly current: Value | Counter | null };

/** Whether the outcome depends on the state of the key, so that it must be known before the write. */
export function needsCurrent(operation: Operation): boolean {
  if (operation.kind !== "put" && operation.kind !== "delete") return true;
  if (operation.conditions.ifMatch !== null || operation.conditions.ifNoneMatch !== null) return true;
  return operation.kind === "put" && "keep" in operation.expiry;
}

/**
 * What an operation does to the current state of its key: pure, so that the service, the tests' model and the
 * simulation share it. `now` is milliseconds since 1970; an expired entry counts as absent.
 */
export function decide(operation: Operation, stored: Stored | null, now: number, origin: string): Decision {
  const current = isLive(stored?.entry, now) ? (stored!.entry as Value | Counter) : null;
  if (!holds(operation.conditions, current)) return { do: "refuse", reason: "condition-failed", current };
  const replaces = current !== null;
  switch (operation.kind) {
    case "put":
      return {
        do: "write",
        draft: { kind: "value", ...operation.value, expiresAt: expiryOf(operation.expiry, current) },
        replaces,
      };
    case "delete":
      return { do: "write", draft: { kind: "tombstone" }, replaces };
    case "get":
    case "check":
      return { do: "nothing" };
    case "touch": {
      if (current === null) return { do: "refuse", reason: "not-found", current };
      if (current.kind === "counter") return { do: "refuse", reason: "counter-never-expires", current };
      const { version: _version, seen: _seen, ...value } = current;
      return { do: "write", draft: { ...value, expiresAt: expiryOf(operation.expiry, current) }, replaces };
    }
    case "increment":
      if (current?.kind === "value") return { do: "refuse", reason: "not-a-counter", current };
      return increment(operation.by, current, stored?.entry ?? null, origin);
    case "count": {
      const counter = current?.kind === "counter" ? current : null;
      const by = operation.to - (counter === null ? 0 : counterValue(counter));
      const decision = increment(by, counter, stored?.entry ?? null, origin);
      return decision.do === "write" ? { ...decision, replaces } : decision;
    }
  }
}

/** RFC 9110 section 13.2.2, for methods that write: `If-Match` first, then `If-None-Match`. */
export function holds(conditions: Conditions, current: Value | Counter | null): boolean {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== null && !matches(ifMatch, current)) return false;
  return ifNoneMatch === null || !matches(ifNoneMatch, current);
}

/** Whether the current entry is one of `tags`; nothing matches an absent entry, not even `*`. */
export function matches(tags: Tags, current: Entry | null): boolean {
  if (current === null) return false;
  return tags === "*" || tags.includes(tagOf(current));
}

function expiryOf(expiry: Expiry, current: Entry | null): number | null {
  if ("at" in expiry) return expiry.at;
  return current?.kind === "value" ? current.expiresAt : expiry.otherwise;
}

function increment(by: number, current: Counter | null, previous: Entry | null, origin: string): Decision {
  // A counter is born over what was there, mostly a tombstone or an expired value: the older write cannot undo it.
  const counter: Pick<Counter, "epoch" | "cells"> = current ?? { epoch: previous?.version ?? zeroVersion, cells: {} };
  const own = counter.cells[origin] ?? { time: 0n, sum: 0 };
  const total = (current ? counterValue(current) : 0) + by;
  if (!Number.isSafeInteger(own.sum + by) || !Number.isSafeInteger(total))
    return { do: "refuse", reason: "counter-overflow", current };
  const cells = { ...counter.cells, [origin]: { time: own.time, sum: own.sum + by } };
  return { do: "write", draft: { kind: "counter", epoch: counter.epoch, cells }, replaces: current !== null };
}

/** The entry that a draft becomes once the database has given it a version. */
export function stamp(draft: Draft, time: bigint, origin: string, seen: Ancestors): Entry {
  const version = { time, origin };
  if (draft.kind === "tombstone") return { kind: "tombstone", version, seen };
  if (draft.kind === "value") return { ...draft, version, seen };
  const own = draft.cells[origin]!;
  return { ...draft, version, seen, cells: { ...draft.cells, [origin]: { time, sum: own.sum } } };
}
