/** What every database does with the homes of namespaces. */
import assert from "node:assert/strict";
import { hybridTime } from "../../service/kv/clock.ts";
import type { Commit, Receipt } from "../../service/store/port.ts";
import type { CatalogSubject } from "./catalog-contract.ts";

let ids = 0;

export function homeContract(subject: () => CatalogSubject): void {
  const member = () => subject().member;
  const aws = { home: "aws", movingTo: null };

  async function fresh(): Promise<string> {
    const name = `home-${++ids}`;
    await subject().settings.putNamespace(name, {}, hybridTime(Date.now()));
    return name;
  }
  const at = async (name: string) => {
    const { home, movingTo, homeEpoch } = (await member().namespaceRow(name))!;
    return { home, movingTo, homeEpoch };
  };
  /** Whether it was written. */
  async function write(name: string, homeEpoch: bigint, receipts: Receipt[] = []): Promise<number | null> {
    const body = Buffer.from("x");
    const rest = { blob: null, contentType: null, contentEncoding: null, meta: null, expiresAt: null };
    const draft = { kind: "value" as const, body, size: 1, ...rest };
    const home = homeEpoch > 0n && { homeEpoch };
    const commit: Commit = {
      ...{ writes: [{ path: `${name}/k`, epoch: 0n, ...home, expects: null, draft }], receipts },
      ...{ atomic: false, holds: [], keepVersions: false, clock: hybridTime(Date.now()), now: Date.now() },
    };
    return (await subject().store.commit(commit)).stamps[0]?.changed ?? null;
  }

  describe("as for homes", () => {
    it("puts one state in the place of the one that is named, and of no other", async () => {
      const name = await fresh();
      const before = await member().catalogDigest();
      assert.deepEqual(await at(name), { home: null, movingTo: null, homeEpoch: 0n });
      assert.equal(await member().changeHome(name, 0n, { ...aws, homeEpoch: 1n }), true);
      assert.equal(await member().changeHome(name, 0n, { home: "gcp", movingTo: null, homeEpoch: 2n }), false);
      assert.deepEqual(await at(name), { ...aws, homeEpoch: 1n });
      assert.notEqual(await member().catalogDigest(), before, "peers must hear of it");
      assert.equal(await member().namespaceRow("nowhere"), null);
    });

    it("keeps the later state of a home, whichever row is newer", async () => {
      const name = await fresh();
      await member().changeHome(name, 0n, { ...aws, homeEpoch: 5n });
      const row = (await member().namespaceRow(name))!;
      const older = { home: "gcp", movingTo: null, homeEpoch: 4n };
      await member().mergeCatalog([{ ...row, ...older, time: row.time + 1n, settings: { a: 1 } }]);
      assert.deepEqual(await at(name), { ...aws, homeEpoch: 5n });
      assert.deepEqual((await member().namespaceRow(name))!.settings, { a: 1 });
      await member().mergeCatalog([{ ...row, home: "gcp", movingTo: "azure", homeEpoch: 6n, time: 1n }]);
      assert.deepEqual(await at(name), { home: "gcp", movingTo: "azure", homeEpoch: 6n });
      assert.deepEqual((await member().namespaceRow(name))!.settings, { a: 1 });
    });

    it("writes only what was decided under the present home", async () => {
      const name = await fresh();
      assert.ok(await write(name, 0n));
      await member().changeHome(name, 0n, { ...aws, homeEpoch: 1n });
      assert.equal(await write(name, 0n), null);
      assert.ok(await write(name, 1n));
      await member().changeHome(name, 1n, { home: "aws", movingTo: "gcp", homeEpoch: 2n });
      assert.equal(await write(name, 1n), null);
    });

    it("tells below which transaction all lies that was decided before, once it can know", async () => {
      const name = await fresh();
      const written = (await write(name, 0n))!;
      await member().changeHome(name, 0n, { home: null, movingTo: "gcp", homeEpoch: 1n });
      assert.equal(await member().stopHome(name, 1n, 60_000), null, "a statement may still be under way");
      assert.equal(await member().stopHome(name, 0n, 0), null, "of another state");
      const stop = (await member().stopHome(name, 1n, 0))!;
      assert.ok(stop > written);
      await write(await fresh(), 0n);
      assert.equal(await member().stopHome(name, 1n, 60_000), stop);
    });

    it("need not wait where the namespace was never known before", async () => {
      const name = `home-${++ids}`;
      const common = { time: 1n, origin: "gcp", createdAt: 5000, extra: null };
      const home = { home: null, movingTo: "gcp", homeEpoch: 1n };
      const row = {
        kind: "namespace" as const,
        id: name,
        ...common,
        epoch: 0n,
        isDeleted: false,
        settings: {},
        ...home,
      };
      await member().mergeCatalog([row]);
      assert.ok(await member().stopHome(name, 1n, 60_000));
    });

    it("hands on the first answers of a namespace, which name who wrote", async () => {
      const name = await fresh();
      await member().changeHome(name, 0n, { ...aws, homeEpoch: 1n });
      const receipt = (text: string, namespace?: string): Receipt => ({
        ...{ scope: Buffer.alloc(32, text), fingerprint: Buffer.alloc(32, "f"), answer: [{ a: 1 }], path: `${name}/k` },
        ...(namespace !== undefined && { namespace }),
      });
      for (const one of [receipt(`${name} b`, name), receipt(`${name} a`, name), receipt(`${name} stays`)])
        await write(name, 1n, [one]);
      const [first] = await member().receiptsOf(name, null, 1);
      const rest = await member().receiptsOf(name, first!.scope, 10);
      const texts = [first!, ...rest].map(({ scope }) => scope);
      assert.deepEqual(
        texts,
        [`${name} a`, `${name} b`].map((text) => Buffer.alloc(32, text).toString("hex")),
      );
      const scope = Buffer.alloc(32, `${name} moved`);
      const moved = { ...first!, scope: scope.toString("hex") };
      const [time] = moved.written![`${name}/k`]!;
      await member().putReceipts(name, [{ ...moved, written: { [`${name}/k`]: [time, true, "gcp"] } }]);
      await member().putReceipts(name, [{ ...moved, written: null }]);
      const kept = (await subject().store.receipt(scope))!;
      assert.deepEqual(kept.written.get(`${name}/k`), { time: BigInt(time), origin: "gcp", replaced: true });
      assert.deepEqual(kept.answer, [{ a: 1 }]);
      assert.equal((await member().receiptsOf(name, null, 10)).length, 3, "it moves on with the namespace");
    });
  });
}
