import assert from "node:assert/strict";
import { connect } from "amqplib";
import { PostgresHints } from "../../service/queue/postgres.ts";
import { RabbitHints } from "../../service/queue/rabbitmq.ts";
import { type HintsServer, hintsContract } from "../support/hints-contract.ts";
import { until } from "../support/kv.ts";
import { ProcessCloud } from "../support/processes.ts";
import { needsRabbitMq, RabbitServer } from "../support/rabbitmq.ts";

describe("hints through PostgreSQL", function () {
  this.timeout(120_000);
  let cloud: ProcessCloud;
  before(async () => {
    cloud = await ProcessCloud.start();
  });
  after(() => cloud?.close());

  const server: HintsServer = {
    open: (events) => new PostgresHints({ url: cloud.postgres.url, ...events }),
    kill: () => cloud.killPostgres(),
    start: () => cloud.restartPostgres(),
    pause: () => cloud.signalPostgres("SIGSTOP"),
    resume: () => cloud.signalPostgres("SIGCONT"),
  };
  hintsContract(() => server);
});

describe("hints through RabbitMQ", function () {
  this.timeout(120_000);
  let rabbit: RabbitServer;
  before(async function () {
    needsRabbitMq(this);
    rabbit = await RabbitServer.start();
  });
  after(() => rabbit?.stop());

  const queue = "hints.aws";
  const server: HintsServer = {
    open: (events) => new RabbitHints({ url: rabbit.url, queue, ...events }),
    kill: () => rabbit.kill(),
    start: () => rabbit.start(),
    pause: () => rabbit.pause(),
    resume: () => rabbit.resume(),
  };
  hintsContract(() => server);

  it("are forgotten while nobody listens, and heard again when the queue was deleted", async () => {
    const connection = await connect(rabbit.url);
    const channel = await connection.createChannel();
    const heard: number[] = [];
    const hints = server.open({ onSent: () => {}, onReceived: () => {}, onTrouble: () => {} });
    try {
      await until("the queue is there", 20_000, async () => {
        const other = await connection.createChannel();
        other.on("error", () => {});
        return other.checkQueue(queue).then(
          () => true,
          () => false,
        );
      });
      for (let i = 0; i < 3000; i++) channel.sendToQueue(queue, Buffer.from('{"shards":[1]}'));
      await until("at most a thousand stay", 10_000, async () => {
        const { messageCount } = await channel.checkQueue(queue);
        return messageCount > 0 && messageCount <= 1000;
      });
      await until("none stays", 20_000, async () => (await channel.checkQueue(queue)).messageCount === 0);
      hints.listen((shards) => heard.push(...shards));
      await channel.deleteQueue(queue);
      await until("it is made anew", 30_000, () => {
        hints.announce([3]);
        return heard.includes(3);
      });
      assert.ok(heard.every((shard) => shard === 3));
    } finally {
      await hints.close();
      await connection.close();
    }
  });
});
