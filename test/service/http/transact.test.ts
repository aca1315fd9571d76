import assert from "node:assert/strict";
import { type Asked, expectProblem, sharedService } from "./support.ts";

describe("transactions", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  let ns: string;
  beforeEach(async () => {
    ns = await shared.api.namespace();
  });

  const transact = (operations: unknown[], headers = {}) =>
    send(`POST /v1/kv/${ns}:transact`, { headers, json: { operations } });
  const contents = async () =>
    Object.fromEntries(
      (await send(`GET /v1/kv/${ns}?values=1`)).json.entries.map(({ key, value }: { key: string; value: string }) => [
        key,
        value,
      ]),
    );

  it("write all or nothing", async () => {
    const answer = await transact([
      { op: "put", key: "a", value: "1" },
      { op: "increment", key: "n", by: 2 },
      { op: "delete", key: "x" },
      { op: "get", key: "y" },
    ]);
    assert.equal(answer.status, 200);
    assert.deepEqual(
      answer.json.results.map(({ status }: { status: number }) => status),
      [201, 200, 204, 404],
    );
    assert.equal(answer.json.results[0].etag, (await send(`GET /v1/kv/${ns}/a`)).etag);
    assert.deepEqual(await contents(), { a: "1", n: "2" });

    const refused = await transact([
      { op: "put", key: "a", value: "2" },
      { op: "put", key: "b", value: "2" },
      { op: "check", key: "c", if_match: "*" },
    ]);
    expectProblem(refused, 412, "condition-failed");
    assert.deepEqual(await contents(), { a: "1", n: "2" });
  });

  it("that do not hold answer as their first failing operation, with its index, key and what is there", async () => {
    const { etag } = await send(`PUT /v1/kv/${ns}/value`, { body: "x" });
    const fine = { op: "put", key: "fine", value: "" };
    for (const [operation, status, code, current] of [
      [{ op: "check", key: "value", if_none_match: "*" }, 412, "condition-failed", etag],
      [{ op: "check", key: "none", if_match: "*" }, 412, "condition-failed", null],
      [{ op: "delete", key: "value", if_match: "0000000000000001-x" }, 412, "condition-failed", etag],
      [{ op: "touch", key: "none", ttl: 1 }, 404, "not-found", undefined],
      [{ op: "increment", key: "value" }, 409, "not-a-counter", undefined],
      [{ op: "put", key: "long", value: "?", encoding: "base64" }, 400, "bad-body", undefined],
    ] as const) {
      const problem = expectProblem(
        await transact([fine, operation, { op: "check", key: "other", if_match: "*" }]),
        status,
        code,
      );
      assert.equal(problem.index, 1);
      assert.equal(problem.key, operation.key);
      assert.equal(problem.current, current);
    }
    assert.deepEqual(await contents(), { value: "x" });
  });

  it("may name a key once", async () => {
    const problem = expectProblem(
      await transact([
        { op: "get", key: "a" },
        { op: "put", key: "a", value: "" },
      ]),
      400,
      "duplicate-key",
    );
    assert.equal(problem.key, "a");
  });

  it("that move amounts at once between the same keys lose and make none, and readers see only whole ones", async () => {
    const accounts = ["a", "b", "c", "d"];
    await transact(accounts.map((key) => ({ op: "put", key, value: "100" })));
    let over = false;
    const read = async () => {
      const { results } = (await transact(accounts.map((key) => ({ op: "get", key })))).json;
      return results.map(({ entry }: { entry: { value: string; etag: string } }) => entry) as {
        value: string;
        etag: string;
      }[];
    };
    const audit = async () => {
      let audits = 0;
      for (; !over || audits === 0; audits++)
        assert.equal(
          (await read()).reduce((sum, { value }) => sum + Number(value), 0),
          400,
        );
    };
    let moved = 0;
    const move = async (seed: number) => {
      for (let i = 0; i < 15; i++) {
        const entries = await read();
        const [from, to] = [(seed + i) % 4, (seed + i * 3 + 1) % 4];
        if (from === to) continue;
        const change = (index: number, by: number) => ({
          op: "put",
          key: accounts[index],
          value: String(Number(entries[index]!.value) + by),
          if_match: entries[index]!.etag,
        });
        const { status } = await transact([change(from, -1), change(to, 1)]);
        assert.ok(status === 200 || status === 412, String(status));
        if (status === 200) moved++;
      }
    };
    await Promise.all([audit(), Promise.all([0, 1, 2, 3].map(move)).finally(() => (over = true))]);
    assert.ok(moved > 0);
  });

  it("also hold what they only read: nobody changes it in between", async () => {
    // Each writes its own key if the other's is absent: only one of both may.
    for (let round = 0; round < 10; round++) {
      const [left, right] = [`l${round}`, `r${round}`];
      const answers = await Promise.all([
        transact([
          { op: "check", key: left, if_none_match: "*" },
          { op: "put", key: right, value: "" },
        ]),
        transact([
          { op: "check", key: right, if_none_match: "*" },
          { op: "put", key: left, value: "" },
        ]),
      ]);
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412]);
    }
  });

  it("write 1000 keys at most", async () => {
    const puts = (count: number) => Array.from({ length: count }, (_, i) => ({ op: "put", key: String(i), value: "" }));
    assert.equal((await transact(puts(1000))).status, 200);
    assert.equal((await send(`GET /v1/kv/${ns}?limit=1000`)).json.entries.length, 1000);
    expectProblem(await transact(puts(1001)), 400, "bad-body");
  });

  it("need another cloud for more than local durability", async () => {
    expectProblem(await transact([{ op: "put", key: "a", value: "" }], { "KV-Durability": "all" }), 400, "no-peers");
    assert.deepEqual(await contents(), {});
  });
});
