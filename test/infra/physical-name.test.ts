import assert from "node:assert/strict";
import fc from "fast-check";
import { physicalName } from "../../infra/physical-name.ts";

/** What Pulumi allows as the name of a stack. */
const stacks = fc.stringMatching(/^[A-Za-z0-9_.-]{1,100}$/);
const words = fc.constantFrom("api", "replicator", "migration", "secrets", "nodes", "cache", "images", "admin-key");

describe("physical names", () => {
  it("are of a-z, 0-9 and single hyphens, begin with a letter, and are no longer than the service allows", () => {
    fc.assert(
      fc.property(stacks, words, fc.integer({ min: 12, max: 255 }), (stack, word, longest) => {
        const name = physicalName(longest, "skykv", stack, word);
        assert.match(name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
        assert.ok(name.length <= longest && name.length >= 6, name);
      }),
    );
  });

  it("of two stacks are never the same, however long and alike", () => {
    fc.assert(
      fc.property(stacks, stacks, words, (one, other, word) => {
        fc.pre(one !== other);
        assert.notEqual(physicalName(30, "skykv", one, word), physicalName(30, "skykv", other, word));
      }),
    );
    assert.notEqual(physicalName(30, "skykv", "prod", "api"), physicalName(30, "skykv", "PROD", "api"));
    const long = "a".repeat(80);
    assert.notEqual(physicalName(30, "skykv", `${long}1`, "api"), physicalName(30, "skykv", `${long}2`, "api"));
  });

  it("are what they say where that is allowed", () => {
    assert.equal(physicalName(30, "skykv", "gcp", "replicator"), "skykv-gcp-replicator");
  });
});
