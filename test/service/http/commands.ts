/** What a client may do, as data: made by fast-check, small enough to be read when a run fails. */
import fc from "fast-check";
import type { Expiry } from "../../support/model.ts";

/** A condition by its meaning; which tags that is, shows when the command's turn comes. */
export type Wish =
  | "none"
  | "exists"
  | "absent"
  | "current"
  | "old"
  | "weak"
  | "listed"
  | "not current"
  | "not old"
  | "both"
  | "version"
  | "version old"
  | "version none";

/** Values by name, so that a failing run can be read. */
export const values = {
  empty: "",
  short: "größe\n",
  odd: "\u0000\ufeff",
  /** Read by itself. */
  large: "y".repeat(70_000),
  /** Kept in the blobs port. */
  blob: "z".repeat(2 ** 20 + 1),
};
type ValueName = keyof typeof values;

export type Wanted = { readonly key: string; readonly wish: Wish } & (
  | { readonly op: "delete" | "get" | "check" }
  | {
      readonly op: "put";
      readonly value: ValueName;
      readonly contentType: string | null;
      readonly meta: string | null;
      readonly expiry: Expiry;
    }
  | { readonly op: "touch"; readonly expiry: Expiry }
  | { readonly op: "increment"; readonly by: number }
);

/** `via` is the process that is asked; `once` an Idempotency-Key. */
export type Command =
  | { readonly do: "write"; readonly via: number; readonly wanted: Wanted; readonly once: string | null }
  | {
      readonly do: "read";
      readonly via: number;
      readonly key: string;
      readonly wish: Wish;
      readonly head: boolean;
      readonly fresh: "session" | "local" | "cached";
    }
  | {
      readonly do: "batch" | "transact";
      readonly via: number;
      readonly wanted: readonly Wanted[];
      readonly once: string | null;
    }
  /** Sends an earlier request with an Idempotency-Key once more, as it was. */
  | { readonly do: "again"; readonly via: number; readonly which: number }
  | {
      readonly do: "list";
      readonly via: number;
      readonly prefix: string;
      readonly delimiter: string | null;
      readonly limit: number;
      readonly values: boolean;
    }
  /** Goes on with the last list. */
  | { readonly do: "next page"; readonly via: number }
  | { readonly do: "clear"; readonly via: number; readonly prefix: string }
  | { readonly do: "wait"; readonly milliseconds: number | "until something expires" | "until just before" }
  /** A step of the reaper. */
  | { readonly do: "reap" };

/** Few, so that commands meet; with what URLs, lists and JSON could stumble over. */
const key = fc.constantFrom("a", "a/b", "a/b/c", "aa", "aab", "b:touch", "..", "%2Fé🦆");
const via = fc.constantFrom(0, 1);
const prefix = fc.constantFrom("", "a", "a/", "aa", "b", "é", "zz");
const wish = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Wish>("none") },
  { weight: 3, arbitrary: fc.constantFrom<Wish>("exists", "current", "listed", "not old", "both", "version") },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Wish>("absent", "old", "weak", "not current", "version old", "version none"),
  },
);
const value = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom<ValueName>("empty", "short", "odd") },
  { weight: 1, arbitrary: fc.constantFrom<ValueName>("large", "blob") },
);
const expiry = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Expiry>("default", "none") },
  { weight: 2, arbitrary: fc.constantFrom<Expiry>(1, 1000, 5000, 60_000, 3_600_000) },
  { weight: 1, arbitrary: fc.constant<Expiry>("keep") },
);
const put = fc.record({
  op: fc.constant("put" as const),
  key,
  wish,
  value,
  contentType: fc.constantFrom(null, "text/plain"),
  meta: fc.constantFrom(null, null, '{"a":1}'),
  expiry,
});
const written = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("delete" as const), key, wish }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("touch" as const), key, wish, expiry }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("increment" as const),
      key,
      wish,
      by: fc.constantFrom(1, -1, 0, 7, 1_000_000),
    }),
  },
);
const wanted: fc.Arbitrary<Wanted> = fc.oneof(
  { weight: 3, arbitrary: written },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("get" as const, "check" as const), key, wish }) },
);
const once = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom("one", "two") },
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("write" as const), via, wanted: written, once }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      via,
      key,
      wish,
      head: fc.boolean(),
      fresh: fc.constantFrom("session" as const, "local" as const, "cached" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("batch" as const, "transact" as const),
      via,
      // Mostly each key once, as transactions want it.
      wanted: fc.oneof(
        { weight: 5, arbitrary: fc.uniqueArray(wanted, { minLength: 1, maxLength: 6, selector: (one) => one.key }) },
        { weight: 1, arbitrary: fc.array(wanted, { minLength: 1, maxLength: 6 }) },
      ),
      once,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("again" as const), via, which: fc.nat(100) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("list" as const),
      via,
      prefix,
      delimiter: fc.constantFrom(null, "/", "a", "aa", "/b", "🦆"),
      limit: fc.constantFrom(1, 2, 3, 100),
      values: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("next page" as const), via }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("clear" as const), via, prefix: fc.constantFrom("a/", "aa", "b", "zz") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      milliseconds: fc.constantFrom<number | "until something expires" | "until just before">(
        ...[1, 500, 999, 1000, 1001, 7_200_000],
        ...(["until something expires", "until something expires", "until just before"] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "reap" as const }) },
);
