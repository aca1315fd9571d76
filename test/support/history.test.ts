import assert from "node:assert/strict";
import { createServer } from "node:net";
import { certainlyNotApplied, Recorder } from "./history.ts";

describe("the history recorder", () => {
  it("keeps what a client did, found and was refused, with its times", async () => {
    const recorder = new Recorder();
    assert.equal(await recorder.write(1, "k", "a", async () => {}), "ok");
    assert.equal(await recorder.read(2, "k", async () => "a"), "a");
    assert.equal(await recorder.swap(1, "k", "z", "b", async () => false), "ok");
    assert.deepEqual(
      recorder.calls.map(({ client, operation }) => ({ client, ...operation })),
      [
        { client: 1, kind: "write", value: "a" },
        { client: 2, kind: "read", found: "a" },
        { client: 1, kind: "swap", expected: "z", value: "b", done: false },
      ],
    );
    for (const { invoked, completed } of recorder.calls)
      assert.ok(invoked < completed && completed < performance.now());
  });

  it("forgets writes that certainly did nothing, and reads that failed", async () => {
    const recorder = new Recorder();
    const refuse = async () => Promise.reject(Object.assign(new Error("precondition failed"), { status: 412 }));
    assert.equal(await recorder.write(1, "k", "a", refuse), "failed");
    assert.equal(await recorder.read(1, "k", refuse), undefined);
    assert.deepEqual(recorder.calls, []);
  });

  it("leaves the completion of a write open whose outcome is unknown", async () => {
    const recorder = new Recorder();
    const fail = async () => Promise.reject(Object.assign(new Error("unavailable"), { status: 503 }));
    assert.equal(await recorder.swap(1, "k", null, "a", fail), "unknown");
    assert.deepEqual(recorder.calls[0]?.operation, { kind: "swap", expected: null, value: "a", done: true });
    assert.equal(recorder.calls[0]?.completed, Number.POSITIVE_INFINITY);
  });

  it("is certain of a refused connection, but not of one that breaks", async () => {
    const server = createServer((socket) => socket.on("data", () => socket.destroy()));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const failure = () =>
      fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body: "a" }).catch((error: unknown) => error);
    const broken = await failure();
    await new Promise((resolve) => server.close(resolve));
    const refused = await failure();
    assert.equal(certainlyNotApplied(broken), false);
    assert.equal(certainlyNotApplied(refused), true);
  });
});
