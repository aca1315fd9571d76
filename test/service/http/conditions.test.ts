import assert from "node:assert/strict";
import { Api, type Asked, expectProblem, sharedService, startBeside } from "./support.ts";

describe("conditions", () => {
  const shared = sharedService();
  const send = (line: string, asked?: Asked) => shared.api.send(line, asked);
  const other = "0000000000000001-elsewhere";
  let ns: string;
  let keys = 0;
  before(async () => {
    ns = await shared.api.namespace();
  });

  const absent = () => `/v1/kv/${ns}/k${++keys}`;
  /** The target of a new entry and its entity tag without quotes. */
  async function present(): Promise<[target: string, etag: string]> {
    const target = absent();
    return [target, (await send(`PUT ${target}`, { body: "first" })).etag];
  }

  describe("of writes", () => {
    for (const [method, body] of [
      ["PUT", "second"],
      ["DELETE", undefined],
    ] as const) {
      const attempt = (target: string, headers: Record<string, string>, query = "") =>
        send(`${method} ${target}${query}`, { headers, ...(body && { body }) });

      it(`${method} with If-Match happens only to the state that it names`, async () => {
        const [target, etag] = await present();
        const problem = expectProblem(await attempt(target, { "If-Match": `"${other}"` }), 412, "condition-failed");
        assert.equal(problem.current, etag);
        assert.equal((await send(`GET ${target}`)).text, "first");
        assert.ok((await attempt(target, { "If-Match": `"${etag}"` })).status < 300);
        expectProblem(await attempt(target, { "If-Match": `"${etag}"` }), 412, "condition-failed");
      });

      it(`${method} with If-Match takes lists, and * for whatever is there`, async () => {
        const [target, etag] = await present();
        assert.ok((await attempt(target, { "If-Match": `"${other}" , "${etag}"` })).status < 300);
        const [another] = await present();
        assert.ok((await attempt(another, { "If-Match": "*" })).status < 300);
      });

      it(`${method} with If-Match: * fails on an absent key, and current is null`, async () => {
        for (const tags of ["*", `"${other}"`]) {
          const problem = expectProblem(await attempt(absent(), { "If-Match": tags }), 412, "condition-failed");
          assert.equal(problem.current, null);
        }
      });

      it(`${method} with a weak tag in If-Match never happens, for weak tags do not say that bytes are equal`, async () => {
        const [target, etag] = await present();
        expectProblem(await attempt(target, { "If-Match": `W/"${etag}"` }), 412, "condition-failed");
        assert.ok((await attempt(target, { "If-Match": `W/"${etag}", "${etag}"` })).status < 300);
      });

      it(`${method} with If-None-Match: * happens only where nothing is`, async () => {
        const [target] = await present();
        expectProblem(await attempt(target, { "If-None-Match": "*" }), 412, "condition-failed");
        assert.ok((await attempt(absent(), { "If-None-Match": "*" })).status < 300);
      });

      it(`${method} with tags in If-None-Match happens unless one is there, compared weakly`, async () => {
        const [target, etag] = await present();
        expectProblem(await attempt(target, { "If-None-Match": `"${other}", W/"${etag}"` }), 412, "condition-failed");
        assert.ok((await attempt(target, { "If-None-Match": `"${other}"` })).status < 300);
      });

      it(`${method} with both headers wants both to hold`, async () => {
        const [target, etag] = await present();
        expectProblem(
          await attempt(target, { "If-Match": `"${etag}"`, "If-None-Match": `"${etag}"` }),
          412,
          "condition-failed",
        );
        assert.ok((await attempt(target, { "If-Match": `"${etag}"`, "If-None-Match": `"${other}"` })).status < 300);
      });

      it(`${method}?if_version= means the same, for proxies that touch entity tags`, async () => {
        const [target, etag] = await present();
        expectProblem(await attempt(target, {}, `?if_version=${other}`), 412, "condition-failed");
        expectProblem(await attempt(target, {}, "?if_version=none"), 412, "condition-failed");
        assert.ok((await attempt(target, {}, `?if_version=${etag}`)).status < 300);
        assert.ok((await attempt(absent(), {}, "?if_version=none")).status < 300);
        expectProblem(await attempt(target, { "If-Match": "*" }, `?if_version=${etag}`), 400, "bad-condition");
        expectProblem(await attempt(target, {}, "?if_version=latest"), 400, "bad-parameter");
      });
    }

    it("touch and increment take conditions too", async () => {
      const [target, etag] = await present();
      expectProblem(
        await send(`POST ${target}:touch?ttl=60`, { headers: { "If-Match": `"${other}"` } }),
        412,
        "condition-failed",
      );
      const touched = await send(`POST ${target}:touch?ttl=60`, { headers: { "If-Match": `"${etag}"` } });
      assert.equal(touched.status, 200);
      assert.notEqual(touched.etag, etag);

      const counter = absent();
      const first = await send(`POST ${counter}:increment`, { headers: { "If-None-Match": "*" } });
      assert.equal(first.status, 200);
      expectProblem(
        await send(`POST ${counter}:increment`, { headers: { "If-None-Match": "*" } }),
        412,
        "condition-failed",
      );
      assert.equal(
        (await send(`POST ${counter}:increment`, { headers: { "If-Match": `"${first.etag}"` } })).json.value,
        2,
      );
    });

    it("a failed condition says what is there: a version, or a counter's tag", async () => {
      const counter = absent();
      const { etag } = await send(`POST ${counter}:increment`);
      const problem = expectProblem(
        await send(`PUT ${counter}`, { headers: { "If-None-Match": "*" } }),
        412,
        "condition-failed",
      );
      assert.equal(problem.current, etag);
    });

    it("an expired or deleted entry counts as absent", async () => {
      shared.clock.stop();
      const [target] = await present();
      await send(`POST ${target}:touch?ttl=1`);
      shared.clock.advance(1000);
      const created = await send(`PUT ${target}`, { headers: { "If-None-Match": "*" } });
      assert.equal(created.status, 201);
      await send(`DELETE ${target}`);
      expectProblem(
        await send(`PUT ${target}`, { headers: { "If-Match": `"${created.etag}"` } }),
        412,
        "condition-failed",
      );
    });
  });

  describe("of reads", () => {
    it("If-None-Match gives 304 without a body for the state that the reader has", async () => {
      const [target, etag] = await present();
      for (const tags of [`"${etag}"`, `W/"${etag}"`, `"${other}", "${etag}"`, "*"]) {
        for (const consistency of ["cached", "local"]) {
          const answer = await send(`GET ${target}`, {
            headers: { "If-None-Match": tags, "KV-Consistency": consistency },
          });
          assert.equal(answer.status, 304, tags);
          assert.equal(answer.body.length, 0);
          assert.equal(answer.etag, etag);
          assert.ok(answer.headers["cache-control"]);
        }
      }
      assert.equal((await send(`GET ${target}`, { headers: { "If-None-Match": `"${other}"` } })).text, "first");
      assert.equal((await send(`HEAD ${target}`, { headers: { "If-None-Match": "*" } })).status, 304);
      expectProblem(await send(`GET ${absent()}`, { headers: { "If-None-Match": "*" } }), 404, "not-found");
    });

    it("If-Match gives 412 unless the state is there, and comes before If-None-Match", async () => {
      const [target, etag] = await present();
      assert.equal((await send(`GET ${target}`, { headers: { "If-Match": `"${etag}"` } })).status, 200);
      expectProblem(await send(`GET ${target}`, { headers: { "If-Match": `"${other}"` } }), 412, "condition-failed");
      expectProblem(await send(`GET ${absent()}`, { headers: { "If-Match": "*" } }), 412, "condition-failed");
      const both = { "If-Match": `"${other}"`, "If-None-Match": `"${etag}"` };
      expectProblem(await send(`GET ${target}`, { headers: both }), 412, "condition-failed");
    });

    it("if_version takes the tag of a counter, of a cloud with the longest name as well", async () => {
      const beside = await startBeside({ SKYKV_CLOUD: "c".repeat(32) });
      const other = new Api(beside.url);
      try {
        const target = absent();
        await other.send(`DELETE ${target}`);
        const { etag } = await other.send(`POST ${target}:increment`);
        assert.match(etag, /^[0-9a-f]{16}-c{32}-[0-9a-f]{16}$/);
        const { status, headers } = await other.send(`POST ${target}:increment?if_version=${etag}`);
        assert.deepEqual([status, headers["kv-kind"]], [200, "counter"]);
        expectProblem(await other.send(`DELETE ${target}?if_version=${etag}`), 412, "condition-failed");
      } finally {
        other.close();
        await beside.close();
      }
    });

    it("if_version is for writes", async () => {
      const [target, etag] = await present();
      expectProblem(await send(`GET ${target}?if_version=${etag}`), 400, "bad-parameter");
    });
  });

  it("malformed ones are 400, and nothing is written", async () => {
    const [target] = await present();
    const many = Array.from({ length: 65 }, (_, i) => `"${i}"`).join(", ");
    for (const tags of ["", "unquoted", '"open', '"a" "b"', 'w/"a"', "**", '*, "a"', '"a";"b"', many]) {
      for (const name of ["If-Match", "If-None-Match"]) {
        expectProblem(await send(`PUT ${target}`, { body: "no", headers: { [name]: tags } }), 400, "bad-condition");
        expectProblem(await send(`GET ${target}`, { headers: { [name]: tags } }), 400, "bad-condition");
      }
    }
    assert.equal((await send(`GET ${target}`)).text, "first");
  });

  it("in a namespace that requires them, writes without one are 428", async () => {
    const strict = await shared.api.namespace({ require_condition: true });
    const target = `/v1/kv/${strict}/a`;
    for (const line of [
      `PUT ${target}`,
      `DELETE ${target}`,
      `POST ${target}:touch?ttl=5`,
      `DELETE /v1/kv/${strict}?prefix=a`,
    ]) {
      expectProblem(await send(line), 428, "condition-required");
    }
    const { etag } = await send(`PUT ${target}?if_version=none`);
    assert.equal((await send(`POST ${target}:touch?ttl=5`, { headers: { "If-Match": `"${etag}"` } })).status, 200);
    assert.equal((await send(`DELETE ${target}`, { headers: { "If-Match": "*" } })).status, 204);
    assert.equal((await send(`POST ${target}:increment`)).status, 200);
  });
});
