import assert from "node:assert/strict";
import fc from "fast-check";
import type { Carried } from "../../../service/kv/carried.ts";
import { differing, summarise } from "../../../service/replication/digests.ts";
import {
  decode,
  encode,
  type Head,
  ProtocolError,
  readAnswer,
  readRequest,
} from "../../../service/replication/protocol.ts";
import { MalformedError } from "../../../service/replication/wire.ts";
import { versionsOfARow } from "../../support/catalog-rows.ts";
import { entry } from "../../support/entries.ts";

const head: Head = {
  sender: { peer: "aws", incarnation: "aaaaaaaaaaaa", incarnatedAt: 5 },
  to: "bbbbbbbbbbbb",
  stage: "restored",
  news: { floor: 7n << 16n, confirmed: 9n << 16n, yours: null, expelled: {}, settled: true },
};
const json = fc.jsonValue().map((some) => JSON.parse(JSON.stringify(some)));
const extra = fc.option(
  fc.dictionary(fc.constantFrom("colour", "x-new", "a"), json, { minKeys: 1, noNullPrototype: true }),
);
const path = fc.constantFrom("default/k", "a/é\n😀", "a/b/c");
const marks = fc.dictionary(
  fc.constantFrom("aws", "gcp", "azure"),
  fc.record({ since: fc.nat(), transaction: fc.nat() }, { noNullPrototype: true }),
  { noNullPrototype: true },
);
const carried: fc.Arbitrary<Carried> = fc.record({ entry, marks, extra, path }, { noNullPrototype: true });

/** A message of another release: the JSON changed, the values left as they are. */
function rewrite(bytes: Uint8Array, change: (json: Record<string, unknown>) => void): Uint8Array {
  const buffer = Buffer.from(bytes);
  const end = 4 + buffer.readUInt32BE(0);
  const json = JSON.parse(buffer.toString("utf8", 4, end));
  change(json);
  const text = Buffer.from(JSON.stringify(json));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, buffer.subarray(end)]);
}

describe("the peers' protocol", () => {
  it("gives back every entry as it was", () => {
    fc.assert(
      fc.property(fc.uniqueArray(carried, { selector: ({ path }) => path, maxLength: 3 }), (entries) => {
        const message = decode(encode({ head, body: { kind: "batch", entries } }), readRequest);
        assert.deepEqual(message, { head, body: { kind: "batch", entries } });
      }),
    );
  });

  it("understands a newer release that needs no more than this one, and keeps its unknown fields of entries", () => {
    fc.assert(
      fc.property(carried, (one) => {
        const sent = rewrite(encode({ head, body: { kind: "batch", entries: [{ ...one, extra: null }] } }), (json) => {
          json.protocol = 99;
          json["said-by-newer"] = true;
          Object.assign((json.body as { entries: object[] }).entries[0]!, { "of-newer": [1, { a: null }] });
        });
        const { body } = decode(sent, readRequest);
        assert.ok(body.kind === "batch");
        assert.deepEqual(body.entries[0]!.extra, { "of-newer": [1, { a: null }] });
        const passedOn = decode(encode({ head, body }), readRequest);
        assert.deepEqual(passedOn.body, body);
      }),
      { numRuns: 50 },
    );
  });

  it("tells of expulsions, and takes an older release that does not for one that knows of none and is not compared", () => {
    const news = { ...head.news, expelled: { gcp: 7 } };
    const sent = encode({ head: { ...head, news }, body: { kind: "heartbeat", claims: [], catalog: null } });
    assert.deepEqual(decode(sent, readRequest).head.news, news);
    const older = rewrite(sent, (json) => {
      delete json.expelled;
      delete json.settled;
    });
    assert.deepEqual(decode(older, readRequest).head.news, { ...news, expelled: {}, settled: false });
    for (const expelled of [7, null, { "no cloud": 7 }, { gcp: "7" }, { gcp: -1 }]) {
      const wrong = rewrite(sent, (json) => {
        json.expelled = expelled;
      });
      assert.throws(() => decode(wrong, readRequest), MalformedError);
    }
  });

  it("gives back every row of the catalog as it was, with the fields of newer releases", () => {
    fc.assert(
      fc.property(versionsOfARow, fc.boolean(), (rows, isFirst) => {
        const after = isFirst ? null : { time: 5n, kind: "key" as const, id: "k" };
        const body = { kind: "catalog" as const, after, rows, digest: 12n };
        assert.deepEqual(decode(encode({ head, body }), readRequest).body, body);
        const { after: _, ...answer } = body;
        assert.deepEqual(decode(encode({ head, body: answer }), readAnswer).body, answer);
      }),
    );
  });

  it("hears a peer that tells nothing of its catalog", () => {
    const sent = rewrite(encode({ head, body: { kind: "heard", catalog: 5n } }), (json) => {
      delete (json.body as Record<string, unknown>).catalog;
    });
    assert.deepEqual(decode(sent, readAnswer).body, { kind: "heard", catalog: null });
  });

  it("refuses what needs a newer release, and kinds that it does not know", () => {
    const message = encode({ head, body: { kind: "heartbeat", claims: [], catalog: null } });
    const newer = rewrite(message, (json) => (json.needs = 2));
    assert.throws(() => decode(newer, readRequest), ProtocolError);
    const unknown = rewrite(message, (json) => (json.body = { kind: "gossip" }));
    assert.throws(() => decode(unknown, readRequest), ProtocolError);
    assert.throws(() => decode(unknown, readAnswer), ProtocolError);
  });

  it("calls every cut, empty or changed message malformed, and never anything else", () => {
    fc.assert(
      fc.property(carried, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (one, at, byte, cut) => {
        const bytes = Buffer.from(encode({ head, body: { kind: "batch", entries: [one] } }));
        const broken = cut ? bytes.subarray(0, at % bytes.length) : bytes;
        if (!cut) broken[at % bytes.length] = byte;
        try {
          decode(broken, readRequest);
        } catch (error) {
          assert.ok(error instanceof MalformedError || error instanceof ProtocolError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses a blob that is not named by a digest", () => {
    fc.assert(
      fc.property(carried, fc.constantFrom("../../../etc/passwd", "", "ABC", "a".repeat(63)), (one, blob) => {
        const message = rewrite(encode({ head, body: { kind: "batch", entries: [one] } }), (json) => {
          const [entry] = (json.body as { entries: Record<string, unknown>[] }).entries;
          Object.assign(entry!, { kind: "v", blob, size: 1 });
          delete entry!.length;
        });
        assert.throws(() => decode(message, readRequest), MalformedError);
      }),
      { numRuns: 20 },
    );
  });

  it("takes each key once in a batch: what came second would be decided on a state that is gone", () => {
    fc.assert(
      fc.property(carried, (one) => {
        const twice = encode({ head, body: { kind: "batch", entries: [one, one] } });
        assert.throws(() => decode(twice, readRequest), MalformedError);
      }),
      { numRuns: 20 },
    );
  });
});

describe("sums of digests", () => {
  it("tell two equal pairs from two other equal pairs", () => {
    const rows = (...digests: bigint[]) => digests.map((digest, i) => ({ path: `a/${i}`, digest }));
    assert.notDeepEqual(summarise(rows(5n, 5n, 1n)), summarise(rows(9n, 9n, 1n)));
    assert.deepEqual(summarise(rows((1n << 64n) - 1n, 2n)).sum, 1n);
  });

  it("find what only one side has, and what both have in another state", () => {
    const row = (path: string, digest: bigint) => ({ path, digest });
    const mine = [row("a/1", 1n), row("a/2", 2n), row("a/3", 3n)];
    const theirs = [row("a/2", 2n), row("a/3", 4n), row("a/4", 4n)];
    assert.deepEqual(differing(mine, theirs), ["a/1", "a/3", "a/4"]);
  });
});
