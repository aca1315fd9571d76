import assert from "node:assert/strict";
import { Feed } from "../../../service/store/feed.ts";
import type { FeedPosition, Store } from "../../../service/store/port.ts";

const at = (xid: number): FeedPosition => ({ xid, id: 0, at: 0 });

describe("the change feed of a process", () => {
  it("does not let a watcher sleep that came before the recent changes begin", async () => {
    // The feed's reader starts at 20, though something changed at 15 that this watcher, who stands at 10, must see.
    const store = {
      feedEnd: async () => at(20),
      feed: async (from: FeedPosition) => ({ from, to: at(Math.max(from.xid, 20)), changes: [] }),
    } as unknown as Store;
    const feed = new Feed(store, (error) => assert.fail(error as Error));
    const leave = feed.follow();
    const slept = feed.news(at(10), 60_000);
    await slept;
    await feed.news(at(10), 60_000);
    const woken = feed.news(at(20), 20);
    await woken;
    leave();
    feed.close();
  });
});
