import assert from "node:assert/strict";
import fc from "fast-check";
import {
  afterPrefix,
  keyFault,
  keyOf,
  namespaceOf,
  namespacePattern,
  pathOf,
  shardOf,
  shards,
} from "../../../service/kv/path.ts";

const text = fc.string({ unit: "binary" }).filter((s) => s.isWellFormed());

describe("paths", () => {
  it("take namespace and key apart again, whatever the key holds", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/), text, (namespace, key) => {
        assert.equal(namespaceOf(pathOf(namespace, key)), namespace);
        assert.equal(keyOf(pathOf(namespace, key)), key);
      }),
    );
  });

  it("sort right behind a prefix at the text that afterPrefix names", () => {
    const bytes = (s: string) => Buffer.from(s);
    fc.assert(
      fc.property(text, text, text, (prefix, rest, other) => {
        const end = afterPrefix(prefix);
        if (end === null) return assert.match(prefix, /^\u{10ffff}*$/u);
        assert.ok(Buffer.compare(bytes(prefix + rest), bytes(end)) < 0);
        if (Buffer.compare(bytes(other), bytes(prefix)) >= 0 && !other.startsWith(prefix)) {
          assert.ok(Buffer.compare(bytes(other), bytes(end)) >= 0);
        }
      }),
      {
        numRuns: 1000,
        examples: [
          ["\ud7ff", "", "\ue000"],
          ["a\u{10ffff}", "x", "b"],
        ],
      },
    );
  });

  it("spread evenly over the shards", () => {
    const counts = new Array(shards).fill(0);
    for (let i = 0; i < 16_000; i++) counts[shardOf(`default/user-${i}`)]++;
    for (const count of counts) assert.ok(count > 3600 && count < 4400, String(counts));
  });

  it("always have the shard that other clouds and releases compute", () => {
    assert.deepEqual(["default/a", "default/b", "users/ü", "x/😀"].map(shardOf), [0, 1, 3, 0]);
  });

  it("hold keys of 1 to 512 bytes without U+0000", () => {
    assert.equal(keyFault(""), "empty");
    assert.equal(keyFault("a\0"), "nul");
    assert.equal(keyFault("\ud800"), "surrogate");
    assert.equal(keyFault("é".repeat(256)), null);
    assert.equal(keyFault(`${"é".repeat(256)}a`), "long");
  });

  it("have namespaces that no URL client eats and none that is reserved", () => {
    for (const good of ["a", "team-a", "0.1_x", "..."]) assert.match(good, namespacePattern);
    for (const bad of ["", ".", "..", "_x", "A", "a/b", "a:b", "a".repeat(65)])
      assert.doesNotMatch(bad, namespacePattern);
  });
});
