import { until } from "../support.ts";

/** What became of one request; times in milliseconds of `performance.now()`. */
export type Sent = { readonly startedAt: number; endedAt: number; error: unknown };

/** Requests at a fixed rate, whether or not earlier ones are answered: an outage does not slow its users down. */
export class OpenLoad {
  readonly sent: Sent[] = [];
  readonly #send: (index: number) => Promise<void>;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** @param perSecond of `send`, which rejects when its request has failed */
  constructor(perSecond: number, send: (index: number) => Promise<void>) {
    this.#send = send;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedAt) * perSecond) / 1000;
      while (this.sent.length < due) void this.#one();
    }, 5);
  }

  async #one(): Promise<void> {
    const sent: Sent = { startedAt: performance.now(), endedAt: Number.POSITIVE_INFINITY, error: null };
    this.sent.push(sent);
    await this.#send(this.sent.length - 1).catch((error) => {
      sent.error = error;
    });
    sent.endedAt = performance.now();
  }

  /** Resolves when so many requests that start from now on were answered. */
  async more(answers: number): Promise<void> {
    const from = this.sent.length;
    await until(`${answers} more answers`, async () => {
      const answered = this.sent.slice(from).filter(({ endedAt, error }) => endedAt < Infinity && error === null);
      return answered.length >= answers;
    });
  }

  /** Sends no more; those under way go on. */
  halt(): void {
    clearInterval(this.#timer);
  }

  /** Sends no more; resolves when all have been answered or have failed. */
  async stop(): Promise<void> {
    this.halt();
    await until("all requests have ended", async () => this.open === 0);
  }

  /** Requests under way. */
  get open(): number {
    return this.sent.filter(({ endedAt }) => endedAt === Infinity).length;
  }

  get failed(): Sent[] {
    return this.sent.filter(({ error }) => error !== null);
  }

  /** For people. */
  get summary(): string {
    const seconds = (this.sent.at(-1)!.startedAt - this.#startedAt) / 1000;
    const rate = Math.round(this.sent.length / seconds);
    return `${this.sent.length} requests at ${rate}/s, ${this.failed.length} failed`;
  }
}
