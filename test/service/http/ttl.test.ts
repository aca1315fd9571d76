import assert from "node:assert/strict";
import { type Asked, expectProblem, sharedService } from "./support.ts";

describe("time to live", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  let at: string;
  let keys = 0;
  before(async () => {
    ns = await shared.api.namespace();
  });
  beforeEach(() => {
    shared.clock.stop();
    at = `/v1/kv/${ns}/k${++keys}`;
  });

  /** The expiry that an answer tells, in milliseconds from now; null for never. */
  function left({ headers }: { headers: NodeJS.Dict<string | string[]> }): number | null {
    const expires = headers["kv-expires-at"];
    return expires === undefined ? null : Date.parse(String(expires)) - shared.clock.now();
  }
  const status = async (consistency = "cached") =>
    (await send(`GET ${at}`, { headers: { "KV-Consistency": consistency } })).status;

  it("an entry is there until the very millisecond of its expiry, cached or not", async () => {
    assert.equal(left(await send(`PUT ${at}?ttl=1.234`)), 1234);
    shared.clock.advance(1233);
    assert.equal(await status(), 200);
    assert.equal(await status("local"), 200);
    assert.equal(left(await send(`HEAD ${at}`)), 1);
    shared.clock.advance(1);
    assert.equal(await status(), 404);
    assert.equal(await status("local"), 404);
  });

  it("an expired entry is gone from lists, batches and conditions as well", async () => {
    await send(`PUT ${at}?ttl=0.5`);
    shared.clock.advance(500);
    const key = at.slice(at.lastIndexOf("/") + 1);
    const { entries } = (await send(`GET /v1/kv/${ns}?prefix=${key}`)).json;
    assert.deepEqual(
      entries.filter((entry: { key: string }) => entry.key === key),
      [],
    );
    const batch = await send(`POST /v1/kv/${ns}:batch`, { json: { operations: [{ op: "get", key }] } });
    assert.equal(batch.json.results[0].status, 404);
    expectProblem(await send(`POST ${at}:touch?ttl=9`), 404, "not-found");
    expectProblem(await send(`PUT ${at}`, { headers: { "If-Match": "*" } }), 412, "condition-failed");
    assert.equal((await send(`PUT ${at}`)).status, 201);
  });

  it("touch gives a new expiry and version, and keeps value, type and metadata", async () => {
    const headers = { "Content-Type": "text/plain", "KV-Meta": '{"a":1}' };
    const put = await send(`PUT ${at}?ttl=10`, { body: "kept", headers });
    shared.clock.advance(9_000);
    const touched = await send(`POST ${at}:touch?ttl=60`);
    assert.equal(touched.status, 200);
    assert.equal(left(touched), 60_000);
    assert.ok(touched.etag > put.etag);
    const got = await send(`GET ${at}`);
    assert.deepEqual(
      [got.text, got.headers["content-type"], got.headers["kv-meta"], got.etag],
      ["kept", "text/plain", '{"a":1}', touched.etag],
    );
    assert.equal(left(await send(`POST ${at}:touch?ttl=none`)), null);
    assert.equal(left(await send(`POST ${at}:touch?ttl=5`)), 5000);
    assert.equal(left(await send(`POST ${at}:touch?keep_ttl=1`)), 5000);
    // Without a word it takes the namespace's default, as a PUT does.
    assert.equal(left(await send(`POST ${at}:touch`)), null);
    expectProblem(await send(`POST ${at}-absent:touch?ttl=5`), 404, "not-found");
  });

  it("a large value in the blobs port can be touched too", async () => {
    await send(`PUT ${at}?ttl=10`, { body: Buffer.alloc(2 ** 20 + 5, 7) });
    assert.equal(left(await send(`POST ${at}:touch?ttl=20`)), 20_000);
    shared.clock.advance(11_000);
    assert.equal((await send(`GET ${at}`)).body.length, 2 ** 20 + 5);
  });

  it("a PUT does not inherit the expiry of what it replaces, unless it says so", async () => {
    await send(`PUT ${at}?ttl=100`);
    shared.clock.advance(1000);
    assert.equal(left(await send(`PUT ${at}?keep_ttl=1`)), 99_000);
    assert.equal(left(await send(`PUT ${at}?keep_ttl=0`)), null);
    assert.equal(left(await send(`PUT ${at}?keep_ttl=1`)), null);
    assert.equal(left(await send(`PUT ${at}-new?keep_ttl=1`)), null);
  });

  it("a namespace's default goes for every write of a value that does not say otherwise", async () => {
    const own = await shared.api.namespace({ default_ttl: 30.5 });
    const target = `/v1/kv/${own}/a`;
    assert.equal(left(await send(`PUT ${target}`)), 30_500);
    assert.equal(left(await send(`PUT ${target}?ttl=5`)), 5000);
    shared.clock.advance(1000);
    assert.equal(left(await send(`PUT ${target}?keep_ttl=1`)), 4000);
    assert.equal(left(await send(`PUT ${target}?ttl=none`)), null);
    assert.equal(left(await send(`POST ${target}:touch`)), 30_500);
    // On an absent key there is nothing to keep: as if keep_ttl were absent.
    assert.equal(left(await send(`PUT ${target}-new?keep_ttl=1`)), 30_500);
    shared.clock.advance(30_500);
    assert.equal(left(await send(`PUT ${target}?keep_ttl=1`)), 30_500);
    assert.equal(left(await send(`POST /v1/kv/${own}/counter:increment`)), null);
    const batch = await send(`POST /v1/kv/${own}:batch`, {
      json: { operations: [{ op: "put", key: "b", value: "" }] },
    });
    assert.equal(left({ headers: { "kv-expires-at": batch.json.results[0].expires_at } }), 30_500);
  });

  it("expiry makes no version: the tag stays until the next write", async () => {
    const put = await send(`PUT ${at}?ttl=1`);
    shared.clock.advance(2000);
    const next = await send(`PUT ${at}`);
    assert.equal(next.status, 201);
    assert.ok(next.etag > put.etag);
  });

  it("is from a millisecond to ten years, in decimal seconds or none", async () => {
    assert.equal(left(await send(`PUT ${at}?ttl=0.001`)), 1);
    assert.equal(left(await send(`PUT ${at}?ttl=315360000`)), 315_360_000_000);
    for (const ttl of [
      "0",
      "0.000",
      "-1",
      "1.2345",
      "1e3",
      "315360000.001",
      "999999999999",
      "abc",
      "",
      "None",
      " 1",
      "0x10",
      "1,5",
    ]) {
      expectProblem(await send(`PUT ${at}?ttl=${encodeURIComponent(ttl)}`), 400, "bad-parameter");
    }
    expectProblem(await send(`PUT ${at}?ttl=5&keep_ttl=1`), 400, "bad-parameter");
    expectProblem(await send(`PUT ${at}?ttl=5&ttl=6`), 400, "bad-parameter");
    expectProblem(await send(`PUT ${at}?keep_ttl=yes`), 400, "bad-parameter");
    expectProblem(await send(`PUT ${at}?tll=5`), 400, "bad-parameter");
    expectProblem(await send(`DELETE ${at}?ttl=5`), 400, "bad-parameter");
    expectProblem(await send(`POST ${at}:increment?ttl=5`), 400, "bad-parameter");
  });

  it("an expired entry is collected later, and nothing older comes back", async () => {
    const own = await shared.api.namespace();
    const target = `/v1/kv/${own}/a`;
    await send(`PUT ${target}`, { body: "old" });
    await send(`PUT ${target}?ttl=1`, { body: "new" });
    // The floor, at and below which dead entries go, stays an hour behind.
    shared.clock.advance(2 * 3_600_000);
    for (let i = 0; i < 3; i++) await shared.service.running.maintenance.step();
    expectProblem(await send(`GET ${target}`), 404, "not-found");
    assert.equal((await send(`PUT ${target}`, { body: "next", headers: { "If-None-Match": "*" } })).status, 201);
    assert.equal((await send(`GET ${target}`)).text, "next");
  });
});
