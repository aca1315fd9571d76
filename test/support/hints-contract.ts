import assert from "node:assert/strict";
import { shards } from "../../service/kv/path.ts";
import type { HintEvents, Hints } from "../../service/queue/port.ts";
import { until } from "./kv.ts";

/** A server that hints go through, and what can be done to it. */
export type HintsServer = {
  /** As one process of a cloud would. */
  readonly open: (events: HintEvents) => Hints;
  readonly kill: () => Promise<unknown>;
  readonly start: () => Promise<unknown>;
  readonly pause: () => unknown;
  readonly resume: () => unknown;
};

class Process {
  readonly hints: Hints;
  readonly heard: number[][] = [];
  readonly troubles: unknown[] = [];
  sent = 0;
  received = 0;

  constructor(server: HintsServer) {
    this.hints = server.open({
      onSent: () => this.sent++,
      onReceived: () => this.received++,
      onTrouble: (error) => this.troubles.push(error),
    });
  }

  listen(): this {
    this.hints.listen((shards) => this.heard.push([...shards]));
    return this;
  }

  has(shard: number): boolean {
    return this.heard.some((shards) => shards.includes(shard));
  }
}

/** What every adapter that reaches other processes must do. */
export function hintsContract(server: () => HintsServer): void {
  const open: Process[] = [];
  const newProcess = () => {
    const process = new Process(server());
    open.push(process);
    return process;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ hints }) => hints.close()));
  });

  /** Hints may be lost, so it is said until it is heard. */
  const heard = (by: Process, from: Process, shard: number) =>
    until(`a hint about ${shard} arrives`, 60_000, () => {
      from.hints.announce([shard]);
      return by.has(shard);
    });
  const connected = async () => {
    const [writer, replicator] = [newProcess(), newProcess().listen()];
    await heard(replicator, writer, 3);
    return { writer, replicator };
  };

  it("tell another process which shards have news", async () => {
    const { writer, replicator } = await connected();
    writer.hints.announce([1, 2]);
    await until("both are known", 10_000, () => replicator.has(1) && replicator.has(2));
    assert.ok(writer.sent > 0 && replicator.received > 0);
  });

  it("say at once what many writes of a moment have to say", async () => {
    const { writer, replicator } = await connected();
    const before = writer.sent;
    for (let i = 0; i < 10_000; i++) writer.hints.announce([i % shards]);
    await until("all are known", 10_000, () =>
      Array.from({ length: shards }, (_, shard) => replicator.has(shard)).every(Boolean),
    );
    assert.ok(writer.sent - before < 20, `${writer.sent - before} hints for 10,000 writes`);
  });

  it("reach one at least of several that listen", async () => {
    const { writer, replicator } = await connected();
    const other = newProcess().listen();
    await heard(other, writer, 2);
    writer.hints.announce([1]);
    await until("one of them knows", 10_000, () => replicator.has(1) || other.has(1));
  });

  it("are not waited for while the server is gone, and come again when it is back", async () => {
    const { writer, replicator } = await connected();
    await server().kill();
    try {
      const start = performance.now();
      for (let i = 0; i < 100_000; i++) writer.hints.announce([i % shards]);
      assert.ok(performance.now() - start < 1000, "announcing waits");
      await until("both have noticed", 30_000, () => replicator.troubles.length > 0);
      const [sent, troubles] = [writer.sent, replicator.troubles.length];
      const end = performance.now() + 1500;
      await until("time has passed", 10_000, () => {
        writer.hints.announce([2]);
        return performance.now() > end;
      });
      assert.ok(writer.sent - sent < 20, "sent to nobody");
      assert.ok(replicator.troubles.length - troubles < 10, "a loop without a pause");
    } finally {
      await server().start();
    }
    await heard(replicator, writer, 0);
    assert.doesNotMatch(JSON.stringify([...writer.troubles, ...replicator.troubles].map(everything)), /guest|hunter2/);
  });

  it("are not waited for while the server is frozen, and fit into a set of shards however long that lasts", async () => {
    const { writer, replicator } = await connected();
    await server().pause();
    try {
      const [sent, start] = [writer.sent, performance.now()];
      for (let i = 0; i < 100_000; i++) writer.hints.announce([i % shards]);
      assert.ok(performance.now() - start < 1000, "announcing waits");
      assert.ok(writer.sent - sent < 20);
    } finally {
      await server().resume();
    }
    await heard(replicator, writer, 1);
  });

  it("end in a moment, also while the server is frozen", async () => {
    await connected();
    await server().pause();
    try {
      const start = performance.now();
      for (const { hints } of open) hints.announce([2]);
      await Promise.all(open.splice(0).map(({ hints }) => hints.close()));
      assert.ok(performance.now() - start < 5000);
    } finally {
      await server().resume();
    }
  });
}

/** All that a log could show of an error. */
function everything(error: unknown): unknown {
  return error instanceof Error ? { ...error, message: error.message, stack: error.stack } : error;
}
