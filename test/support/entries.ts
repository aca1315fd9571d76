import fc from "fast-check";
import type { Cell, Counter, Entry, Stored } from "../../service/kv/entry.ts";
import { newestCell } from "../../service/kv/merge.ts";
import type { Version } from "../../service/kv/version.ts";

/** Few times and origins, so that ties and near-ties are common. */
export const origins = ["aws", "azure", "gcp"] as const;
export const time = fc.bigInt({ min: 1n, max: 5n });
export const version: fc.Arbitrary<Version> = fc.record(
  { time, origin: fc.constantFrom<string>(...origins) },
  { noNullPrototype: true },
);

const seen = fc.dictionary(fc.constantFrom<string>(...origins), time, { noNullPrototype: true });

export const value = fc
  .record(
    {
      kind: fc.constant("value" as const),
      version,
      seen: fc.constant({}),
      body: fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
      blob: fc.constant(null),
      size: fc.constant(0),
      contentType: fc.constantFrom(null, "text/plain"),
      contentEncoding: fc.constant(null),
      meta: fc.constantFrom(null, '{"a":1}'),
      expiresAt: fc.option(fc.integer({ min: 1, max: 3 })),
    },
    { noNullPrototype: true },
  )
  .map((entry) => ({ ...entry, size: entry.body.length }));

export const tombstone = fc.record(
  { kind: fc.constant("tombstone" as const), version, seen: fc.constant({}) },
  { noNullPrototype: true },
);

/** A cell's sum is a function of its time, as it is where each origin counts on its own. */
const cells = fc
  .dictionary(fc.constantFrom<string>(...origins), fc.bigInt({ min: 6n, max: 9n }), {
    minKeys: 1,
    noNullPrototype: true,
  })
  .map((times) =>
    Object.fromEntries(
      Object.entries(times).map(([origin, at]): [string, Cell] => [origin, { time: at, sum: Number(at) }]),
    ),
  );

export const counter: fc.Arbitrary<Counter> = fc
  .record({ epoch: fc.oneof(version, fc.constant({ time: 0n, origin: "" })), cells, seen }, { noNullPrototype: true })
  .map((parts) => ({ kind: "counter", ...parts, version: newestCell(parts.cells) }));

export const entry: fc.Arbitrary<Entry> = fc.oneof(value, tombstone, counter);
export const maybeEntry: fc.Arbitrary<Entry | null> = fc.option(entry, { freq: 8 });

export function stored(entry: Entry, changed = 1): Stored {
  return { entry, changed };
}
