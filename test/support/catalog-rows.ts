import fc from "fast-check";
import type { CatalogRow, Home, KeyRow, NamespaceRow } from "../../service/kv/catalog.ts";

/** Few times, origins and ids, so that ties are common. Two clouds give no two rows one version. */
const version = fc.oneof(
  fc.record(
    { time: fc.bigInt({ min: 1n, max: 3n }), origin: fc.constantFrom("aws", "gcp"), createdAt: fc.constant(1000) },
    { noNullPrototype: true },
  ),
  // What every cloud makes by itself, each at its own time.
  fc.record(
    { time: fc.constant(0n), origin: fc.constant(""), createdAt: fc.constantFrom(1000, 2000) },
    { noNullPrototype: true },
  ),
);

/** A field that follows from the version, so that it shows which row won. */
function mark({ time, origin, createdAt }: Pick<CatalogRow, "time" | "origin" | "createdAt">): string {
  return `${origin} ${time} ${createdAt}`;
}

const cloud = fc.option(fc.constantFrom("aws", "gcp"));
const home: fc.Arbitrary<Home> = fc.record(
  { home: cloud, movingTo: cloud, homeEpoch: fc.bigInt({ min: 0n, max: 2n }) },
  { noNullPrototype: true },
);

export const namespaceRow: fc.Arbitrary<NamespaceRow> = fc
  .record({ of: version, epoch: fc.bigInt({ min: 0n, max: 3n }), home })
  .map(({ of, epoch, home: at }) => {
    const isDeleted = of.time === 2n;
    const extra = of.origin === "gcp" ? { colour: [1, { a: null }] } : null;
    return { kind: "namespace", id: "n", ...of, epoch, isDeleted, settings: { by: mark(of) }, extra, ...at };
  });

export const keyRow: fc.Arbitrary<KeyRow> = fc
  .record({ of: version, revokedAt: fc.option(fc.constantFrom(3000, 4000)) })
  .map(({ of, revokedAt }) => {
    const rateLimit = of.time === 2n ? { requests: 5, seconds: 2 } : null;
    const expiresAt = of.time === 3n ? 9000 : null;
    const extra = of.origin === "gcp" ? { colour: "red" } : null;
    const hash = Buffer.alloc(32, Number(of.time));
    const rest = { name: mark(of), scopes: ["read:a", "write:*"], rateLimit, expiresAt, revokedAt, extra };
    return { kind: "key", id: "k", ...of, hash, ...rest };
  });

/** Rows of one namespace, or of one key. */
export const versionsOfARow: fc.Arbitrary<readonly CatalogRow[]> = fc.oneof(
  fc.array(namespaceRow, { minLength: 1, maxLength: 4 }),
  fc.array(keyRow, { minLength: 1, maxLength: 4 }),
);
