import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { json, type Namespace, SkyKV, type WatchEvent } from "../../client/client.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { all } from "./fake.ts";

describe("client: with the service", () => {
  let service: TestService;
  let kv: SkyKV;
  let entries: Namespace;

  before(async () => {
    service = await startTestService();
    kv = new SkyKV({ url: service.url, key: service.adminKey });
  });
  after(() => service?.close());
  beforeEach(async function () {
    const name = `t${createHash("sha1").update(this.currentTest!.fullTitle()).digest("hex").slice(0, 12)}`;
    await kv.namespaces.put(name);
    entries = kv.namespace(name);
  });

  it("writes, reads, compares and swaps, touches, counts and deletes", async () => {
    const written = await entries.putJson("users/42", { name: "Ada", id: 1 }, { ttl: 3600, meta: { by: "tést" } });
    assert.equal(written.created, true);
    const entry = await entries.get("users/42");
    assert.ok(entry);
    assert.deepEqual(entry.json(), { name: "Ada", id: 1 });
    assert.equal(entry.etag, written.etag);
    assert.equal(entry.version, written.version);
    assert.equal(entry.origin, "local");
    assert.deepEqual(entry.meta, { by: "tést" });
    assert.equal(entry.size, 21);
    assert.equal(entry.expiresAt?.getTime(), written.expiresAt?.getTime());
    assert.ok(Math.abs(entry.updatedAt.getTime() - Date.now()) < 60_000);
    assert.equal(await entries.get("users/42", { ifNoneMatch: entry.etag }), "unchanged");
    assert.equal((await entries.head("users/42"))?.contentType, "application/json");

    await assert.rejects(entries.put("users/42", "x", { createOnly: true }), {
      code: "condition-failed",
      current: entry.etag,
    });
    const swapped = await entries.put("users/42", "new", { ifMatch: entry.etag, keepTtl: true });
    assert.equal(swapped.created, false);
    assert.equal(swapped.expiresAt?.getTime(), written.expiresAt?.getTime());
    const touched = await entries.touch("users/42", { ttl: "none" });
    assert.equal(touched?.expiresAt, null);
    assert.equal(await entries.touch("absent", { ttl: 1 }), null);
    assert.equal(await entries.increment("visits", 40), 40);
    assert.equal(await entries.increment("visits", 2), 42);
    assert.equal((await entries.get("visits"))?.kind, "counter");
    await entries.delete("users/42");
    assert.equal(await entries.get("users/42"), null);
    await assert.rejects(kv.namespace("nowhere").get("k"), { code: "namespace-not-found" });
  });

  it("keeps every key and every byte", async () => {
    const keys = [
      "a/b",
      "a//b",
      "/",
      ".",
      "..",
      "../x",
      "x/./y",
      "%2e%2e",
      "ü/😀",
      "a b?c=d#e&f",
      "x:increment",
      "a+b",
      "\n\t",
      "%",
    ];
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const key of keys) {
      const value = new Uint8Array([...new TextEncoder().encode(key), ...bytes]);
      assert.equal((await entries.put(key, value)).created, true, key);
      assert.deepEqual((await entries.get(key))?.value, value, key);
      assert.equal((await entries.head(key))?.size, value.length, key);
      assert.ok(await entries.touch(key, { ttl: 60 }), key);
    }
    assert.deepEqual((await all(entries.list())).map(({ key }) => key).sort(), keys.toSorted());
    for (const key of keys) await entries.delete(key);
    assert.deepEqual(await all(entries.list()), []);
    for (const value of ["", "\ufeffmark", "x"]) {
      await entries.put("k", value);
      assert.equal(await entries.getText("k"), value);
    }
  });

  it("streams a large value up and down", async () => {
    const size = 25 * 2 ** 20;
    const chunk = Uint8Array.from({ length: 2 ** 16 }, (_, i) => (i * 7) % 251);
    const source = () => {
      let left = size;
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(chunk.subarray(0, Math.min(left, chunk.length)));
          left -= chunk.length;
          if (left <= 0) controller.close();
        },
      });
    };
    const digest = async (stream: ReadableStream<Uint8Array>) => {
      const hash = createHash("sha256");
      for await (const part of stream) hash.update(part);
      return hash.digest("hex");
    };
    await entries.put("large", source(), { contentType: "video/x-test" });
    const found = await entries.getStream("large");
    assert.ok(found);
    assert.equal(found.size, size);
    assert.equal(await digest(found.value), await digest(source()));
    await assert.rejects(entries.put("larger", new Blob([new Uint8Array(size + 1)])), {
      code: "too-large",
      limit: size,
    });
  });

  it("lists by prefix, folds at a delimiter and fetches values beyond the answer's room", async () => {
    const large = "x".repeat(3 * 2 ** 20);
    await entries.batch([
      ...["a/1", "a/2", "b/1", "c"].map((key) => ({ op: "put", key, value: key }) as const),
      ...["l1", "l2", "l3", "l4"].map((key) => ({ op: "put", key, value: large }) as const),
    ]);
    assert.deepEqual(
      (await all(entries.list({ prefix: "a/" }))).map(({ key }) => key),
      ["a/1", "a/2"],
    );
    const pages = await all(entries.list({ delimiter: "/", limit: 2 }).pages());
    assert.deepEqual(
      pages.flatMap(({ prefixes }) => prefixes),
      ["a/", "b/"],
    );
    const values = await all(entries.list({ prefix: "l", values: true }));
    assert.deepEqual(
      values.map((entry) => entry.text() === large),
      [true, true, true, true],
    );
    const gets = await entries.batch(["l1", "l2", "l3", "l4", "absent"].map((key) => ({ op: "get", key }) as const));
    assert.deepEqual(
      gets.map(({ entry, status }) => [entry?.text().length, status]),
      [...Array.from({ length: 4 }, () => [large.length, 200]), [undefined, 404]],
    );
    assert.equal(await entries.deletePrefix("l"), 4);
  });

  it("does batches operation by operation and transactions as one", async () => {
    const [put, refused, count] = await entries.batch([
      { op: "put", key: "a", value: json({ n: 1 }), ttl: 60 },
      { op: "put", key: "b", value: "b", ifMatch: "0000000000000000-local" },
      { op: "increment", key: "n", by: 3 },
    ]);
    assert.equal(put?.status, 201);
    assert.equal(refused?.error?.code, "condition-failed");
    assert.equal(count?.value, 3);
    const attempt = entries.transact([
      { op: "put", key: "c", value: "c" },
      { op: "check", key: "a", ifMatch: "0000000000000000-local" },
    ]);
    await assert.rejects(attempt, { code: "condition-failed", index: 1, key: "a", current: put?.etag });
    assert.equal(await entries.get("c"), null);
    const moved = await entries
      .transact([
        { op: "check", key: "a", ifMatch: put!.etag! },
        { op: "get", key: "b" },
        { op: "put", key: "c", value: new Uint8Array([255]) },
        { op: "touch", key: "n2", ttl: 5 },
      ])
      .catch((error: unknown) => error);
    assert.equal((moved as { code: string }).code, "not-found");
    await entries.transact([
      { op: "check", key: "a", ifMatch: put!.etag! },
      { op: "put", key: "c", value: new Uint8Array([255]) },
    ]);
    assert.deepEqual([...((await entries.get("c"))?.value ?? [])], [255]);
  });

  it("watches: a snapshot, live changes, and again from a cursor", async () => {
    await entries.put("w/old", "1");
    const taken: WatchEvent[] = [];
    for await (const event of entries.watch({ prefix: "w/", snapshot: true, values: true })) {
      taken.push(event);
      if (event.type === "live") {
        await entries.put("elsewhere", "1");
        await entries.put("w/new", "2");
        await entries.delete("w/old");
      }
      if (event.type === "delete") break;
    }
    assert.deepEqual(
      taken.map((event) => ("key" in event ? `${event.type} ${event.key}` : event.type)),
      ["put w/old", "live", "put w/new", "delete w/old"],
    );
    const live = taken[1];
    const put = taken[2];
    assert.ok(live?.type === "live" && put?.type === "put");
    assert.equal(new TextDecoder().decode(put.value!), "2");
    for await (const event of entries.watch({ prefix: "w/", since: live.cursor })) {
      assert.ok(event.type === "put" && event.key === "w/new");
      break;
    }
    const before = await all(
      (async function* () {
        for await (const event of entries.watch({ since: "AAAA" })) {
          yield event;
          if (event.type === "live") return;
        }
      })(),
    ).catch((error: { code: string }) => error.code);
    assert.equal(before, "bad-cursor");
  });

  it("exports what it imported, to the byte, and can copy a namespace", async () => {
    const records = Array.from({ length: 2500 }, (_, i) => ({
      key: `k${i.toString().padStart(5, "0")}`,
      value: i % 2 === 0 ? `value ${i}` : new Uint8Array([i & 255, 255]),
      contentType: i % 3 === 0 ? "text/x-test" : undefined,
      meta: i % 5 === 0 ? { i } : undefined,
    }));
    const progress: number[] = [];
    const result = await entries.import(records, { onProgress: ({ records }) => progress.push(records) });
    assert.deepEqual([result.imported, result.failed], [2500, 0]);
    assert.equal(progress.at(-1), 2500);
    await kv.namespaces.put("copy");
    const copy = kv.namespace("copy");
    assert.equal((await copy.import(entries.export())).imported, 2500);
    const from = await all(entries.export({ prefix: "k0" }));
    const to = await all(copy.list({ values: true }));
    assert.equal(to.length, 2500);
    for (const [i, entry] of to.entries()) {
      assert.deepEqual(
        [entry.key, entry.value, entry.contentType, entry.meta],
        [from[i]!.key, from[i]!.value, from[i]!.contentType, from[i]!.meta],
      );
    }
    const refused = await copy.import([
      { key: "ok", value: "1" },
      { key: "", value: "2" },
    ]);
    assert.deepEqual([refused.imported, refused.failed, refused.errors[0]?.line], [1, 1, 2]);
    await kv.namespaces.delete("copy", { force: true });
  });

  it("administers namespaces and keys, and is told what a key may not do", async () => {
    const made = await kv.namespaces.put("team-a", { defaultTtl: 60, rateLimit: { requests: 1000, seconds: 1 } });
    assert.equal(made.defaultTtl, 60);
    assert.equal((await kv.namespaces.get("team-a")).entries, 0);
    assert.ok((await kv.namespaces.list()).some(({ name }) => name === "team-a"));
    const { key, id, expiresAt } = await kv.keys.create({
      name: "reader",
      scopes: ["read:team-*"],
      expiresAt: new Date(Date.now() + 60_000),
    });
    assert.ok(expiresAt instanceof Date);
    const reader = new SkyKV({ url: service.url, key }).namespace("team-a");
    assert.equal(await reader.get("k"), null);
    await assert.rejects(reader.put("k", "v"), { code: "forbidden", status: 403 });
    await assert.rejects(new SkyKV({ url: service.url, key: "nonsense" }).namespace().get("k"), {
      code: "unauthorized",
    });
    await kv.keys.revoke(id);
    assert.ok((await kv.keys.list()).find((found) => found.id === id)?.revokedAt);
    await kv.namespace("team-a").put("k", "v");
    await assert.rejects(kv.namespaces.delete("team-a"), { code: "namespace-not-empty", status: 409 });
    await kv.namespaces.delete("team-a", { force: true });
    const cluster = await kv.cluster();
    assert.equal(cluster.cloud, "local");
    assert.equal(cluster.clouds[0]?.self, true);
  });

  it("gives a retry under the same Idempotency-Key the first answer", async () => {
    const first = await entries.put("once", "1", { idempotencyKey: "job-7" });
    await entries.put("once", "2");
    const again = await entries.put("once", "1", { idempotencyKey: "job-7" });
    assert.deepEqual(again, first);
    assert.equal(await entries.getText("once"), "2");
    await assert.rejects(entries.put("once", "other", { idempotencyKey: "job-7" }), { code: "idempotency-mismatch" });
  });

  it("reads its own writes from the session token, also in another client", async () => {
    await entries.put("mine", "1");
    assert.match(kv.session ?? "", /^local\./);
    const other = new SkyKV({ url: service.url, key: service.adminKey });
    other.session = kv.session;
    assert.equal(await other.namespace(entries.name).getText("mine"), "1");
  });
});
