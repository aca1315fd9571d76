import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, type ChannelModel, type ConsumeMessage, connect, type RecoveringChannelModel } from "amqplib";
import { Announcer } from "./announcer.ts";
import { Listeners } from "./listeners.ts";
import { decodeHint, encodeHint } from "./message.ts";
import type { Handler, HintEvents, Hints } from "./port.ts";

/**
 * Classic and not quorum: a hint is worth less than the writes to three disks that would keep it. Durable, because RabbitMQ 4
 * no longer takes others that several may share; the hints in it are not. The bounds hold while no replicator reads.
 */
const queueSettings = {
  durable: true,
  arguments: { "x-queue-type": "classic", "x-max-length": 1000, "x-overflow": "drop-head", "x-message-ttl": 5000 },
};
/** Hints that one process has not confirmed yet; others go to the next process. */
const prefetch = 16;
/** Seconds between heartbeats; two that are missing end the connection. */
const heartbeat = 5;
/** Milliseconds that connecting may take, and until it is tried again, doubled each time up to the second. */
const timeout = 5000;
const recovery = { initialDelay: 500, maxDelay: 10_000 };
/** Milliseconds that saying goodbye may take. */
const farewell = 1000;

export type RabbitHintsOptions = HintEvents & {
  /** amqp[s]://user:password@host:port/vhost */
  readonly url: string;
  /** The cloud's, and all its processes'. */
  readonly queue: string;
};

/** Hints by RabbitMQ: each goes to one of those that listen. */
export class RabbitHints implements Hints {
  readonly #options: RabbitHintsOptions;
  readonly #connection: Promise<RecoveringChannelModel>;
  readonly #announcer: Announcer;
  readonly #listeners = new Listeners();
  /** Null while there is no connection. */
  #channel: Channel | null = null;
  #isConsuming = false;

  constructor(options: RabbitHintsOptions) {
    const { url, onTrouble } = options;
    this.#options = options;
    const address = new URL(url);
    address.searchParams.set("heartbeat", String(heartbeat));
    this.#connection = connect(address.href, {
      timeout,
      noDelay: true,
      recovery: { ...recovery, waitForConnect: false, setup: (model: ChannelModel) => this.#open(model) },
    });
    void this.#connection.then((connection) => {
      connection
        .on("error", () => {})
        .on("disconnect", onTrouble)
        .on("connect-failed", onTrouble);
    });
    // What keeps hints from being sent is told by the connection or the channel.
    this.#announcer = new Announcer(
      (shards) => this.#send(shards),
      () => {},
    );
  }

  announce(shards: readonly number[]): void {
    this.#announcer.announce(shards);
  }

  listen(handler: Handler): () => void {
    const unlisten = this.#listeners.add(handler);
    if (this.#channel !== null) this.#consume(this.#channel).catch(this.#options.onTrouble);
    return unlisten;
  }

  /** For each new connection. Whatever ends the channel ends the connection, which is then made anew. */
  async #open(model: ChannelModel): Promise<void> {
    const end = () => void model.close().catch(() => {});
    model.on("error", () => {});
    const channel = await model.createChannel();
    channel.on("error", this.#options.onTrouble).on("close", () => {
      if (this.#channel === channel) this.#channel = null;
      end();
    });
    await channel.prefetch(prefetch);
    await channel.assertQueue(this.#options.queue, queueSettings);
    this.#isConsuming = false;
    this.#channel = channel;
    if (this.#listeners.size > 0) await this.#consume(channel);
  }

  async #consume(channel: Channel): Promise<void> {
    if (this.#isConsuming) return;
    this.#isConsuming = true;
    await channel.consume(this.#options.queue, (message) => this.#take(channel, message));
  }

  #take(channel: Channel, message: ConsumeMessage | null): void {
    // Null: the queue was deleted under us.
    if (message === null) return void channel.close().catch(() => {});
    this.#options.onReceived();
    this.#listeners.deliver(decodeHint(message.content.toString()));
    channel.ack(message);
  }

  async #send(shards: readonly number[]): Promise<void> {
    const channel = this.#channel;
    if (channel === null) throw new Error("there is no connection to the queue of hints");
    const hasRoom = channel.sendToQueue(this.#options.queue, Buffer.from(encodeHint(shards)), { persistent: false });
    this.#options.onSent();
    if (hasRoom) return;
    // The next hint waits: what a broker does not read would be kept in memory.
    const done = new AbortController();
    const { signal } = done;
    await Promise.race([once(channel, "drain", { signal }), once(channel, "close", { signal })]);
    done.abort();
  }

  async close(): Promise<void> {
    this.#announcer.close();
    const connection = await this.#connection;
    await Promise.race([connection.close(), sleep(farewell, undefined, { ref: false })]);
  }
}
