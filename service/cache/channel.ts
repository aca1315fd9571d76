import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { Path } from "../kv/path.ts";
import { backOff } from "./connection.ts";

/** That a path's state became the one of version time `newest`. */
export type Change = { readonly path: Path; readonly newest: bigint };

/** What processes send each other, as JSON; version times in hexadecimal. */
type Message = {
  readonly from: string;
  /** Earlier messages of this process did not get out. */
  readonly lost?: boolean;
  readonly changes?: readonly (readonly [Path, string])[];
  /** When it was sent, in milliseconds of the sender's own clock. */
  readonly ping?: number;
};

/**
 * Two connections, one to speak and one to listen: if possible to different nodes, so that what is said has to cross the
 * cluster to be heard.
 */
export type Line = { readonly voice: Redis; readonly ear: Redis };

export type ChannelOptions = {
  readonly name: string;
  readonly open: () => Line;
  /** Rejects where messages sent over the connection do not reach everybody. */
  readonly verify: (voice: Redis) => Promise<unknown>;
  /** What others changed; null: anything may have changed. */
  readonly heard: (changes: readonly Change[] | null) => void;
  /** Called when `listening` turns true or false. */
  readonly changed: () => void;
};

/** Milliseconds between pings. */
const pingInterval = 250;

/** Milliseconds for a ping to come back, and for a new connection to bring the first one. */
const pingTimeout = 1000;

/** Bytes of messages that may wait for a hung server; what comes on top is lost, and the others are told so. */
const maxUnderWay = 4 * 1024 * 1024;

/**
 * How the processes of a cloud tell each other what they changed: publish/subscribe, which loses messages whenever a
 * connection breaks. So every process sends itself pings. While they come back, what others send comes too; when they
 * stopped, everything may have changed meanwhile.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #id = randomBytes(9).toString("base64url");
  readonly #ticker: NodeJS.Timeout;
  #line: Line | null = null;
  #reopening: NodeJS.Timeout | undefined;
  #attempts = 0;
  #openedAt = 0;
  /** When the newest ping that came back was sent. */
  #proven = Number.NEGATIVE_INFINITY;
  #told = false;
  #lost = false;
  #underWay = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#ticker = setInterval(() => this.#tick(), pingInterval).unref();
    this.#open();
  }

  /** Whether everything that is said now is heard here. */
  get listening(): boolean {
    return performance.now() - this.#proven < pingTimeout;
  }

  /** Tells the other processes. When that fails they are told to forget everything as soon as it works again. */
  say(changes: readonly Change[]): void {
    if (changes.length > 0) this.#send({ changes: changes.map(({ path, newest }) => [path, newest.toString(16)]) });
  }

  close(): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#reopening);
    this.#proven = Number.NEGATIVE_INFINITY;
    this.#hangUp();
  }

  #open(): void {
    const line = this.#options.open();
    const { voice, ear } = line;
    this.#line = line;
    this.#openedAt = performance.now();
    for (const connection of [voice, ear]) {
      connection.on("error", () => {});
      connection.on("end", () => this.#broken(line));
    }
    ear.on("message", (_name, text) => {
      if (line === this.#line) this.#hear(text);
    });
    ear.on("ready", () => {
      ear.subscribe(this.#options.name).then(
        () => this.#ping(),
        () => this.#broken(line),
      );
    });
  }

  #tick(): void {
    const silence = performance.now() - Math.max(this.#proven, this.#openedAt);
    if (this.#line !== null && silence > pingTimeout) this.#broken(this.#line);
    else this.#ping();
    this.#tell();
  }

  #ping(): void {
    const line = this.#line;
    if (line?.voice.status !== "ready") return;
    this.#options.verify(line.voice).catch(() => this.#broken(line));
    this.#send({ ping: performance.now() });
  }

  #send(message: Omit<Message, "from">): void {
    const said = { from: this.#id, ...(this.#lost && { lost: true }), ...message } satisfies Message;
    const failed = () => {
      this.#lost ||= said.changes !== undefined || said.lost === true;
    };
    const text = JSON.stringify(said);
    const voice = this.#line?.voice;
    if (voice?.status !== "ready" || this.#underWay + text.length > maxUnderWay) {
      failed();
      return;
    }
    this.#lost = false;
    this.#underWay += text.length;
    voice
      .publish(this.#options.name, text)
      .catch(failed)
      .finally(() => {
        this.#underWay -= text.length;
      });
  }

  #hear(text: string): void {
    const message = parse(text);
    if (message?.from === this.#id) {
      if (message.ping !== undefined) this.#prove(message.ping);
    } else if (message === null || message.lost) {
      this.#options.heard(null);
    } else if (message.changes.length > 0) {
      this.#options.heard(message.changes);
    }
  }

  #prove(sentAt: number): void {
    if (performance.now() - sentAt >= pingTimeout) return;
    if (!this.listening) this.#options.heard(null);
    this.#proven = sentAt;
    this.#attempts = 0;
    this.#tell();
  }

  #broken(line: Line): void {
    if (line !== this.#line) return;
    this.#proven = Number.NEGATIVE_INFINITY;
    this.#hangUp();
    this.#tell();
    this.#reopening = setTimeout(() => this.#open(), backOff(++this.#attempts)).unref();
  }

  #hangUp(): void {
    this.#line?.voice.disconnect();
    this.#line?.ear.disconnect();
    this.#line = null;
  }

  #tell(): void {
    if (this.listening === this.#told) return;
    this.#told = !this.#told;
    this.#options.changed();
  }
}

type Heard = {
  readonly from: string;
  readonly lost: boolean;
  readonly ping?: number;
  readonly changes: readonly Change[];
};

/** Null for what is not understood, such as another release's message. */
function parse(text: string): Heard | null {
  try {
    const { from, lost, ping, changes }: Message = JSON.parse(text);
    if (typeof from !== "string") return null;
    return {
      from,
      lost: lost === true,
      ...(typeof ping === "number" && { ping }),
      changes: (changes ?? []).map(([path, newest]) => ({ path, newest: BigInt(`0x${newest}`) })),
    };
  } catch {
    return null;
  }
}
