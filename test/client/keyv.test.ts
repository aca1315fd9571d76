import assert from "node:assert/strict";
import Keyv from "keyv";
import { SkyKV } from "../../client/client.ts";
import { SkyKVStore } from "../../client/keyv.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { all } from "./fake.ts";

describe("client: the Keyv store", () => {
  let service: TestService;
  const open = (namespace?: string) => {
    const keyv = new Keyv({ store: new SkyKVStore({ url: service.url, key: service.adminKey }), namespace });
    // What Keyv swallows a test must hear.
    keyv.on("error", (error: unknown) => errors.push(error));
    return keyv;
  };
  const errors: unknown[] = [];

  before(async () => {
    service = await startTestService();
  });
  after(() => service?.close());
  beforeEach(() => open().clear());
  afterEach(() => assert.deepEqual(errors.splice(0), []));

  it("keeps values of any kind that Keyv can serialise", async () => {
    const keyv = open();
    for (const value of ["text", "", 0, false, null, { a: [1, "ü"] }, Buffer.from([0, 255]), 12345678901234567890n]) {
      await keyv.set("k", value);
      assert.deepEqual(await keyv.get("k"), value);
    }
    assert.equal(await keyv.get("absent"), undefined);
  });

  it("lets entries expire in the service as well, and never those without a time", async () => {
    const keyv = open();
    await keyv.set("short", "1", 3_600_000);
    await keyv.set("long", "2");
    const entries = new SkyKV({ url: service.url, key: service.adminKey }).namespace();
    const expiresAt = (await entries.head("keyv/short"))?.expiresAt?.getTime() ?? 0;
    assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 60_000);
    assert.equal((await entries.head("keyv/long"))?.expiresAt, null);
  });

  it("does many at once, in the order that was asked for", async () => {
    const keyv = open();
    await keyv.setMany([
      { key: "a", value: 1 },
      { key: "b", value: 2, ttl: 60_000 },
    ]);
    assert.deepEqual(await keyv.getMany(["b", "absent", "a"]), [2, undefined, 1]);
    assert.deepEqual(await keyv.hasMany(["a", "absent"]), [true, false]);
    assert.equal(await keyv.has("a"), true);
    assert.equal(await keyv.delete("a"), true);
    assert.equal(await keyv.delete("a"), false);
    assert.equal(await keyv.has("a"), false);
    await keyv.delete(["b", "absent"]);
    assert.deepEqual(await keyv.getMany(["a", "b"]), [undefined, undefined]);
  });

  it("keeps namespaces apart, also when it clears or iterates one", async () => {
    const [one, two] = [open("one"), open("two")];
    await one.set("k", 1);
    await two.set("k", 2);
    await two.set("l", 3);
    assert.deepEqual([await one.get("k"), await two.get("k")], [1, 2]);
    assert.deepEqual(await all(two.iterator()), [
      ["k", 2],
      ["l", 3],
    ]);
    await one.clear();
    assert.deepEqual([await one.get("k"), await two.get("k")], [undefined, 2]);
    await open().clear();
    assert.equal(await two.get("k"), undefined);
  });

  it("touches nothing but what begins with its prefix", async () => {
    const entries = new SkyKV({ url: service.url, key: service.adminKey }).namespace();
    await entries.put("other", "1");
    await open().set("k", 1);
    await open().clear();
    assert.equal(await entries.getText("other"), "1");
    assert.throws(() => new SkyKVStore({ url: service.url, prefix: "" }), /prefix/);
  });

  it("says so when Keyv's serialisation is off", async () => {
    const store = new SkyKVStore({ url: service.url, key: service.adminKey });
    await assert.rejects(store.set("k", { a: 1 }), /serialization/);
    await open().disconnect();
  });
});
