/** What every database does with namespaces and API keys, its own and those that peers send. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type CatalogRow, catalogDigest, type KeyRow, mergeRows, type NamespaceRow } from "../../service/kv/catalog.ts";
import { hybridTime } from "../../service/kv/clock.ts";
import { shardOf, shards } from "../../service/kv/path.ts";
import type { MemberStore } from "../../service/store/member.ts";
import type { ApiKeyRecord, Store } from "../../service/store/port.ts";
import { versionsOfARow } from "./catalog-rows.ts";
import type { memorySettings } from "./memory/catalog.ts";

export type CatalogSubject = {
  readonly member: MemberStore;
  readonly store: Pick<Store, "commit" | "read" | "receipt">;
  readonly settings: ReturnType<typeof memorySettings>;
};

let ids = 0;
const fresh = () => `catalog-${++ids}`;

function keyRecord(id: string): ApiKeyRecord {
  const times = { createdAt: 1_700_000_000_000, expiresAt: null, revokedAt: null };
  return { id, hash: Buffer.alloc(32, 7), name: "a key", scopes: ["read:*"], rateLimit: null, ...times };
}

export function catalogContract(subject: () => CatalogSubject): void {
  const member = () => subject().member;
  const settings = () => subject().settings;
  const now = () => hybridTime(Date.now());

  async function all(): Promise<CatalogRow[]> {
    const found: CatalogRow[] = [];
    for (;;) {
      const page = await member().catalogRows(found.at(-1) ?? null, 3);
      found.push(...page);
      if (page.length < 3) return found;
    }
  }
  const row = async (id: string) => (await all()).find((one) => one.id === id)!;
  const namespaceOf = async (id: string) => (await row(id)) as NamespaceRow;
  const keyOf = async (id: string) => (await row(id)) as KeyRow;
  const digestIsRight = async () => assert.equal(await member().catalogDigest(), catalogDigest(await all()));

  async function write(namespace: string, epoch: bigint, clock = now()) {
    const path = `${namespace}/k`;
    const body = Buffer.from("x");
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
    const draft = { kind: "value" as const, body, size: 1, ...rest };
    const more = { receipts: [], atomic: false, holds: [], keepVersions: false, clock, now: Date.now() };
    return (await subject().store.commit({ writes: [{ path, epoch, expects: null, draft }], ...more })).stamps[0]!;
  }

  describe("as for namespaces and API keys", () => {
    it("begins with a namespace of version zero, which every edit of any cloud replaces", async () => {
      const { time: version, origin: by } = await row("default");
      assert.deepEqual([version, by], [0n, ""]);
      await digestIsRight();
    });

    it("merges rows as the domain does, in any order", async () => {
      await fc.assert(
        fc.asyncProperty(versionsOfARow, async (some) => {
          const id = fresh();
          const named = some.map((one) => ({ ...one, id }));
          for (const one of named) await member().mergeCatalog([one]);
          const expected = named.reduce((a, b) => mergeRows(a, b));
          assert.deepEqual(await row(id), expected);
          const backwards = { ...expected, id: fresh() };
          for (const one of named.toReversed()) await member().mergeCatalog([{ ...one, id: backwards.id }]);
          assert.deepEqual(await row(backwards.id), backwards);
        }),
        { numRuns: 40 },
      );
      await digestIsRight();
    });

    it("lists the newest rows first, each once", async () => {
      const listed = await all();
      assert.ok(listed.length > 50);
      assert.equal(new Set(listed.map(({ kind, id }) => `${kind} ${id}`)).size, listed.length);
      assert.ok(listed.every(({ time: version }, i) => i === 0 || version <= listed[i - 1]!.time));
    });

    it("shows to clients what peers sent", async () => {
      const [name, id] = [fresh(), fresh()];
      const common = { time: now(), origin: "gcp", createdAt: 5000, extra: null };
      const hash = Buffer.alloc(32, 3);
      const key = { kind: "key" as const, id, ...common, hash, name: "theirs", scopes: ["read:*"], rateLimit: null };
      await member().mergeCatalog([
        {
          ...{ kind: "namespace", id: name, ...common, epoch: 0n, isDeleted: false, settings: { default_ttl: 5 } },
          ...{ home: null, movingTo: null, homeEpoch: 0n },
        },
        { ...key, expiresAt: null, revokedAt: null },
      ]);
      assert.deepEqual((await settings().namespace(name))!.settings, { default_ttl: 5 });
      const found = (await settings().apiKey(id))!;
      assert.deepEqual([found.name, found.hash, found.revokedAt], ["theirs", hash, null]);
      await member().mergeCatalog([{ ...key, expiresAt: null, revokedAt: 7000 }]);
      assert.equal((await settings().apiKey(id))!.revokedAt, 7000);
    });

    it("makes what is changed here newer than what was there, whatever the clock says", async () => {
      const [name, id] = [fresh(), fresh()];
      await settings().putNamespace(name, { a: 1 }, now());
      await settings().putApiKey(keyRecord(id), now());
      const [before, key] = [await row(name), await row(id)];
      await settings().putNamespace(name, { a: 2 }, 1n);
      await settings().revokeApiKey(id, 5000, 1n);
      assert.ok((await row(name)).time > before.time);
      assert.ok((await row(id)).time > key.time);
      await digestIsRight();
    });

    it("lets a key that every cloud makes by itself win over nothing", async () => {
      const id = fresh();
      await settings().putApiKey(keyRecord(id), null);
      const own = await keyOf(id);
      assert.deepEqual([own.time, own.origin], [0n, ""]);
      await member().mergeCatalog([{ ...own, time: 1n, origin: "gcp", revokedAt: 5000 }]);
      await settings().putApiKey(keyRecord(id), null);
      await member().mergeCatalog([own]);
      assert.equal((await keyOf(id)).revokedAt, 5000);
    });

    it("hides what a deletion elsewhere covers, whether or not the namespace lives again", async () => {
      const name = fresh();
      await settings().putNamespace(name, {}, now());
      const stamp = await write(name, 0n);
      const here = await namespaceOf(name);
      await member().mergeCatalog([
        { ...here, time: stamp.time + 1n, origin: "gcp", epoch: stamp.time + 1n, isDeleted: true },
      ]);
      assert.equal(await settings().namespace(name), null);
      assert.equal(await write(name, 0n), null, "nothing is written into it");
      // An edit that did not know of the deletion, and is newer.
      await member().mergeCatalog([{ ...here, time: stamp.time + 2n, origin: "azure" }]);
      const [current] = await member().current([`${name}/k`]);
      assert.deepEqual(current!.namespace, { epoch: stamp.time + 1n, isDeleted: false });
      assert.equal(current!.carried, null);
    });

    it("stamps above the epoch, also where the clock that made it was ahead", async () => {
      const name = fresh();
      await settings().putNamespace(name, {}, now());
      const ahead = now() + hybridTime(3000);
      await member().mergeCatalog([{ ...(await namespaceOf(name)), time: ahead, origin: "gcp", epoch: ahead }]);
      assert.ok((await write(name, ahead)).time > ahead);
    });

    it("covers with a deletion all that is here, though its clock is behind", async () => {
      const name = fresh();
      await settings().putNamespace(name, {}, now());
      const { time: written } = await write(name, 0n, now() + hybridTime(3000));
      await settings().deleteNamespace(name, now());
      assert.ok((await namespaceOf(name)).epoch >= written);
    });

    it("keeps fields that it does not know until the row is changed here", async () => {
      const name = fresh();
      const row: NamespaceRow = {
        ...{
          kind: "namespace",
          id: name,
          time: 5n,
          origin: "gcp",
          createdAt: 5000,
          extra: { colour: [1, { a: null }] },
        },
        ...{ epoch: 0n, isDeleted: false, settings: { of_newer: true }, home: null, movingTo: null, homeEpoch: 0n },
      };
      await member().mergeCatalog([row]);
      assert.deepEqual(await namespaceOf(name), row);
      await settings().putNamespace(name, {}, now());
      assert.equal((await namespaceOf(name)).extra, null);
    });

    it("makes keys due that waited for a namespace, and no others", async () => {
      await member().join(["gcp"], Date.now());
      const [unknown, busy] = ["nowhere/a", "default/b"];
      for (const [path, reason] of [
        [unknown, "unknown-namespace"],
        [busy, "busy"],
      ] as const) {
        const cursors = await member().lease("gcp", [shardOf(path)], "me", 60_000);
        const { to } = (await member().window(cursors, 1e6))!;
        const setAside = [{ path, time: 5n, reason, delay: 60_000 }];
        await member().advance(cursors, { to, delivered: [], setAside, hold: 60_000 });
      }
      const due = async () => {
        const cursors = await member().lease("gcp", [...Array(shards).keys()], "me", 60_000);
        return (await member().window(cursors, 1e6))!.paths;
      };
      assert.ok(!(await due()).includes(unknown));
      assert.deepEqual(await member().retryUnknown("gcp"), [shardOf(unknown)]);
      assert.ok((await due()).includes(unknown));
      assert.ok(!(await due()).includes(busy));
      await member().join([], Date.now());
    });
  });
}
