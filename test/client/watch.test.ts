import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { WatchEvent } from "../../client/client.ts";
import { type Fake, problem, startFake } from "./fake.ts";

const open = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });
const frame = (response: ServerResponse, event: string, id: string | null, data: unknown) =>
  response.write(`: comment\n\n${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
const put = (key: string, extra = {}) => ({
  type: "put",
  id: "",
  key,
  version: "v",
  origin: "local",
  content_type: "text/plain",
  size: 1,
  expires_at: null,
  ...extra,
});

describe("client: watch", () => {
  let fake: Fake;
  afterEach(() => fake?.close());

  async function take(count: number, events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
    const taken: WatchEvent[] = [];
    for await (const event of events) if (taken.push(event) === count) break;
    return taken;
  }
  const names = (events: WatchEvent[]) =>
    events.map((event) => ("key" in event ? `${event.type} ${event.key}` : event.type));

  it("keeps the cursors that come without an event, so that a break before the first one loses nothing", async () => {
    fake = await startFake((request, response, count) => {
      assert.equal(request.query.get("since"), [null, "c0", "c5"][count - 1]);
      assert.equal(request.query.get("prefix"), "p");
      if (count < 3) {
        open(response).write("retry: 1000\nid: c0\n\n");
        if (count === 2) response.write("id: c5\n: still here\n\n");
        return setImmediate(() => response.destroy());
      }
      frame(open(response), "put", "c6", put("a"));
    });
    assert.deepEqual(names(await take(1, fake.client().namespace().watch({ prefix: "p" }))), ["put a"]);
  });

  it("goes on behind the last event after a break, a clean end and a refusal that passes", async () => {
    fake = await startFake((request, response, count) => {
      assert.equal(request.query.get("since"), ["c0", "c1", "c1", "c2"][count - 1]);
      if (count === 1)
        return (
          frame(open(response), "put", "c1", put("a", { value: "YQ==", encoding: "base64" })) &&
          setImmediate(() => response.destroy())
        );
      if (count === 2) return problem(response, 503, "draining", {}, { "retry-after": "0" });
      if (count === 3) return frame(open(response), "delete", "c2", { ...put("b"), type: "delete" }) && response.end();
      frame(open(response), "put", "c3", put("c"));
    });
    const events = await take(3, fake.client().namespace().watch({ since: "c0", values: true }));
    assert.deepEqual(names(events), ["put a", "delete b", "put c"]);
    const [first] = events;
    assert.ok(first?.type === "put");
    assert.equal(new TextDecoder().decode(first.value!), "a");
    assert.equal(first.cursor, "c1");
  });

  it("gives a snapshot, then says that it is live", async () => {
    fake = await startFake((request, response) => {
      assert.equal(request.query.get("snapshot"), "1");
      open(response);
      frame(response, "put", "s1", put("a"));
      frame(response, "live", null, { cursor: "c1" });
      frame(response, "put", "c2", put("b"));
    });
    const events = await take(3, fake.client().namespace().watch({ snapshot: true }));
    assert.deepEqual(names(events), ["put a", "live", "put b"]);
    assert.deepEqual(
      events.map((event) => "cursor" in event && event.cursor),
      [null, "c1", "c2"],
    );
  });

  it("starts a snapshot that broke anew, with a reset between the halves", async () => {
    fake = await startFake((request, response, count) => {
      assert.equal(request.query.get("snapshot"), "1");
      frame(open(response), "put", "s1", put("a"));
      if (count === 1) return setImmediate(() => response.destroy());
      frame(response, "live", null, { cursor: "c1" });
    });
    assert.deepEqual(names(await take(4, fake.client().namespace().watch({ snapshot: true }))), [
      "put a",
      "reset",
      "put a",
      "live",
    ]);
  });

  it("gives a reset and a new snapshot when its cursor is gone", async () => {
    fake = await startFake((request, response) => {
      if (request.query.get("since") === "old") return problem(response, 410, "cursor-gone");
      assert.equal(request.query.get("since"), null);
      frame(open(response), "put", "s1", put("a"));
      frame(response, "live", null, { cursor: "c1" });
    });
    assert.deepEqual(names(await take(3, fake.client().namespace().watch({ since: "old" }))), [
      "reset",
      "put a",
      "live",
    ]);
  });

  it("passes over frames of kinds that it does not know, and reads all line ends", async () => {
    fake = await startFake((_, response) => {
      frame(open(response), "weather", "c1", {});
      response.write('event: put\r\nid:c2\r\ndata: {"key":"a",\r\ndata: "size":1}\r\n\r\n');
    });
    assert.deepEqual(names(await take(1, fake.client().namespace().watch({ since: "c0" }))), ["put a"]);
  });

  it("throws what will not pass, and the caller's reason when the caller ends it", async () => {
    fake = await startFake((request, response) => {
      if (request.path.includes("secret")) return problem(response, 403, "forbidden");
      open(response).flushHeaders();
    });
    const kv = fake.client();
    await assert.rejects(take(1, kv.namespace("secret").watch({ since: "c0" })), { code: "forbidden" });
    const reason = new Error("enough");
    const controller = new AbortController();
    const watching = take(1, kv.namespace().watch({ since: "c0", signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(watching, reason);
  });

  it("closes its connection when the loop is left", async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    fake = await startFake((_, response) => {
      response.on("close", resolve);
      frame(open(response), "put", "c1", put("a"));
    });
    await take(1, fake.client().namespace().watch({ since: "c0" }));
    await closed;
  });
});
